import XCTest

@testable import Photos

final class ResizingTests: XCTestCase {
    private func source(hasAlpha: Bool) throws -> Photo {
        Photo(
            width: 61, height: 47, pixels: try TestFiles.bytes("resize-source.rgb"),
            alpha: hasAlpha ? try TestFiles.bytes("resize-source.alpha") : nil)
    }

    func testEqualsPillow() throws {
        let photo = try source(hasAlpha: false)
        for filter in ResampleFilter.allCases {
            for (width, height) in [(20, 15), (61, 9), (7, 47), (100, 80), (1, 1)] {
                let name = "resize-\(filter.rawValue)-\(width)x\(height).rgb"
                let resized = try photo.resized(toWidth: width, height: height, filter: filter)
                XCTAssertEqual(resized.width, width)
                XCTAssertEqual(resized.height, height)
                XCTAssertLessThanOrEqual(difference(resized.pixels, try TestFiles.bytes(name)).largest, 1, name)
            }
        }
    }

    func testEqualsPillowWhereVisible_whenThereIsAlpha() throws {
        let photo = try source(hasAlpha: true)
        for filter in ResampleFilter.allCases {
            let expected = try TestFiles.bytes("resize-\(filter.rawValue)-23x31.rgba")
            let resized = try photo.resized(toWidth: 23, height: 31, filter: filter)
            let alpha = try XCTUnwrap(resized.alpha)
            for pixel in alpha.indices {
                XCTAssertLessThanOrEqual(abs(Int(alpha[pixel]) - Int(expected[4 * pixel + 3])), 1)
                guard expected[4 * pixel + 3] > 0 else { continue }
                for channel in 0..<3 {
                    let here = Int(resized.pixels[3 * pixel + channel]), there = Int(expected[4 * pixel + channel])
                    XCTAssertLessThanOrEqual(abs(here - there), 1, "\(filter), pixel \(pixel)")
                }
            }
        }
    }

    func testHiddenColourIsKept_whereTheResultIsTransparent() throws {
        let pixels = [UInt8](repeating: 0, count: 16 * 16).flatMap { _ in [10, 200, 30] as [UInt8] }
        let photo = Photo(width: 16, height: 16, pixels: pixels, alpha: [UInt8](repeating: 0, count: 256))
        let resized = try photo.resized(toWidth: 5, height: 7)
        XCTAssertEqual(resized.alpha, [UInt8](repeating: 0, count: 35))
        XCTAssertEqual(resized.pixels, (0..<35).flatMap { _ in [10, 200, 30] as [UInt8] })
    }

    func testSameSizeIsTheSamePhoto() throws {
        let photo = try source(hasAlpha: true)
        XCTAssertEqual(try photo.resized(toWidth: 61, height: 47).pixels, photo.pixels)
    }

    func testShortMemoryIsAnError_notTheEnd() throws {
        let photo = try source(hasAlpha: true)
        for side in [1 << 24, 1 << 40] {
            let error = photoError { _ = try photo.resized(toWidth: side, height: side) }
            XCTAssertEqual(error?.kind, .outOfMemory)
            XCTAssertEqual(error?.reason.contains("\(side) x \(side)"), true)
        }
    }
}
