import Foundation
import XCTest

@testable import Photos

final class DecodingTests: XCTestCase {
    private func isPhoto(_ name: String) -> Bool { name.hasSuffix(".jpg") || name.hasSuffix(".png") }

    func testPixelsEqualPillow_whenColourIsNotConverted() throws {
        let names = try TestFiles.names { isPhoto($0) }
        var compared = 0
        for name in names {
            let photo = try? PhotoDecoder.decode(bytes: TestFiles.bytes(name), colour: .none)
            if let expected = try? TestFiles.bytes("\(name).rgb") {
                let photo = try XCTUnwrap(photo, name)
                XCTAssertNil(photo.alpha, name)
                XCTAssertLessThanOrEqual(difference(photo.pixels, expected).largest, 1, name)
                compared += 1
            } else if let expected = try? TestFiles.bytes("\(name).rgba") {
                let photo = try XCTUnwrap(photo, name)
                let alpha = try XCTUnwrap(photo.alpha, name)
                let colours = expected.enumerated().filter { $0.offset % 4 < 3 }.map(\.element)
                XCTAssertEqual(photo.pixels, colours, name)
                XCTAssertEqual(alpha, stride(from: 3, to: expected.count, by: 4).map { expected[$0] }, name)
                compared += 1
            }
        }
        XCTAssertEqual(compared, 24, "files that make-golden.py writes")
    }

    func testProfilesAreConvertedToSRGB() throws {
        let names = [
            ("profile.png", "RGB"), ("profile-in-two-segments.jpg", "RGB"), ("profile-grey.jpg", "GRAY"),
            ("profile-cmyk.jpg", "CMYK"),
        ]
        for (name, space) in names {
            let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes(name))
            let asStored = try PhotoDecoder.decode(bytes: TestFiles.bytes(name), colour: .none)
            XCTAssertEqual(photo.metadata.profile, "test: \(space)")
            XCTAssertLessThanOrEqual(difference(photo.pixels, try TestFiles.bytes("\(name).srgb")).largest, 1, name)
            XCTAssertGreaterThan(difference(photo.pixels, asStored.pixels).mean, 3, "a conversion must show")
        }
    }

    func testLinearGammaIsConvertedTo2Point2() throws {
        let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes("gamma-linear.png"))
        for level in 0..<256 {
            let expected = 255 * pow(Double(level) / 255, 1 / 2.2)
            XCTAssertEqual(Double(photo.pixels[3 * level]), expected, accuracy: 1, "level \(level)")
        }
    }

    func testGammaIsIgnored_whenTaggedSRGB() throws {
        let tagged = Build.inserting(chunks: Build.chunk("sRGB", [0]), into: try TestFiles.bytes("gamma-linear.png"))
        let photo = try PhotoDecoder.decode(bytes: tagged)
        XCTAssertEqual(photo.pixels[3 * 100], 100)
    }

    func testIncompleteProfileIsIgnoredWithWarning() throws {
        let part = Build.segment(0xE2, JPEGStructure.profilePrefix + [1, 2] + Array(repeating: 7, count: 200))
        let jpeg = Build.inserting(part, into: try TestFiles.bytes("ycbcr-444.jpg"))
        let photo = try PhotoDecoder.decode(bytes: jpeg)
        XCTAssertEqual(photo.warnings, ["the colour profile is incomplete and was ignored"])
        XCTAssertEqual(photo.pixels, try PhotoDecoder.decode(bytes: TestFiles.bytes("ycbcr-444.jpg")).pixels)
    }

    func testAnimatedPNGIsReadAsItsFirstPictureWithWarning() throws {
        let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes("animated.png"))
        XCTAssertEqual(photo.pixels, try TestFiles.bytes("rgb.png.rgb"))
        XCTAssertEqual(photo.warnings, ["the PNG is animated: only its first picture was read"])
    }

    func testContentDecides_whateverTheNameIs() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("photo-\(UUID()).jpg").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(TestFiles.bytes("rgba.png")).write(to: URL(fileURLWithPath: path))
        XCTAssertEqual(try PhotoDecoder.decode(contentsOf: path).format, .png)
    }

    func testFileDescriptorIsReadFromItsStartAndStaysOpen() throws {
        let path = TestFiles.folder.appendingPathComponent("progressive.jpg").path
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        lseek(descriptor, 100, SEEK_SET)
        let photo = try PhotoDecoder.decode(fileDescriptor: descriptor)
        XCTAssertEqual(photo.pixels, try PhotoDecoder.decode(contentsOf: path).pixels)
        XCTAssertEqual(lseek(descriptor, 0, SEEK_CUR), 100)
    }

    func testExtensionsAndSniffing() {
        XCTAssertEqual(PhotoFormat.jpeg.fileExtensions, ["jpg", "jpeg", "jpe", "jfif"])
        XCTAssertEqual(PhotoFormat.png.fileExtensions, ["png"])
        [UInt8]([0xFF, 0xD8, 0xFF, 0xE0]).withUnsafeBytes { XCTAssertEqual(PhotoFormat.sniff($0), .jpeg) }
        [UInt8]([0xFF, 0xD8]).withUnsafeBytes { XCTAssertNil(PhotoFormat.sniff($0)) }
    }
}
