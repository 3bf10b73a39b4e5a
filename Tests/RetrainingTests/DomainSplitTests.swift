import Digests
import Retraining
import XCTest

final class DomainSplitTests: XCTestCase {
    private func images(_ numbers: Range<Int>) -> Set<SHA256Digest> {
        Set(numbers.map { SHA256.hash(Array("image \($0)".utf8)) })
    }

    private func heldOut(_ sides: [SHA256Digest: DomainSplit.Side]) -> Set<SHA256Digest> {
        Set(sides.filter { $0.value == .heldOut }.keys)
    }

    func testOneInFive_isKeptAside_byContentAlone() {
        let sides = DomainSplit.sides(of: images(0..<2000))
        XCTAssertEqual(sides.count, 2000)
        XCTAssertEqual(Double(heldOut(sides).count), 400, accuracy: 60)
        XCTAssertEqual(sides, DomainSplit.sides(of: images(0..<2000)))
    }

    func testFewImages_keepEnoughForAComparison() {
        for (count, least) in [(0, 0), (1, 0), (2, 1), (6, 3), (10, 5), (30, 5)] {
            let aside = heldOut(DomainSplit.sides(of: images(0..<count))).count
            XCTAssertGreaterThanOrEqual(aside, least, "of \(count)")
            XCTAssertLessThanOrEqual(aside, max(least, count / 2), "of \(count)")
        }
    }

    func testImage_neverChangesSides_asOthersComeAndGo() {
        var decided: [SHA256Digest: DomainSplit.Side] = [:]
        for range in [0..<6, 0..<9, 3..<40, 0..<200, 150..<260, 0..<260] {
            let sides = DomainSplit.sides(of: images(range), decided: decided)
            for (image, side) in sides {
                if let before = decided[image] { XCTAssertEqual(side, before) }
                decided[image] = side
            }
        }
        XCTAssertEqual(decided.count, 260)
    }
}
