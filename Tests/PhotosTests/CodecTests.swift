import Foundation
import XCTest

@testable import Photos

/// What every codec has to do, whatever its format.
final class CodecTests: XCTestCase {
    /// Formats whose library was there at build time; the others are tested for what they say.
    private var readable: [PhotoFormat] { PhotoFormat.allCases.filter { $0.missingLibrary == nil } }

    func testSignaturesAndExtensionsTellFormatsApart() throws {
        let extensions = PhotoFormat.allCases.flatMap(\.fileExtensions)
        XCTAssertEqual(Set(extensions).count, extensions.count)
        for format in PhotoFormat.allCases {
            XCTAssertFalse(Samples.all(of: format).isEmpty)
            for sample in Samples.all(of: format) {
                let found = try TestFiles.bytes(sample.name).withUnsafeBytes { PhotoFormat.sniff($0) }
                XCTAssertEqual(found, format, sample.name)
            }
            for spelling in format.fileExtensions {
                XCTAssertEqual(spelling, spelling.lowercased())
                XCTAssertEqual(PhotoFormat(fileExtension: spelling.uppercased()), format)
            }
        }
        XCTAssertNil(PhotoFormat(fileExtension: "gif"))
    }

    func testPixelsEqualAnotherProgrammes() throws {
        for format in readable {
            for sample in Samples.all(of: format) {
                let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes(sample.name), colour: .none)
                let truth: [UInt8]
                if let alpha = photo.alpha {
                    let pixels = zip(stride(from: 0, to: photo.pixels.count, by: 3), alpha)
                    let rgba = pixels.flatMap { Array(photo.pixels[$0..<$0 + 3]) + [$1] }
                    truth = try TestFiles.bytes(sample.name + ".rgba")
                    XCTAssertLessThanOrEqual(difference(rgba, truth).mean, sample.tolerance, sample.name)
                } else {
                    truth = try TestFiles.bytes(sample.name + ".rgb")
                    XCTAssertLessThanOrEqual(difference(photo.pixels, truth).mean, sample.tolerance, sample.name)
                }
                XCTAssertEqual(photo.format, format)
            }
        }
    }

    func testRoundTrip_orTheRefusalToWrite() throws {
        let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes("rgba.png"))
        for format in PhotoFormat.allCases {
            let options = EncodingOptions(format: format, quality: 100, subsampling: .yuv444)
            guard format.isWritten else {
                let error = photoError { _ = try PhotoEncoder.encode(photo, options: options) }
                XCTAssertEqual(error?.reason, "\(format.name) is not written, only JPEG and PNG")
                XCTAssertEqual(format.written(hasAlpha: true), .png)
                XCTAssertEqual(format.written(hasAlpha: false), .jpeg)
                continue
            }
            let bytes = try PhotoEncoder.encode(photo, options: options)
            XCTAssertEqual(bytes.withUnsafeBytes { PhotoFormat.sniff($0) }, format)
            let copy = try PhotoDecoder.decode(bytes: bytes)
            XCTAssertEqual([copy.width, copy.height], [photo.width, photo.height])
            XCTAssertEqual(format.written(hasAlpha: true), format)
            try bytes.withUnsafeBytes { XCTAssertEqual(try PhotoEnd.of(ByteStream($0)), .present) }
        }
    }

    func testOrientationOfEXIFIsAppliedOnce() throws {
        for format in readable {
            guard let bytes = try Samples.with(exif: Build.ExifContent(orientation: 1), format) else { continue }
            let upright = try PhotoDecoder.decode(bytes: bytes)
            for orientation in 2...8 {
                let content = Build.ExifContent(orientation: orientation)
                let turned = try PhotoDecoder.decode(bytes: try XCTUnwrap(Samples.with(exif: content, format)))
                checkTurned(turned, upright, orientation: orientation, "\(format), orientation \(orientation)")
                XCTAssertEqual(turned.metadata.orientation, orientation)
            }
        }
    }

    func testProfilesAndCodedColoursAreConverted() throws {
        let described = [
            ("profile-in-two-segments.jpg", "test: RGB"), ("profile.png", "test: RGB"), ("described.webp", "test: RGB"),
            ("described.tif", "test: RGB"), ("profile.heic", "test: RGB"), ("profile.avif", "test: RGB"),
            ("display-p3.heic", "Display P3"), ("display-p3.avif", "Display P3"),
        ]
        for (name, profile) in described {
            let bytes = try TestFiles.bytes(name)
            guard readable.contains(try XCTUnwrap(bytes.withUnsafeBytes { PhotoFormat.sniff($0) })) else { continue }
            let photo = try PhotoDecoder.decode(bytes: bytes)
            XCTAssertEqual(photo.metadata.profile, profile, name)
            let stored = try PhotoDecoder.decode(bytes: bytes, colour: .none)
            XCTAssertGreaterThan(difference(photo.pixels, stored.pixels).mean, 3, "\(name): a conversion must show")
            XCTAssertEqual(photo.warnings, [], name)
        }
    }

    func testEXIFIsCarried() throws {
        for name in ["described.webp", "described.tif", "turned-described.heic", "turned-described.avif"] {
            let bytes = try TestFiles.bytes(name)
            guard readable.contains(try XCTUnwrap(bytes.withUnsafeBytes { PhotoFormat.sniff($0) })) else { continue }
            let photo = try PhotoDecoder.decode(bytes: bytes)
            XCTAssertEqual(photo.warnings, [], name)
            for format in PhotoFormat.written {
                let written = try PhotoEncoder.encode(photo, options: EncodingOptions(format: format, metadata: .basic))
                XCTAssertTrue(written.contains(sequence: Array("Cam 1000".utf8)), name)
                let copy = try PhotoDecoder.decode(bytes: written)
                XCTAssertEqual(copy.metadata.orientation, 1)
                XCTAssertEqual([copy.width, copy.height], [photo.width, photo.height])
            }
        }
    }

    func testEndIsThereWithTheLastByteAndNotBefore() throws {
        for format in PhotoFormat.allCases {
            let bytes = try Samples.plain(format)
            for count in 0..<bytes.count {
                let end = try bytes[..<count].withUnsafeBytes { try PhotoEnd.of(ByteStream($0)) }
                XCTAssertEqual(end, .missing, "\(format), \(count) of \(bytes.count) bytes")
            }
            for behind in [[], Array("trailing".utf8), [UInt8](repeating: 0, count: 100_000)] {
                try (bytes + behind).withUnsafeBytes {
                    XCTAssertEqual(try PhotoEnd.of(ByteStream($0)), .present, "\(format)")
                }
            }
        }
    }

    /// A file that is cut off is refused as such, or read whole where only what is behind the image is missing.
    func testEveryTruncationIsRefused_orLosesNoPixel() throws {
        for format in readable {
            let bytes = try Samples.plain(format)
            let whole = try PhotoDecoder.decode(bytes: bytes)
            var refused = 0
            for count in stride(from: 0, to: bytes.count, by: 5) {
                do {
                    let photo = try PhotoDecoder.decode(bytes: Array(bytes.prefix(count)))
                    XCTAssertEqual(photo.pixels, whole.pixels, "\(format), \(count) bytes")
                    XCTAssertFalse(photo.warnings.isEmpty, "\(format), \(count) bytes")
                } catch let error as PhotoError {
                    let expected: [PhotoError.Kind] = count < 32 ? [.notAPhoto, .truncated] : [.truncated]
                    XCTAssertTrue(expected.contains(error.kind), "\(format), \(count) bytes: \(error)")
                    refused += 1
                }
            }
            XCTAssertGreaterThan(refused, bytes.count / 5 - 20, "\(format)")
        }
    }

    func testAcceptedTruncationIsNoted() throws {
        for format in readable where format != .heic && format != .avif {
            let bytes = try Samples.plain(format)
            let cut = Array(bytes.prefix(bytes.count * 2 / 3))
            let whole = try PhotoDecoder.decode(bytes: bytes)
            let photo = try PhotoDecoder.decode(bytes: cut, limits: DecodingLimits(truncated: .accept))
            XCTAssertEqual(photo.width, whole.width)
            XCTAssertEqual(photo.warnings.count, 1, "\(format): \(photo.warnings)")
            let same = zip(photo.pixels, whole.pixels).filter { $0 == $1 }.count
            XCTAssertGreaterThan(same, whole.pixels.count / 4, "\(format): what is there is kept")
            XCTAssertLessThan(same, whole.pixels.count, "\(format)")
        }
    }

    func testBombsAreRefusedCheaply() throws {
        for format in PhotoFormat.allCases {
            let (bytes, key) = try Samples.bomb(format)
            assertRefusedCheaply(bytes, key: key)
            // Of a large file only the beginning is read.
            let padded = bytes + [UInt8](repeating: 0, count: 400_000)
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("bomb-\(UUID())").path
            try Data(padded).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            XCTAssertEqual(
                photoError { _ = try PhotoDecoder.decode(contentsOf: path) }?.kind, .overLimit(key), "\(format)")
        }
    }

    func testEveryFlippedByteIsSurvived() throws {
        for format in readable {
            let bytes = try Samples.plain(format)
            for position in stride(from: 0, to: min(bytes.count, 1_200), by: 3) {
                var damaged = bytes
                damaged[position] ^= position % 2 == 0 ? 0xFF : 0x11
                for truncated in TruncatedPolicy.allCases {
                    let limits = DecodingLimits(maxPixels: 1 << 20, truncated: truncated)
                    guard let photo = try? PhotoDecoder.decode(bytes: damaged, limits: limits) else { continue }
                    XCTAssertEqual(photo.pixels.count, photo.width * photo.height * 3)
                }
            }
        }
    }

    func testDamagedFilesLeakNothing() throws {
        let files = try readable.flatMap { format -> [[UInt8]] in
            let bytes = try Samples.plain(format)
            return [bytes, Array(bytes.prefix(bytes.count / 2)), Array(bytes.prefix(80))]
        }
        func run(_ rounds: Int) {
            for _ in 0..<rounds {
                for file in files { _ = try? PhotoDecoder.decode(bytes: file) }
            }
        }
        run(20)
        let before = memory("VmRSS")
        run(100)
        // A decoder alone has several kilobytes: leaking one a file would show as tens of megabytes.
        XCTAssertLessThan(memory("VmRSS") - before, 6 << 20)
    }

    func testMissingLibrariesAreNamed() {
        enum Unbuilt: PhotoCodec {
            static let name = "XYZ", library = "libxyz", fileExtensions = ["xyz"], signatures = [Signature("XYZ")]
            static let isBuiltIn = false
            static func hasEnd(_ file: ByteStream) throws -> Bool { true }
            static func open(
                _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
            ) throws -> OpenPhoto {
                OpenPhoto(rows: try RowDecoder(self, { _, _, _ in nil }, bytes, limits: limits))
            }
        }
        let error = photoError {
            _ = try [1, 2, 3].withUnsafeBytes { try Unbuilt.open($0, limits: DecodingLimits(), colour: .sRGB) }
        }
        XCTAssertEqual(error?.kind, .unsupported)
        XCTAssertEqual(error?.reason.contains("built without libxyz, which reads XYZ"), true)
        for format in PhotoFormat.allCases where format.missingLibrary != nil {
            let error = photoError { _ = try PhotoDecoder.decode(bytes: Samples.plain(format)) }
            XCTAssertEqual(error?.reason.contains(format.codec.library), true)
        }
    }
}
