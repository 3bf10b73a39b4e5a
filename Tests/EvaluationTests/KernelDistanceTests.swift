import Tensors
import XCTest

@testable import Evaluation

final class KernelDistanceTests: XCTestCase {
    private func table(_ count: Int, shift: Double, seed: UInt64, d: Int = 9) -> FeatureTable {
        FrechetDistanceTests.gaussian(
            count, [Double](repeating: shift, count: d), [Double](repeating: 1, count: d), seed: seed)
    }

    /// By the definition, pair by pair; each image counted as often as `weights` says.
    private func direct(_ a: FeatureTable, _ b: FeatureTable, _ w: [Double], _ v: [Double]) -> Double {
        func kernel(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Double {
            let dot = zip(x, y).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / Double(x.count) + 1
            return dot * dot * dot
        }
        func within(_ t: FeatureTable, _ w: [Double]) -> Double {
            var (sum, pairs) = (0.0, 0.0)
            for i in 0..<t.count {
                for j in 0..<t.count where i != j {
                    sum += w[i] * w[j] * kernel(t.row(i), t.row(j))
                    pairs += w[i] * w[j]
                }
            }
            return sum / pairs
        }
        var (sum, pairs) = (0.0, 0.0)
        for i in 0..<a.count {
            for j in 0..<b.count {
                sum += w[i] * v[j] * kernel(a.row(i), b.row(j))
                pairs += w[i] * v[j]
            }
        }
        return within(a, w) + within(b, v) - 2 * sum / pairs
    }

    func testValueAndDrawnSetsMatchTheDefinition() throws {
        // More than one block of the kernel's matrix a side.
        let (a, b) = (table(70, shift: 0, seed: 1), table(530, shift: 0.3, seed: 2))
        let left = Bootstrap(images: 70, sets: 2, seed: 5, purpose: "left"),
            right = Bootstrap(images: 530, sets: 2, seed: 5, purpose: "right")
        let values = KernelDistance.values(a, b, left, right)
        XCTAssertEqual(values.count, 3)
        for set in 0..<3 {
            let (w, v) = ((0..<70).map { left.counts[$0 * 3 + set] }, (0..<530).map { right.counts[$0 * 3 + set] })
            XCTAssertEqual(w.reduce(0, +), 70)
            XCTAssertEqual(values[set], direct(a, b, w, v), accuracy: 1e-10)
        }
        XCTAssertNotEqual(values[1], values[2])
    }

    func testIntervalHoldsTheTruth_andIsTheSameForASeed() throws {
        let (a, b) = (table(80, shift: 0, seed: 1), table(90, shift: 0, seed: 2))
        let same = try KernelDistance.between(a, b, sets: 300, seed: 7)
        XCTAssertTrue(same.low < 0.02 && same.high > -0.02, "\(same)")
        XCTAssertLessThan(same.low, same.value)
        XCTAssertLessThan(same.value, same.high)
        XCTAssertEqual(same, try KernelDistance.between(a, b, sets: 300, seed: 7))
        XCTAssertNotEqual(same, try KernelDistance.between(a, b, sets: 300, seed: 8))
        let far = try KernelDistance.between(a, table(90, shift: 1, seed: 3), sets: 300)
        XCTAssertGreaterThan(far.low, same.high)
    }

    /// The interval of many samples of the same two distributions holds the mean of them about as often as it says.
    func testIntervalCoversTheTruthAboutAsOftenAsItSays() throws {
        let trials = 40
        let estimates = try (0..<trials).map { i in
            try KernelDistance.between(
                table(50, shift: 0, seed: UInt64(100 + i), d: 3), table(50, shift: 0.8, seed: UInt64(300 + i), d: 3),
                sets: 200)
        }
        let truth = try KernelDistance.between(
            table(1500, shift: 0, seed: 1, d: 3), table(1500, shift: 0.8, seed: 2, d: 3), sets: 0
        ).value
        let covered = estimates.filter { $0.low <= truth && truth <= $0.high }.count
        XCTAssertGreaterThanOrEqual(covered, trials * 8 / 10, "\(covered) of \(trials)")
        XCTAssertGreaterThan(estimates.map { $0.high - $0.low }.min()!, 0.01)
    }

    /// Two models on the same photos: what they have in common does not widen the interval of their difference.
    func testPairedDifferenceSeesWhatSingleIntervalsDoNot() throws {
        let reference = table(60, shift: 0, seed: 1), current = table(60, shift: 0.8, seed: 2)
        var candidate = FeatureTable(dimensions: current.dimensions)
        for i in 0..<current.count { candidate.append(current.row(i).map { $0 - 0.04 }) }
        let result = try KernelDistance.difference(
            candidate: candidate, current: current, reference: reference, sets: 400)
        XCTAssertLessThan(result.difference.high, 0)
        XCTAssertGreaterThan(result.candidate.high, result.current.low, "the single intervals overlap")
        XCTAssertEqual(result.difference.value, result.candidate.value - result.current.value, accuracy: 1e-12)
        let none = try KernelDistance.difference(candidate: current, current: current, reference: reference, sets: 50)
        XCTAssertEqual(none.difference, Estimate(value: 0, low: 0, high: 0))
        XCTAssertThrowsError(
            try KernelDistance.difference(
                candidate: table(59, shift: 0, seed: 1), current: current, reference: reference))
    }

    func testSameBits_whateverTheThreads() throws {
        let (a, b) = (table(150, shift: 0, seed: 1), table(140, shift: 0.3, seed: 2))
        let results = try [1, 2, 3].map { threads in
            try KernelDistance.between(a, b, sets: 100, in: ComputeContext(threads: threads))
        }
        XCTAssertEqual(results[0], results[1])
        XCTAssertEqual(results[0], results[2])
    }

    func testDrawnSetsOfTwoImagesHaveAPair() {
        let bootstrap = Bootstrap(images: 2, sets: 50, seed: 1, purpose: "x")
        XCTAssertEqual(bootstrap.counts, [Double](repeating: 1, count: 102))
    }
}
