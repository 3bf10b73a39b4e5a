import CImageCodecs
import Foundation
import XCTest

@testable import Photos

final class HostileFileTests: XCTestCase {
    private func jpegHeader(width: Int, height: Int, marker: UInt8 = 0xC0, precision: UInt8 = 8) -> [UInt8] {
        [0xFF, 0xD8]
            + Build.segment(
                marker,
                [precision] + Build.bigEndian(height, bytes: 2) + Build.bigEndian(width, bytes: 2) + [1, 1, 0x11, 0])
    }

    func testBombsAreRefusedCheaply() throws {
        let png = Build.pngHeader(width: 30_000, height: 30_000, depth: 1, colour: 0)
        assertRefusedCheaply(png + Build.chunk("IDAT", [UInt8](repeating: 0, count: 110_000)), key: .pixels)
        assertRefusedCheaply(jpegHeader(width: 65_500, height: 65_500), key: .side)
        assertRefusedCheaply(
            Build.pngHeader(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF, depth: 16, colour: 6), key: .side)
        assertRefusedCheaply(try TestFiles.bytes("bomb-text.png"), key: .chunkBytes)
        assertRefusedCheaply(try TestFiles.bytes("bomb-profile.png"), key: .chunkBytes)
        let chunks = (0..<1_001).flatMap { _ in Build.chunk("prVt", []) }
        assertRefusedCheaply(
            Build.inserting(chunks: chunks, into: try TestFiles.bytes("rgb.png")), key: .chunks)
        let segments = (0..<1_001).flatMap { _ in Build.segment(0xEA, []) }
        assertRefusedCheaply(
            Build.inserting(segments, into: try TestFiles.bytes("grey.jpg")), key: .chunks)
        let file = try TestFiles.bytes("rgb.png")
        assertRefusedCheaply(file, key: .fileBytes, limits: DecodingLimits(maxFileBytes: file.count - 1))
    }

    func testScansAreCountedBeforeDecoding() throws {
        let jpeg = try TestFiles.bytes("progressive.jpg")
        let end = jpeg.count - 2
        let last = try XCTUnwrap(jpeg.indices.last { $0 + 1 < end && jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xDA })
        let scans = (0..<1_000).flatMap { _ in jpeg[last..<end] }
        assertRefusedCheaply(Array(jpeg[..<end] + scans + jpeg[end...]), key: .scans)
        let allowed = DecodingLimits(maxScans: 10)
        XCTAssertNoThrow(try PhotoDecoder.decode(bytes: jpeg, limits: allowed), "it has ten scans")
        assertRefusedCheaply(jpeg, key: .scans, limits: DecodingLimits(maxScans: 9))
    }

    func testLargeFilesAreJudgedByTheirBeginning() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("bomb-\(UUID()).png").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header = Build.pngHeader(width: 30_000, height: 30_000, depth: 1, colour: 0)
        try Data(header).write(to: URL(fileURLWithPath: path))
        XCTAssertEqual(truncate(path, 200 << 20), 0)
        var error: PhotoError?
        let memory = peakMemory { error = photoError { _ = try PhotoDecoder.decode(contentsOf: path) } }
        XCTAssertEqual(error?.kind, .overLimit(.pixels))
        // The machine may be at something else in any one of them.
        let duration = (0..<4).map { _ in
            ContinuousClock().measure { _ = try? PhotoDecoder.decode(contentsOf: path) }
        }.min()!
        XCTAssertLessThan(duration, .milliseconds(50))
        XCTAssertLessThan(memory, 64 << 20)
    }

    func testEveryTruncationIsRefused_andAcceptedWithWarningIfAsked() throws {
        let accept = DecodingLimits(truncated: .accept)
        for name in [
            "progressive.jpg", "ycbcr-420.jpg", "cmyk.jpg", "arithmetic.jpg", "three-scans.jpg", "rgba.png",
            "grey16.png",
        ] {
            let bytes = try TestFiles.bytes(name)
            let whole = try PhotoDecoder.decode(bytes: bytes)
            var accepted = 0
            for count in stride(from: 0, to: bytes.count, by: 7) {
                let cut = Array(bytes.prefix(count))
                if let photo = try? PhotoDecoder.decode(bytes: cut) {
                    XCTAssertEqual(
                        photo.pixels, whole.pixels, "\(name), \(count) bytes: only what is behind the image is missing")
                    XCTAssertGreaterThan(count, bytes.count - 20)
                } else {
                    let error = photoError { _ = try PhotoDecoder.decode(bytes: cut) }
                    let expected: [PhotoError.Kind] = count < 8 ? [.notAPhoto, .truncated] : [.truncated]
                    XCTAssertTrue(
                        error.map { expected.contains($0.kind) } ?? false, "\(name), \(count) bytes: \(error!)")
                }
                if let photo = try? PhotoDecoder.decode(bytes: cut, limits: accept) {
                    XCTAssertFalse(photo.warnings.isEmpty, "\(name), \(count) bytes")
                    XCTAssertEqual(photo.width, 37)
                    accepted += 1
                }
            }
            XCTAssertGreaterThan(accepted, 20, name)
        }
    }

    func testAcceptedTruncationKeepsWhatIsThere() throws {
        let whole = try PhotoDecoder.decode(bytes: TestFiles.bytes("rgba.png"))
        let cut = Array(try TestFiles.bytes("rgba.png").prefix(1_600))
        let photo = try PhotoDecoder.decode(bytes: cut, limits: DecodingLimits(truncated: .accept))
        let rows = (0..<photo.height).prefix { row in
            let range = 3 * row * photo.width..<3 * (row + 1) * photo.width
            return photo.pixels[range] == whole.pixels[range]
        }
        XCTAssertGreaterThan(rows.count, 5)
        XCTAssertEqual(Array(photo.pixels.suffix(3)), [128, 128, 128])
        XCTAssertEqual(photo.alpha?.last, 255)
    }

    func testEveryFlippedByteIsSurvived() throws {
        let accept = DecodingLimits(maxPixels: 1 << 20, truncated: .accept)
        for name in ["progressive.jpg", "restarts.jpg", "grey-alpha.png", "animated.png"] {
            let bytes = try TestFiles.bytes(name)
            for position in stride(from: 2, to: min(bytes.count, 1_500), by: 1) {
                var damaged = bytes
                damaged[position] ^= position % 2 == 0 ? 0xFF : 0x11
                for limits in [accept, DecodingLimits(maxPixels: 1 << 20)] {
                    guard let photo = try? PhotoDecoder.decode(bytes: damaged, limits: limits) else { continue }
                    XCTAssertEqual(photo.pixels.count, photo.width * photo.height * 3)
                }
            }
        }
    }

    func testUnsupportedKindsAreNamed() throws {
        let kinds: [(UInt8, UInt8, String)] = [(0xC3, 8, "lossless"), (0xC5, 8, "hierarchical"), (0xC1, 12, "12 bits")]
        for (marker, precision, word) in kinds {
            let bytes = jpegHeader(width: 8, height: 8, marker: marker, precision: precision)
            let error = photoError { _ = try PhotoDecoder.decode(bytes: bytes) }
            XCTAssertEqual(error?.kind, .unsupported)
            XCTAssertEqual(error?.reason.contains(word), true, word)
        }
    }

    func testApplesOwnPNGIsNamed() throws {
        let sound = try TestFiles.bytes("rgb.png"), chunk = Build.chunk("CgBI", [0x50, 0, 0x20, 2])
        let error = photoError {
            _ = try PhotoDecoder.decode(bytes: Array(sound.prefix(8)) + chunk + sound.dropFirst(8))
        }
        XCTAssertEqual(error?.kind, .unsupported)
        XCTAssertEqual(error?.reason.contains("CgBI"), true)
    }

    func testFilesWithoutAnImageAreToldFromThoseCutOff() throws {
        let jpeg = try TestFiles.bytes("ycbcr-444.jpg")
        let frame = try XCTUnwrap(jpeg.withUnsafeBytes { ByteReader($0).firstIndex(of: [0xFF, 0xC0]) })
        let cases: [([UInt8], PhotoError.Kind, String)] = [
            (Array(jpeg[..<frame]), .truncated, "cut off"),
            (Array(jpeg[..<frame]) + [0xFF, 0xD9], .corrupt, "no image"),
            (Build.inserting([0xFF, 0xE3, 0, 1], into: jpeg), .corrupt, "no image"),
            (Array(jpeg[..<frame]) + [0xFF, 0xF7] + Array(jpeg[(frame + 2)...]), .unsupported, "JPEG-LS"),
        ]
        for (bytes, kind, words) in cases {
            let error = photoError { _ = try PhotoDecoder.decode(bytes: bytes) }
            XCTAssertEqual(error?.kind, kind, words)
            XCTAssertEqual(error?.reason.contains(words), true, error?.reason ?? words)
        }
    }

    func testOtherContentIsNamed() throws {
        let contents: [(String, String)] = [
            ("", "empty"), ("GIF89a....", "a GIF, which is not read; convert it"), ("BM....", "ImageMagick"),
            ("hello there", "none of JPEG, PNG, HEIC, AVIF, WebP and TIFF"), ("%PDF-1.7", "PDF"),
            ("\u{1}PNG\r\n\u{1A}\n", "text mode"),
            ("....ftypcrx ....", "raw photo (Canon), which is not read; develop"),
            ("FUJIFILMCCD-RAW ", "darktable"), ("....ftypisom....", "video"), ("....ftypqt  ....", "ffmpeg"),
            ("II*\0\u{10}\0\0\0CR..", "raw photo (Canon CR2)"),
        ]
        for (content, word) in contents {
            let error = photoError { _ = try PhotoDecoder.decode(bytes: Array(content.utf8)) }
            XCTAssertEqual(error?.kind, .notAPhoto)
            XCTAssertEqual(error?.reason.contains(word), true, "\(error?.reason ?? "") should name \(word)")
        }
    }

    func testWhatIsNoRegularFileIsRefusedWithoutWaiting() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("fifo-\(UUID())").path
        XCTAssertEqual(mkfifo(path, 0o600), 0)
        defer { unlink(path) }
        for path in [path, "/dev/zero", NSTemporaryDirectory()] {
            XCTAssertEqual(photoError { _ = try PhotoDecoder.decode(contentsOf: path) }?.kind, .io(EINVAL), path)
        }
        let missing = photoError { _ = try PhotoDecoder.decode(contentsOf: "/nowhere/x.jpg") }
        XCTAssertEqual(missing?.reason.contains("No such file"), true)
    }

    func testExtremeShapes() throws {
        for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (255, 257)] {
            let count = width * height * 3
            let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
                for index in 0..<count { target[index] = UInt8(truncatingIfNeeded: index / 7) }
                initialized = count
            }
            let photo = Photo(width: width, height: height, pixels: pixels)
            for format in PhotoFormat.written {
                let bytes = try PhotoEncoder.encode(photo, options: EncodingOptions(format: format, quality: 100))
                let copy = try PhotoDecoder.decode(bytes: bytes)
                XCTAssertEqual(copy.width, width)
                XCTAssertEqual(copy.height, height)
                XCTAssertLessThan(difference(copy.pixels, pixels).mean, format == .png ? 0.001 : 3)
            }
        }
    }

    func testDecodingAThousandDamagedFilesLeaksNothing() throws {
        var files: [[UInt8]] = []
        for name in ["progressive.jpg", "cmyk.jpg", "rgba.png", "profile.png"] {
            let bytes = try TestFiles.bytes(name)
            files += [bytes, Array(bytes.prefix(bytes.count / 2)), Array(bytes.prefix(40))]
        }
        func run(_ rounds: Int) {
            for _ in 0..<rounds {
                for file in files {
                    if let photo = try? PhotoDecoder.decode(bytes: file) {
                        _ = try? PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg))
                    }
                }
            }
        }
        run(40)
        let before = memory("VmRSS")
        run(200)
        // A decoder alone has several kilobytes: leaking one a file would show as tens of megabytes.
        XCTAssertLessThan(memory("VmRSS") - before, 4 << 20)
    }
}
