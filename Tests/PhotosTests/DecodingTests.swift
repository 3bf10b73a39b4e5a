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
        XCTAssertEqual(compared, 33, "files that make-golden.py writes")
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

    func testAnimationsDefaultPictureIsRead_alsoWhereItIsNoFrame() throws {
        // The frame control comes behind the image data: the picture is for those who know no animation.
        let still = try TestFiles.bytes("rgb.png")
        let control = Build.chunk("fcTL", [UInt8](repeating: 0, count: 26)),
            counts = Build.chunk("acTL", [0, 0, 0, 1, 0, 0, 0, 0])
        let animated = Build.inserting(chunks: counts, into: still).dropLast(12) + control + still.suffix(12)
        let photo = try PhotoDecoder.decode(bytes: Array(animated))
        XCTAssertEqual(photo.pixels, try TestFiles.bytes("rgb.png.rgb"))
        XCTAssertEqual(photo.warnings, ["the PNG is animated: only its first picture was read"])
    }

    func testFirstOfTwoConcatenatedImagesIsRead() throws {
        let first = try TestFiles.bytes("sampling-440.jpg")
        for second in ["grey.jpg", "rgb.png"] {
            let photo = try PhotoDecoder.decode(bytes: first + TestFiles.bytes(second), colour: .none)
            XCTAssertEqual(photo.pixels, try TestFiles.bytes("sampling-440.jpg.rgb"))
        }
    }

    func testThumbnailsThatAreJPEGsAreNotTakenForTheImage() throws {
        let image = try TestFiles.bytes("ycbcr-444.jpg"), thumbnail = try TestFiles.bytes("grey.jpg")
        let extensionHeader = Array("JFXX\0".utf8) + [0x10]
        for segment in [
            Build.segment(0xE0, extensionHeader + thumbnail),
            Build.segment(0xED, Array("Photoshop 3.0\0".utf8) + thumbnail),
        ] {
            let photo = try PhotoDecoder.decode(bytes: Build.inserting(segment, into: image), colour: .none)
            XCTAssertEqual(photo.pixels, try TestFiles.bytes("ycbcr-444.jpg.rgb"))
        }
    }

    func testOrientationBehindTheImageDataCounts() throws {
        let exif = Build.chunk("eXIf", Build.exif(Build.ExifContent(isLittleEndian: false, orientation: 3)))
        let still = try TestFiles.bytes("rgb.png")
        let photo = try PhotoDecoder.decode(bytes: Array(still.dropLast(12) + exif + still.suffix(12)))
        XCTAssertEqual(photo.metadata.orientation, 3)
        XCTAssertEqual(Array(photo.pixels.prefix(3)), Array(try TestFiles.bytes("rgb.png.rgb").suffix(3)))
    }

    func testDamagedAncillaryChunksAreNamedAndThePictureIsWhole() throws {
        var text = Build.chunk("tEXt", Array("Title\0x".utf8)), transparency = Build.chunk("tRNS", [0, 1, 0, 2, 0, 3])
        text[text.count - 1] ^= 1
        transparency[transparency.count - 1] ^= 1
        for (chunk, warning) in [
            (text, "the PNG's tEXt chunk is damaged and was ignored"),
            (Build.chunk("iCCP", []), "the colour profile is damaged and was ignored"),
            (Build.chunk("gAMA", [0, 0, 0, 0]), "the PNG's gAMA chunk makes no sense and was ignored"),
            (
                transparency,
                "the PNG is damaged and was read as far as possible: its transparency was left out: tRNS: CRC error"
            ),
        ] {
            let photo = try PhotoDecoder.decode(
                bytes: Build.inserting(chunks: chunk + chunk, into: TestFiles.bytes("rgb.png")))
            XCTAssertEqual(photo.warnings, [warning])
            XCTAssertEqual(photo.pixels, try TestFiles.bytes("rgb.png.rgb"))
        }
    }

    func testTransparencyWithUnusedBitsIsNoDamage() throws {
        // Grey of 8 bits: the chunk has 16, of which the upper ones ought to be 0.
        let grey = try TestFiles.bytes("grey.png"), first = try TestFiles.bytes("grey.png.rgb")[0]
        let photo = try PhotoDecoder.decode(
            bytes: Build.inserting(chunks: Build.chunk("tRNS", [1, first]), into: grey))
        XCTAssertEqual(photo.warnings, [])
        XCTAssertEqual(photo.alpha?.first, 0)
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
