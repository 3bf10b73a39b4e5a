import Networks
import Photos
import XCTest

@testable import Evaluation

/// The units in which VGG16's features are compared.
final class ComparableFeaturesTests: XCTestCase {
    /// Rows of features, heavy-tailed as those of a network are: one channel in sixteen is thirty times as strong.
    private func table(_ dimensions: Int, _ count: Int, seed: UInt64, factor: Float = 1) -> FeatureTable {
        var random = EvaluationRandom(seed: seed, purpose: "features")
        return FeatureTable(
            (0..<count).map { _ in
                (0..<dimensions).map { i in
                    let value = Float(random.below(1000)) / 1000
                    return factor * value * value * (i % 16 == 0 ? 30 : 1)
                }
            })
    }

    func testReference_liesAroundZeroWithHalfADeviation() throws {
        let features = PooledVGG16Features(try EvaluatorTests.tinyVGG16())
        let reference = table(features.dimensions, 40, seed: 1)
        let own = features.comparable(reference, reference: reference)
        for i in stride(from: 0, to: features.dimensions, by: 5) {
            let column = (0..<own.count).map { Double(own.row($0)[own.row($0).startIndex + i]) }
            let mean = column.reduce(0, +) / 40
            XCTAssertEqual(mean, 0, accuracy: 1e-5)
            let deviation = (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40).squareRoot()
            // A weak channel beside a strong one counts for less.
            XCTAssertLessThanOrEqual(deviation, 0.5 + 1e-5)
            if i % 16 == 0 { XCTAssertEqual(deviation, 0.5, accuracy: 1e-4) }
        }
    }

    func testUnitsOfTheFeatures_makeNoDifference() throws {
        let features = PooledVGG16Features(try EvaluatorTests.tinyVGG16()), d = features.dimensions
        func distance(_ factor: Float) throws -> Double {
            let (pictures, reference) = (
                table(d, 20, seed: 2, factor: factor), table(d, 30, seed: 1, factor: factor)
            )
            return try KernelDistance.between(
                features.comparable(pictures, reference: reference),
                features.comparable(reference, reference: reference), sets: 10
            ).value
        }
        XCTAssertEqual(try distance(1), try distance(1000), accuracy: 1e-4)
    }

    /// A channel that the reference holds still must not blow up what others do in it.
    func testChannelWithoutVariation_staysBounded() throws {
        let features = PooledVGG16Features(try EvaluatorTests.tinyVGG16()), d = features.dimensions
        let rows = (0..<10).map { row in (0..<d).map { i in i == 0 ? Float(1) : Float((row + i) % 7) } }
        var picture = rows[0]
        picture[0] = 4
        let found = features.comparable(FeatureTable([picture, picture]), reference: FeatureTable(rows))
        XCTAssertTrue(found.values.allSatisfy { $0.isFinite && abs($0) < 10 }, "\(found.values.max()!)")
        let still = FeatureTable([[Float]](repeating: [Float](repeating: 2, count: d), count: 3))
        XCTAssertTrue(features.comparable(still, reference: still).values.allSatisfy { $0 == 0 })
    }
}
