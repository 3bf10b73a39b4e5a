import Ranks
import XCTest

final class PairwiseSumTests: XCTestCase {
    private func order(_ count: Int) -> String {
        PairwiseSum.over(0..<count) {
            "\($0)"
        } adding: {
            $0 = "(\($0)+\($1))"
        }
    }

    func testHalvesAreAddedFirst() {
        XCTAssertEqual(order(1), "0")
        XCTAssertEqual(order(2), "(0+1)")
        XCTAssertEqual(order(4), "((0+1)+(2+3))")
        XCTAssertEqual(order(3), "(0+(1+2))")
        XCTAssertEqual(order(6), "((0+(1+2))+(3+(4+5)))")
    }

    /// What ranks add up of their parts, put together, is the tree of one process, however many there are.
    func testBranchesOfRanks_makeUpTheSameTree() {
        for (batch, ranks) in [(2, 2), (4, 2), (6, 2), (6, 3), (12, 3), (12, 4), (15, 5), (64, 64), (96, 3), (7, 1)] {
            let part = batch / ranks
            var sums: [Range<Int>: String] = [:]
            for rank in 0..<ranks {
                let branches = PairwiseSum.branches(within: rank * part..<(rank + 1) * part, of: 0..<batch)
                XCTAssertEqual(branches.flatMap { Array($0) }, Array(rank * part..<(rank + 1) * part))
                if ranks & (ranks - 1) == 0 || ranks == batch { XCTAssertEqual(branches.count, 1) }
                for branch in branches {
                    let sum: String = PairwiseSum.over(branch) {
                        "\($0)"
                    } adding: {
                        $0 = "(\($0)+\($1))"
                    }
                    sums[branch] = sum
                }
            }
            let whole = PairwiseSum.over(0..<batch, branches: sums) { $0 = "(\($0)+\($1))" }
            XCTAssertEqual(whole, order(batch), "\(ranks) ranks, batch \(batch)")
        }
    }

    func testOneProcess_isItsOwnGroup() {
        let group = OneProcess()
        XCTAssertEqual(group.part(of: 6), 0..<6)
        XCTAssertEqual(group.sums([[1, 2], [3, 4], [5, 6]]), [9, 12])
        XCTAssertEqual(group.branches(ofBatch: 6), [0..<6])
        XCTAssertEqual(group.broadcast([7]), [7])
        XCTAssertEqual(group.collected([3]), [[3]])
        XCTAssertTrue(group.all(true))
        XCTAssertFalse(group.all(false))
    }
}
