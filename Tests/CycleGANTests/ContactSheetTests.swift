import Photos
import XCTest

@testable import CycleGAN

final class ContactSheetTests: XCTestCase {
    private func image(_ width: Int, _ height: Int, _ value: UInt8) -> Photo {
        Photo(
            width: width, height: height, pixels: [UInt8](repeating: value, count: width * height * 3), format: .png)
    }

    func testARowIsAsHighAsItsHighestImage() {
        let sheet = ContactSheet.photo([[image(20, 8, 10), image(20, 4, 20)], [image(6, 20, 30)]], side: 20)
        XCTAssertEqual([sheet.width, sheet.height], [2 * 20 + 3 * 6, 8 + 20 + 3 * 6])
        func value(_ x: Int, _ y: Int) -> UInt8 { sheet.pixels[(y * sheet.width + x) * 3] }
        // The corners of each image, and white outside of them; a lower or narrower image lies in the middle.
        for (left, top, right, bottom, level) in [(6, 6, 25, 13, 10), (32, 8, 51, 11, 20), (13, 20, 18, 39, 30)] {
            for (x, y) in [(left, top), (right, top), (left, bottom), (right, bottom)] {
                XCTAssertEqual(value(x, y), UInt8(level), "\(x), \(y)")
            }
            for (x, y) in [(left - 1, top), (right + 1, top), (left, top - 1), (left, bottom + 1)] {
                XCTAssertEqual(value(x, y), 255, "\(x), \(y)")
            }
        }
        XCTAssertEqual(ContactSheet.photo([], side: 20).height, 6)
    }
}
