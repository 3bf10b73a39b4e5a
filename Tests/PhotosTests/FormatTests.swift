import XCTest

@testable import Photos

/// What single formats have of their own.
final class FormatTests: XCTestCase {
    private func warnings(_ name: String) throws -> [String] {
        guard TestFiles.isReadable(name) else { throw XCTSkip("built without the library for \(name)") }
        return try PhotoDecoder.decode(bytes: TestFiles.bytes(name)).warnings
    }

    func testFurtherPicturesAreNamed() throws {
        XCTAssertEqual(try warnings("animated.webp"), ["the WebP is animated: only its first picture was read"])
        XCTAssertEqual(try warnings("pages.tif"), ["the TIFF has several pages: only the first was read"])
    }

    func testSamplesBeyondWhiteAreNamed() throws {
        XCTAssertEqual(try warnings("float-bright.tif").count, 1)
        XCTAssertEqual(try warnings("float32.tif"), [])
    }

    func testColoursForOtherScreensAreNamed() throws {
        for name in ["pq.heic", "pq.avif"] {
            XCTAssertEqual(try warnings(name).first?.contains("(nclx) and were not converted"), true)
        }
    }

    /// The decoder may give the picture the size it has or refuse it; never may it hand out something else.
    func testSizesThatLieAreNotBelieved() throws {
        for name in ["liar.heic", "liar.avif"] where TestFiles.isReadable(name) {
            do {
                let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes(name))
                XCTAssertEqual(photo.pixels.count, photo.width * photo.height * 3)
            } catch let error as PhotoError {
                XCTAssertEqual(error.kind, .corrupt, error.reason)
            }
        }
    }

    func testCameraSaysHowAHEICLay_butItsPropertiesCount() throws {
        for name in ["turned-described.heic", "turned-described.avif"] where TestFiles.isReadable(name) {
            let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes(name))
            XCTAssertEqual([photo.width, photo.height], [64, 96], "turned by a quarter, once")
            XCTAssertEqual(photo.metadata.orientation, 1, "nothing is left to apply")
            XCTAssertEqual(photo.metadata.exif.flatMap(Exif.init)?.orientation, 6)
            XCTAssertEqual(photo.metadata.xmp, Array("<x/>".utf8))
        }
    }

    func testRawPhotosInTIFFStructuresAreNamed() throws {
        func tiff(_ entries: [(tag: Int, value: Int)]) -> [UInt8] {
            Array("II*\0".utf8) + Build.littleEndian(8, bytes: 4) + Build.littleEndian(entries.count, bytes: 2)
                + entries.flatMap {
                    Build.littleEndian($0.tag, bytes: 2) + [4, 0, 1, 0, 0, 0] + Build.littleEndian($0.value, bytes: 4)
                } + [0, 0, 0, 0]
        }
        let raws: [[(tag: Int, value: Int)]] = [
            [(254, 1), (256, 8), (257, 8), (330, 8)], [(256, 8), (257, 8), (262, 32_803)],
            [(256, 8), (257, 8), (50_706, 1)],
        ]
        for entries in raws {
            let error = photoError { _ = try PhotoDecoder.decode(bytes: tiff(entries)) }
            XCTAssertEqual(error?.kind, .notAPhoto)
            XCTAssertEqual(error?.reason.contains("raw photo"), true)
            XCTAssertEqual(error?.reason.contains("darktable"), true)
        }
    }

    func testATIFFsEndIsThereWhenAllOfItIs_whereverItLies() throws {
        // The directory first, the strips behind it, and the other way round.
        for name in ["plain.tif", "tiled.tif", "big.tif", "described.tif", "pages.tif", "bilevel.tif"] {
            let bytes = try TestFiles.bytes(name)
            try bytes.withUnsafeBytes { XCTAssertEqual(try PhotoEnd.of(ByteStream($0)), .present, name) }
            for count in stride(from: 0, to: bytes.count * 9 / 10, by: 11) {
                try bytes[..<count].withUnsafeBytes {
                    XCTAssertEqual(try PhotoEnd.of(ByteStream($0)), .missing, "\(name), \(count)")
                }
            }
        }
    }

    func testDirectoriesInACircleEndTheWalk() throws {
        var bytes = Array("II*\0".utf8) + Build.littleEndian(8, bytes: 4) + Build.littleEndian(1, bytes: 2)
        bytes +=
            Build.littleEndian(256, bytes: 2) + [4, 0, 1, 0, 0, 0] + Build.littleEndian(5, bytes: 4)
            + Build.littleEndian(8, bytes: 4)
        try bytes.withUnsafeBytes { XCTAssertEqual(try PhotoEnd.of(ByteStream($0)), .present) }
        XCTAssertNotNil(photoError { _ = try PhotoDecoder.decode(bytes: bytes) })
    }

    func testWhatIsCodedIsMeasured_whateverTheFileAnnounces() throws {
        for name in ["liar.heic", "liar.avif"] {
            let bytes = try TestFiles.bytes(name)
            // 48 x 40 are announced, 64 x 64 are coded.
            let error = photoError {
                _ = try PhotoDecoder.decode(bytes: bytes, limits: DecodingLimits(maxPixels: 2_000))
            }
            XCTAssertEqual(error?.kind, .overLimit(.pixels), name)
        }
        for name in ["repeated.heic", "repeated.avif"] {
            let bytes = try TestFiles.bytes(name)
            let error = photoError {
                _ = try PhotoDecoder.decode(bytes: bytes, limits: DecodingLimits(maxPixels: 62_500 / 2))
            }
            XCTAssertEqual(error?.kind, .overLimit(.pixels), name)
            guard TestFiles.isReadable(name) else { continue }
            XCTAssertNoThrow(try PhotoDecoder.decode(bytes: bytes, limits: DecodingLimits(maxPixels: 62_500)), name)
        }
    }

    func testGridsInACircleAreRefused() throws {
        for name in ["repeated.heic", "repeated.avif"] {
            var bytes = try TestFiles.bytes(name)
            let start = try XCTUnwrap(bytes.withUnsafeBytes { ByteReader($0).firstIndex(of: Array("dimg".utf8)) })
            XCTAssertEqual(Array(bytes[start + 8..<start + 10]), [0, 2], "the first tile")
            bytes[start + 9] = 1
            XCTAssertNotNil(photoError { _ = try PhotoDecoder.decode(bytes: bytes) }, name)
        }
    }

    func testMeasuringSurvivesEveryByteFlip() throws {
        for name in ["grid.heic", "grid.avif", "alpha.heic"] {
            let bytes = try TestFiles.bytes(name)
            for position in 0..<min(bytes.count, 1_000) {
                for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                    var damaged = bytes
                    damaged[position] = value
                    damaged.withUnsafeBytes { raw in
                        _ = try? HEIFItems(HEIFBoxes(ByteStream(raw))).check(DecodingLimits())
                        _ = try? PhotoEnd.of(ByteStream(raw))
                    }
                }
            }
        }
    }
}
