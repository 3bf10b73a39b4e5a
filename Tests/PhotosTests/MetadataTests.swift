import XCTest

@testable import Photos

final class MetadataTests: XCTestCase {
    private func photo(_ content: Build.ExifContent, xmp: String? = nil) throws -> Photo {
        var segments = Build.exifSegment(content) + Build.segment(0xFE, Array("a comment".utf8))
        if let xmp { segments += Build.segment(0xE1, JPEGStructure.xmpPrefix + Array(xmp.utf8)) }
        return try PhotoDecoder.decode(bytes: Build.inserting(segments, into: TestFiles.bytes("ycbcr-420.jpg")))
    }

    private func rewritten(_ photo: Photo, _ format: PhotoFormat, _ policy: MetadataPolicy) throws -> (Photo, [UInt8]) {
        let bytes = try PhotoEncoder.encode(photo, options: EncodingOptions(format: format, metadata: policy))
        return (try PhotoDecoder.decode(bytes: bytes), bytes)
    }

    func testPolicies() throws {
        let xmp = "<x tiff:Orientation='6' y/><xmp:Thumbnails>XMPTHUMB</xmp:Thumbnails><z/>"
        for format in PhotoFormat.allCases {
            for isLittleEndian in [true, false] {
                let original = try photo(Build.ExifContent(isLittleEndian: isLittleEndian), xmp: xmp)
                let (all, allBytes) = try rewritten(original, format, .all)
                XCTAssertTrue(allBytes.contains(sequence: Build.cameraName))
                XCTAssertTrue(allBytes.contains(sequence: Build.latitude))
                XCTAssertTrue(allBytes.contains(sequence: Array("a comment".utf8)))
                XCTAssertEqual(all.metadata.xmp, Array("<x tiff:Orientation='1' y/><z/>".utf8))
                let (basic, basicBytes) = try rewritten(original, format, .basic)
                XCTAssertTrue(basicBytes.contains(sequence: Build.cameraName))
                XCTAssertFalse(basicBytes.contains(sequence: Build.latitude))
                XCTAssertNil(basic.metadata.xmp)
                let (none, noneBytes) = try rewritten(original, format, .none)
                XCTAssertEqual(none.metadata.exif, nil)
                XCTAssertFalse(noneBytes.contains(sequence: Build.cameraName))
                for (photo, bytes) in [(all, allBytes), (basic, basicBytes), (none, noneBytes)] {
                    XCTAssertFalse(bytes.contains(sequence: Build.thumbnail))
                    XCTAssertEqual(photo.metadata.orientation, 1)
                    XCTAssertEqual(photo.width, original.width)
                    XCTAssertEqual(photo.height, original.height)
                }
            }
        }
    }

    func testExifDescribesTheUprightPhoto() throws {
        let original = try photo(Build.ExifContent(isLittleEndian: false))
        let exif = try XCTUnwrap(rewritten(original, .jpeg, .basic).0.metadata.exif)
        let expected = Build.ExifContent(isLittleEndian: false, orientation: 1, hasLocation: false, hasThumbnail: false)
        // Three entries, of which the two with offsets differ: the location's own entry leaves a gap of 12 bytes.
        let wanted = Build.exif(expected)
        XCTAssertEqual(Array(exif[8..<18]), Array(wanted[8..<18]))
        XCTAssertEqual(Array(exif[22..<42]), Array(wanted[22..<42]))
        XCTAssertEqual(Array(exif[46..<62]), [UInt8](repeating: 0, count: 16), "the link and the gap")
        let exifAt = 8 + 2 + 12 * 4 + 4
        let size = Build.bigEndian(original.width, bytes: 4)
        XCTAssertEqual(Array(exif[exifAt + 2 + 12 + 8..<exifAt + 2 + 12 + 12]), size)
        XCTAssertEqual(Array(exif[exifAt + 2 + 8..<exifAt + 2 + 10]), [0, 1], "colour space: sRGB")
        XCTAssertEqual(
            Array(exif[exifAt + 2 + 24 + 8..<exifAt + 2 + 24 + 10]), Build.bigEndian(original.height, bytes: 2))
    }

    func testExifThatOverlapsItselfIsNotCarried() throws {
        var content = Build.exif(Build.ExifContent(isLittleEndian: false))
        // The GPS directory is said to lie on the first directory.
        let entry = 8 + 2 + 3 * 12
        content.replaceSubrange(entry + 8..<entry + 12, with: [0, 0, 0, 8])
        XCTAssertNil(Exif(content)?.cleaned(width: 1, height: 1, dropsLocation: true))
        XCTAssertNotNil(Exif(content)?.cleaned(width: 1, height: 1, dropsLocation: false))
    }

    func testDirectoriesThatOnlyCostTimeAreNotFollowed() {
        // Ten thousand GPS directories, and strips of a thumbnail that all lie on one another.
        let many = Array("MM\0*".utf8) + Build.bigEndian(8, bytes: 4) + Build.bigEndian(10_000, bytes: 2)
            + (0..<10_000).flatMap { _ in Build.bigEndian(0x8825_0004, bytes: 4) + Build.bigEndian(1, bytes: 8) }
        XCTAssertNil(Exif(many))
        let twice = Array("MM\0*".utf8) + Build.bigEndian(8, bytes: 4) + Build.bigEndian(2, bytes: 2)
            + (0..<2).flatMap { _ in
                Build.bigEndian(0x8825_0004, bytes: 4) + Build.bigEndian(1, bytes: 4) + Build.bigEndian(40, bytes: 4)
            } + [UInt8](repeating: 0, count: 40)
        XCTAssertNotNil(Exif(twice))
        XCTAssertNil(Exif(twice)?.cleaned(width: 1, height: 1, dropsLocation: true))
        let packet = Array(String(repeating: "<xmp:Thumbnails></xmp:Thumbnails>x", count: 200_000).utf8)
        let start = ContinuousClock.now
        XCTAssertEqual(XMP.cleaned(packet), [UInt8](repeating: UInt8(ascii: "x"), count: 200_000))
        XCTAssertLessThan(ContinuousClock.now - start, .seconds(2))
    }

    func testCleaningSurvivesEveryTruncationAndByteFlip() {
        for isLittleEndian in [true, false] {
            let sound = Build.exif(Build.ExifContent(isLittleEndian: isLittleEndian))
            for count in 0..<sound.count {
                let cleaned = Exif(Array(sound.prefix(count)))?.cleaned(width: 9, height: 9, dropsLocation: true)
                XCTAssertLessThanOrEqual(cleaned?.count ?? 0, count)
            }
            for position in sound.indices {
                for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                    var damaged = sound
                    damaged[position] = value
                    let cleaned = Exif(damaged)?.cleaned(width: 9, height: 9, dropsLocation: true)
                    XCTAssertLessThanOrEqual(cleaned?.count ?? 0, sound.count)
                }
            }
        }
    }

    func testTextsAreKept_whenAllIsKept() throws {
        let original = try PhotoDecoder.decode(bytes: TestFiles.bytes("text.png"))
        let text = PhotoText(keyword: Array("Title".utf8), text: Array("Caf\u{E9}".utf8))
        XCTAssertEqual(original.metadata.texts, [text])
        XCTAssertEqual(try rewritten(original, .png, .all).0.metadata.texts, [text])
        XCTAssertEqual(try rewritten(original, .png, .basic).0.metadata.texts, [])
    }

    func testASecondEXIFIsNoContinuationOfTheFirst() throws {
        let first = Build.exif(Build.ExifContent(orientation: 6, hasLocation: false, hasThumbnail: false))
        let second = Build.exifSegment(Build.ExifContent(isLittleEndian: false, orientation: 3))
        let segments = Build.segment(0xE1, JPEGStructure.exifPrefix + first) + second
        let photo = try PhotoDecoder.decode(bytes: Build.inserting(segments, into: TestFiles.bytes("ycbcr-420.jpg")))
        XCTAssertEqual(photo.metadata.exif, first)
        XCTAssertFalse(try rewritten(photo, .jpeg, .basic).1.contains(sequence: Build.latitude), "the second one's place")
    }

    /// A big-endian TIFF structure of one directory; values that need more than four bytes lie behind it.
    private func tiff(_ entries: [(tag: Int, type: Int, count: Int, value: [UInt8])]) -> [UInt8] {
        var directory = Build.bigEndian(entries.count, bytes: 2), values: [UInt8] = []
        let behind = 8 + 2 + 12 * entries.count + 4
        for entry in entries {
            directory += Build.bigEndian(entry.tag, bytes: 2) + Build.bigEndian(entry.type, bytes: 2)
            directory += Build.bigEndian(entry.count, bytes: 4)
            if entry.value.count > 4 {
                directory += Build.bigEndian(behind + values.count, bytes: 4)
                values += entry.value
            } else {
                directory += entry.value + [UInt8](repeating: 0, count: 4 - entry.value.count)
            }
        }
        return Array("MM\0*".utf8) + Build.bigEndian(8, bytes: 4) + directory + [0, 0, 0, 0] + values
    }

    func testPlacesInPacketsInsideEXIFAreDropped() throws {
        let place = Array("Saint-Remy".utf8), camera = Build.cameraName
        let packets = [0x02BC, 0x83BB, 0x8649].map { (tag: $0, type: 7, count: place.count, value: place) }
        let exif = try XCTUnwrap(Exif(tiff([(tag: 0x0110, type: 2, count: camera.count, value: camera)] + packets)))
        let cleaned = try XCTUnwrap(exif.cleaned(width: 1, height: 1, dropsLocation: true))
        XCTAssertFalse(cleaned.contains(sequence: place))
        XCTAssertTrue(cleaned.contains(sequence: camera))
        XCTAssertEqual(Array(cleaned[8..<10]), [0, 1], "entries")
        XCTAssertTrue(exif.cleaned(width: 1, height: 1, dropsLocation: false)?.contains(sequence: place) == true)
    }

    func testGPSDirectoriesOfEveryTypeOfPointerAreDropped() throws {
        let types: [(type: Int, isCleaned: Bool)] = [(4, true), (13, true), (99, false)]
        for (type, isCleaned) in types {
            let gps: [UInt8] = [0, 1] + Build.bigEndian(0x0002_0002, bytes: 4)
                + Build.bigEndian(Build.latitude.count, bytes: 4) + Build.bigEndian(8 + 2 + 12 + 4 + 2 + 12 + 4, bytes: 4) + [0, 0, 0, 0]
            let sound = tiff([(tag: 0x8825, type: type, count: 1, value: Build.bigEndian(8 + 2 + 12 + 4, bytes: 4))]) + gps + Build.latitude
            let cleaned = try XCTUnwrap(Exif(sound)).cleaned(width: 1, height: 1, dropsLocation: true)
            XCTAssertEqual(cleaned != nil, isCleaned, "what cannot be cleaned is not carried")
            XCTAssertFalse(cleaned?.contains(sequence: Build.latitude) ?? false)
        }
    }

    func testExtensionsOfXMPAreNotNamedWhereTheyAreNotCarried() throws {
        let xmp = "<x xmpNote:HasExtendedXMP=\"0123456789ABCDEF\" dc:title=\"t\"/>"
        let copy = try rewritten(photo(Build.ExifContent(), xmp: xmp), .jpeg, .all).0
        XCTAssertEqual(copy.metadata.xmp, Array("<x  dc:title=\"t\"/>".utf8))
    }

    func testLongExifIsWrittenInParts() throws {
        var original = try photo(Build.ExifContent(orientation: 1, hasThumbnail: false))
        original.metadata.exif? += [UInt8](repeating: 9, count: 150_000)
        let (copy, _) = try rewritten(original, .jpeg, .all)
        XCTAssertEqual(copy.metadata.exif?.count, original.metadata.exif?.count)
        XCTAssertEqual(try rewritten(original, .png, .all).0.metadata.exif, copy.metadata.exif)
    }
}
