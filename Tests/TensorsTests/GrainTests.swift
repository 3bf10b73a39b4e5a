import XCTest

@testable import Tensors

final class GrainTests: XCTestCase {
    private func field(_ rows: Range<Int>, _ columns: Range<Int>) -> [Float] {
        var values = [Float](repeating: 0, count: rows.count * columns.count)
        values.withUnsafeMutableBufferPointer {
            GrainField(deviation: 0.05).add(
                rows: rows, columns: columns, channels: 1, to: $0.baseAddress!, .default)
        }
        return values
    }

    func testBandsSeeTheSameField_toTheBit() {
        let whole = field(0..<100, -5..<40)
        for (first, last) in [(0, 1), (31, 33), (7, 100)] {
            XCTAssertEqual(field(first..<last, -5..<40), Array(whole[first * 45..<last * 45]))
        }
        XCTAssertEqual(field(50..<51, 10..<20), Array(whole[50 * 45 + 15..<50 * 45 + 25]))
        XCTAssertEqual(whole[3 * 45 + 7], GrainField(deviation: 0.05).value(3, 2))
    }

    func testTheFieldHasItsDeviation_andNoMean_everywhere() {
        let side = 256, values = field(0..<side, 0..<side).map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        XCTAssertEqual(mean, 0, accuracy: 0.002)
        XCTAssertEqual(deviation, 0.05, accuracy: 0.002)
        // Stationary: no phase of a period of 2, 4 or 8 pixels differs from the others.
        for period in [2, 4, 8] {
            for phase in 0..<period {
                let part = stride(from: phase, to: side, by: period).flatMap { y in
                    (0..<side).map { values[y * side + $0] }
                }
                let square = part.reduce(0) { $0 + $1 * $1 } / Double(part.count)
                XCTAssertEqual(square.squareRoot(), 0.05, accuracy: 0.006, "period \(period), phase \(phase)")
            }
        }
    }
}
