import XCTest

@testable import Photos

/// What a decoder complains of behind the last row costs no pixel: a picture with a note, whatever `truncated` says.
final class BehindTheImageTests: XCTestCase {
    private func check(
        _ bytes: [UInt8], equals whole: String, note: String, file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let expected = try PhotoDecoder.decode(bytes: TestFiles.bytes(whole))
        for truncated in TruncatedPolicy.allCases {
            let photo = try PhotoDecoder.decode(bytes: bytes, limits: DecodingLimits(truncated: truncated))
            XCTAssertEqual(photo.pixels, expected.pixels, file: file, line: line)
            XCTAssertEqual(photo.warnings.count, 1, "\(photo.warnings)", file: file, line: line)
            XCTAssertEqual(photo.warnings.first?.contains("its pixels are whole"), true, file: file, line: line)
            XCTAssertTrue(
                note.isEmpty || photo.warnings.first?.contains(note) == true, "\(photo.warnings)", file: file,
                line: line)
        }
    }

    private let kinds = ["ycbcr-420.jpg", "progressive.jpg", "restarts.jpg", "three-scans.jpg", "grey.jpg", "cmyk.jpg"]

    func testEndMarkerMissing() throws {
        for name in kinds {
            try check(Array(try TestFiles.bytes(name).dropLast(2)), equals: name, note: "end marker is missing")
        }
    }

    func testVideoBehindInPlaceOfTheEndMarker() throws {
        let noise: [UInt8] = (0..<5_000).map { (place: Int) in UInt8(truncatingIfNeeded: place &* 167 ^ place >> 3) }
        let video: [UInt8] = [0, 0, 0, 24] + Array("ftypmp42".utf8) + noise
        for name in kinds {
            try check(Array(try TestFiles.bytes(name).dropLast(2)) + video, equals: name, note: "")
        }
        // Another photo, and a marker that no image has.
        for behind in [try TestFiles.bytes("rgb.jpg"), [0xFF, 0x37, 0xFF, 0xC4, 0, 3, 0xFF]] {
            for name in kinds {
                try check(Array(try TestFiles.bytes(name).dropLast(2)) + behind, equals: name, note: "")
            }
        }
    }

    func testSpectralSelectionOfNothingInASequentialScan() throws {
        var jpeg = try TestFiles.bytes("ycbcr-420.jpg")
        let scan = try XCTUnwrap(jpeg.withUnsafeBytes { ByteReader($0).firstIndex(of: [0xFF, 0xDA]) })
        let length = Int(jpeg[scan + 2]) << 8 | Int(jpeg[scan + 3])
        XCTAssertEqual(jpeg[scan + length], 63, "the end of the selection")
        jpeg[scan + length] = 0
        try check(jpeg, equals: "ycbcr-420.jpg", note: "SOS")
    }

    func testAProgressiveImageWithoutItsLastScanIsCutOff() throws {
        let jpeg = try TestFiles.bytes("progressive.jpg")
        let last = try XCTUnwrap(jpeg.indices.last { $0 + 1 < jpeg.count && jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xDA })
        XCTAssertEqual(photoError { _ = try PhotoDecoder.decode(bytes: Array(jpeg[..<last])) }?.kind, .truncated)
    }

    func testPNGWithoutItsEnd() throws {
        for name in ["rgb.png", "rgba.png", "palette.png"] {
            try check(Array(try TestFiles.bytes(name).dropLast(12)), equals: name, note: "its end is missing")
            try check(Array(try TestFiles.bytes(name).dropLast(5)), equals: name, note: "its end is missing")
        }
    }

    func testPNGWithGarbageInPlaceOfItsEnd() throws {
        let bytes =
            Array(try TestFiles.bytes("rgb.png").dropLast(12)) + [0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9]
        try check(bytes, equals: "rgb.png", note: "")
    }

    func testDamagedChecksumOfImageDataIsStillDamage() throws {
        var png = try TestFiles.bytes("rgb.png")
        png[png.count - 13] ^= 1
        XCTAssertEqual(photoError { _ = try PhotoDecoder.decode(bytes: png) }?.kind, .corrupt)
    }

    func testPNGThatAnnouncesASmallerWindowThanItUses() throws {
        // Rows of noise that repeat 20 rows later, further back than the 256 bytes that the header is made to announce.
        var pixels: [UInt8] = []
        for y in 0..<40 {
            for sample in 0..<64 * 3 {
                let noise = sample &* 151 ^ sample << 3 ^ (y % 20) &* 13
                pixels.append(UInt8(truncatingIfNeeded: noise))
            }
        }
        let photo = Photo(width: 64, height: 40, pixels: pixels)
        var png = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png, metadata: .none))
        let start = try XCTUnwrap(png.withUnsafeBytes { ByteReader($0).firstIndex(of: Array("IDAT".utf8)) })
        let end = try XCTUnwrap(png.withUnsafeBytes { ByteReader($0).firstIndex(of: Array("IEND".utf8)) }) - 4
        var data = Array(png[start + 4..<end - 4])
        data[0] = 0x08
        data[1] = 0x1D
        png.replaceSubrange(start - 4..<end, with: Build.chunk("IDAT", data))
        XCTAssertEqual(try PhotoDecoder.decode(bytes: png).pixels, pixels)
    }

    func testHeightBehindTheImageIsNamed() throws {
        var jpeg = try TestFiles.bytes("ycbcr-444.jpg")
        let frame = try XCTUnwrap(jpeg.withUnsafeBytes { ByteReader($0).firstIndex(of: [0xFF, 0xC0]) })
        let height = Array(jpeg[frame + 5..<frame + 7])
        jpeg.replaceSubrange(frame + 5..<frame + 7, with: [0, 0])
        let told = Array(jpeg.dropLast(2)) + Build.segment(0xDC, height) + [0xFF, 0xD9]
        let error = photoError { _ = try PhotoDecoder.decode(bytes: told) }
        XCTAssertEqual(error?.kind, .unsupported)
        XCTAssertEqual(error?.reason, "this kind of JPEG (DNL) is not supported: its height is told behind the image")
        XCTAssertEqual(photoError { _ = try PhotoDecoder.decode(bytes: jpeg) }?.kind, .corrupt, "no height at all")
    }
}
