import Photos
import Publishing
import ServiceConfiguration
import XCTest

@testable import StyleService

final class OutputFormatTests: XCTestCase {
    private func photo(_ format: PhotoFormat, hasAlpha: Bool) -> Photo {
        Photo(width: 1, height: 1, pixels: [1, 2, 3], alpha: hasAlpha ? [4] : nil, format: format)
    }

    func testSame_isThePhotosFormat_orOneThatKeepsWhatItHas() {
        for format in PhotoFormat.allCases {
            let plain = OutputFormat.same.resolved(for: photo(format, hasAlpha: false))
            let veiled = OutputFormat.same.resolved(for: photo(format, hasAlpha: true))
            XCTAssertEqual(plain, format == .png ? .png : .jpeg)
            XCTAssertEqual(veiled, format == .jpeg ? .jpeg : .png)
            XCTAssertEqual(OutputFormat.jpeg.resolved(for: photo(format, hasAlpha: true)), .jpeg)
            XCTAssertEqual(OutputFormat.png.resolved(for: photo(format, hasAlpha: false)), .png)
        }
    }

    func testPicturesOfEveryFormatAreCalledByTheirOwn() {
        let photoExtensions = PhotoFormat.allCases.flatMap(\.fileExtensions)
        for (photo, format, picture) in [
            ("IMG_1.HEIC", PhotoFormat.jpeg, "IMG_1.vangogh.jpg"), ("a.webp", .png, "a.vangogh.png"),
            ("b.tiff", .jpeg, "b.vangogh.jpg"),
            ("c.avif", .png, "c.vangogh.png"), ("d.JPEG", .jpeg, "d.vangogh.JPEG"),
            ("e.gif", .jpeg, "e.gif.vangogh.jpg"),
        ] {
            let name = OutputName(
                photo: Array(photo.utf8), key: "vangogh", extensions: format.fileExtensions,
                photoExtensions: photoExtensions)
            XCTAssertEqual(String(decoding: name.candidate(0), as: UTF8.self), picture)
        }
    }
}
