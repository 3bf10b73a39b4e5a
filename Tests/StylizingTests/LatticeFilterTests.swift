import Foundation
import Photos
import Weights
import XCTest

@testable import Networks
@testable import Stylizing

final class LatticeFilterTests: XCTestCase {
    private let width = 150, height = 133

    /// Values that look like nothing in particular, with a trend.
    private func texture(_ seed: UInt64, amplitude: Float = 0.3) -> [Float] {
        var state = seed
        return (0..<width * height * 3).map { i in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) / Float(1 << 24) - 0.5) * amplitude + Float(i / 3 % width) / Float(width) - 0.4
        }
    }

    private func lattice(_ period: Int, amplitude: Float) -> [Float] {
        (0..<width * height * 3).map { i in
            let (x, y) = (i / 3 % width, i / 3 / width)
            return x % period == 1 && y % period == 0 ? amplitude : 0
        }
    }

    private func filtered(_ picture: [Float], photo: [Float], bands: Int = 1000) -> [Float] {
        var result: [Float] = [], row = width * 3
        let filter = LatticeFilter(width: width, height: height, in: .default) { rows, target in
            for i in 0..<rows.count * row { target[i] = photo[rows.lowerBound * row + i] }
        } output: { rows, values in
            XCTAssertEqual(result.count, rows.lowerBound * row, "each row once, from top to bottom")
            result += UnsafeBufferPointer(start: values, count: rows.count * row)
        }
        picture.withUnsafeBufferPointer { picture in
            for y in stride(from: 0, to: height, by: bands) {
                filter.add(y..<min(height, y + bands), picture.baseAddress! + y * row)
            }
        }
        row = result.count
        XCTAssertEqual(row, picture.count)
        return result
    }

    private func meanSquare(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(a.count)
    }

    func testWhatRepeatsWithTheGrid_isTakenOut() {
        let plain = texture(1, amplitude: 0.05), photo = texture(2)
        for period in [2, 4, 8] {
            let amplitude = Float(0.2), disturbed = zip(plain, lattice(period, amplitude: amplitude)).map { $0 + $1 }
            let mean = amplitude / Float(period * period)
            // The lattice's mean is brightness, not lattice.
            let expected = plain.map { $0 + mean }
            let (before, after) = (
                meanSquare(disturbed, expected), meanSquare(filtered(disturbed, photo: photo), expected)
            )
            XCTAssertLessThan(after, before / 8, "period \(period)")
        }
    }

    func testAPhotosOwnPattern_stays() {
        // A painted one of less contrast, and another surface.
        let photo = zip(texture(3, amplitude: 0.05), lattice(4, amplitude: 0.5)).map { $0 + $1 }
        let plain = texture(8, amplitude: 0.05), picture = zip(plain, lattice(4, amplitude: 0.3)).map { $0 + $1 }
        XCTAssertLessThan(meanSquare(filtered(picture, photo: photo), picture), meanSquare(picture, plain) / 50)
    }

    func testTextureAndTrends_stayNearlyAsTheyAre() {
        let picture = texture(4), result = filtered(picture, photo: texture(5))
        // Of noise each phase's mean of 64 values is taken: a 64th of its energy, 0.3^2 / 12, and more in the smaller
        // windows at the border.
        XCTAssertLessThan(meanSquare(picture, result), 0.0075 / 45)
    }

    func testBandsDoNotMatter() {
        let (picture, photo) = (zip(texture(6), lattice(8, amplitude: 0.3)).map { $0 + $1 }, texture(7))
        let whole = filtered(picture, photo: photo)
        for bands in [1, 7, 32, 100] {
            XCTAssertEqual(filtered(picture, photo: photo, bands: bands), whole, "\(bands)")
        }
    }
}
