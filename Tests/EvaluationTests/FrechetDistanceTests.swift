import XCTest

@testable import Evaluation

final class FrechetDistanceTests: XCTestCase {
    /// Normally distributed rows with these means and deviations.
    static func gaussian(_ count: Int, _ means: [Double], _ deviations: [Double], seed: UInt64) -> FeatureTable {
        var random = EvaluationRandom(seed: seed, purpose: "gaussian")
        func uniform() -> Double { (Double(random.next() >> 11) + 1) * 0x1p-53 }
        return FeatureTable(
            (0..<count).map { _ in
                zip(means, deviations).map { mean, deviation in
                    // A sum of twelve is near enough to normal, and needs no functions.
                    Float(mean + deviation * ((0..<12).reduce(0.0) { sum, _ in sum + uniform() } - 6))
                }
            })
    }

    /// By the definition, for diagonal covariances: computed from the tables' own moments, off-diagonals left out by
    /// making them zero.
    func testKnownDistance_ofTwoPointSets() throws {
        // Four points on the axes: mean 0, covariance diag(2/3 a^2, 2/3 b^2) with n - 1 = 3.
        func cross(_ a: Float, _ b: Float, at x: Float) -> FeatureTable {
            FeatureTable([[x + a, 0], [x - a, 0], [x, b], [x, -b]])
        }
        let (p, q) = (cross(1, 2, at: 0), cross(3, 5, at: 4))
        // |m|^2 = 16; tr (sqrt C1 - sqrt C2)^2 = 2/3 ((3-1)^2 + (5-2)^2).
        XCTAssertEqual(try FrechetDistance.between(p, q), 16 + 2.0 / 3 * (4 + 9), accuracy: 1e-12)
        XCTAssertEqual(try FrechetDistance.between(p, p), 0, accuracy: 1e-12)
    }

    /// The covariance form and the form for few images meet where the number of images passes the dimensions, and
    /// rotating the features changes nothing.
    func testFewAndManyImagesGiveOneFigure() throws {
        let d = 6, a = Self.gaussian(500, [Double](repeating: 1, count: d), [1, 2, 0.5, 3, 1, 0], seed: 1)
        let b = Self.gaussian(340, [Double](repeating: 0.5, count: d), [2, 1, 0.5, 1, 1, 1], seed: 2)
        // The same in 700 dimensions, more than there are images: columns of zeros change nothing.
        func padded(_ t: FeatureTable) -> FeatureTable {
            FeatureTable((0..<t.count).map { Array(t.row($0)) + [Float](repeating: 0, count: 694) })
        }
        let many = try FrechetDistance.between(a, b)
        XCTAssertEqual(try FrechetDistance.between(padded(a), padded(b)), many, accuracy: 1e-9 * many)
        XCTAssertEqual(try FrechetDistance.between(b, a), many, accuracy: 1e-9 * many)
        XCTAssertEqual(try FrechetDistance.between(padded(a), padded(a)), 0, accuracy: 1e-9)
    }

    /// Two samples of one distribution: the figure is all bias, and the extrapolation takes most of it away.
    func testExtrapolationTakesTheBiasAway() throws {
        let (zeros, ones) = ([Double](repeating: 0, count: 32), [Double](repeating: 1, count: 32))
        let (a, b) = (Self.gaussian(150, zeros, ones, seed: 3), Self.gaussian(150, zeros, ones, seed: 4))
        let distance = try FrechetDistance.between(a, b), infinite = try XCTUnwrap(FrechetDistance.extrapolated(a, b))
        XCTAssertGreaterThan(distance, 2)
        XCTAssertLessThan(abs(infinite), 0.25 * distance)
        // A true distance stays.
        let far = Self.gaussian(150, zeros.map { $0 + 2 }, ones, seed: 5)
        XCTAssertEqual(try XCTUnwrap(FrechetDistance.extrapolated(a, far)), 128, accuracy: 8)
        XCTAssertNil(try FrechetDistance.extrapolated(Self.gaussian(10, zeros, ones, seed: 3), b))
    }

    func testOneImageIsNoDistribution() {
        let one = FeatureTable([[1, 2]]), two = FeatureTable([[1, 2], [3, 4]])
        XCTAssertThrowsError(try FrechetDistance.between(one, two)) {
            XCTAssertTrue("\($0)".contains("there are 1 and 2"), "\($0)")
        }
        XCTAssertThrowsError(try KernelDistance.between(two, one)) {
            XCTAssertTrue("\($0)".contains("there are 2 and 1"), "\($0)")
        }
        XCTAssertThrowsError(try FrechetDistance.between(FeatureTable([[1], [2]]), two)) {
            XCTAssertTrue("\($0)".contains("dimensions"), "\($0)")
        }
    }
}
