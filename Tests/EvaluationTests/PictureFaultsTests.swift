import Photos
import XCTest

@testable import Evaluation

/// Pictures of models that fail, made by hand, and of one that does not.
final class PictureFaultsTests: XCTestCase {
    static func photo(_ number: Int, width: Int = 256, height: Int = 256) -> Photo {
        var random = EvaluationRandom(seed: 9, purpose: "photo", number: number)
        let colours = (0..<6).map { _ in random.below(200) + 20 },
            (cx, cy) = (random.below(width), random.below(height))
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let part = (x - cx) * (x - cx) + (y - cy) * (y - cy) < 6000 ? 0 : 3, grain = random.below(17) - 8
                for c in 0..<3 { pixels.append(UInt8(min(max(colours[part + c] + (x + y) / 12 + grain, 0), 255))) }
            }
        }
        return Photo(width: width, height: height, pixels: pixels, format: .png)
    }

    private let photos = (0..<6).map { PictureFaultsTests.photo($0) }

    private func pictures(_ change: (Photo, Int, Int, Int, UInt8) -> Double) -> [Photo] {
        photos.map { photo in
            var picture = photo
            for i in photo.pixels.indices {
                picture.pixels[i] = UInt8(
                    min(max(change(photo, i / 3 % photo.width, i / 3 / photo.width, i % 3, photo.pixels[i]), 0), 255))
            }
            return picture
        }
    }

    private func refusals(_ pictures: [Photo]) -> [String] {
        PictureFaults(photos: photos, pictures: pictures).refusals(referencePattern: PeriodicPatterns(photos).strongest)
    }

    func testAGoodModelIsNotRefused() {
        XCTAssertEqual(refusals(photos), [])
        // Warmer colours, another contrast, strokes of no period.
        XCTAssertEqual(
            refusals(
                pictures { _, x, y, c, v in Double(v) * 0.8 + (c == 0 ? 30 : 5) + Double((x * x / 90 + y * y / 70) % 23)
                }), [])
    }

    func testOnePictureForAllPhotosIsRefused() {
        let one = photos[0], refused = refusals(photos.map { _ in one })
        XCTAssertTrue(refused.contains { $0.contains("nearly alike") }, "\(refused)")
    }

    func testOneColourIsRefused() {
        let refused = refusals(pictures { _, _, _, _, v in 120 + Double(v) / 80 })
        XCTAssertTrue(refused.contains { $0.contains("of one colour") }, "\(refused)")
    }

    func testInvertedLuminanceIsRefused() {
        let faults = PictureFaults(photos: photos, pictures: pictures { _, _, _, _, v in 255 - Double(v) })
        XCTAssertLessThan(faults.luminanceCorrelation, -0.9)
        let refused = refusals(pictures { _, _, _, _, v in 255 - Double(v) })
        XCTAssertEqual(refused.count, 1, "\(refused)")
        XCTAssertTrue(refused[0].contains("light and dark"), "\(refused)")
    }

    func testRegularPatternsAreRefused_andTheirPeriodIsKnown() {
        let patterns: [(Int, (Int, Int) -> Bool)] = [
            (2, { ($0 + $1) % 2 == 0 }), (4, { x, _ in x % 4 == 0 }), (8, { x, y in x % 8 == 0 && y % 8 == 0 }),
        ]
        for (period, isDot) in patterns {
            let dotted = pictures { _, x, y, _, v in Double(v) + (isDot(x, y) ? 16 : 0) }
            let refused = refusals(dotted)
            XCTAssertTrue(refused.contains { $0.contains("regular pattern") }, "period \(period): \(refused)")
            XCTAssertGreaterThan(PeriodicPatterns(dotted).byPeriod[period]!, 30, "period \(period)")
            // Dots of 16 on colours that deviate by some thirty.
            let share = PeriodicPatterns(dotted).share
            XCTAssertGreaterThan(share, 4 * PeriodicPatterns(photos).share, "period \(period)")
            XCTAssertLessThan(share, 0.5)
        }
        XCTAssertLessThan(PeriodicPatterns(photos).strongest, 8)
        XCTAssertLessThan(PeriodicPatterns(photos).share, 0.005)
        XCTAssertEqual(
            PeriodicPatterns([Photo(width: 40, height: 30, pixels: [UInt8](repeating: 7, count: 3600))]).strongest, 0)
    }

    func testTheSameImagesGiveTheSameFigures() {
        let dotted = pictures { _, x, _, _, v in Double(v) + Double(x % 3) }
        XCTAssertEqual(PictureFaults(photos: photos, pictures: dotted), PictureFaults(photos: photos, pictures: dotted))
    }

    /// The figure is a ratio.
    func testPatternIsAPeakOverItsSurroundings_whateverTheContrast() {
        let weak = pictures { _, x, _, _, v in Double(v) / 2 + (x % 4 == 0 ? 4 : 0) },
            strong = pictures { _, x, _, _, v in Double(v) + (x % 4 == 0 ? 8 : 0) }
        let (a, b) = (PeriodicPatterns(weak).byPeriod[4]!, PeriodicPatterns(strong).byPeriod[4]!)
        XCTAssertEqual(a / b, 1, accuracy: 0.3)
    }
}
