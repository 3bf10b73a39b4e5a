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
        let xmp = String(
            decoding: XMPTests.packet(" tiff:Orientation='6'", "<xmp:Thumbnails>XMPTHUMB</xmp:Thumbnails>"),
            as: UTF8.self)
        for format in PhotoFormat.written {
            for isLittleEndian in [true, false] {
                let original = try photo(Build.ExifContent(isLittleEndian: isLittleEndian), xmp: xmp)
                let (all, allBytes) = try rewritten(original, format, .all)
                XCTAssertTrue(allBytes.contains(sequence: Build.cameraName))
                XCTAssertTrue(allBytes.contains(sequence: Build.latitude))
                XCTAssertTrue(allBytes.contains(sequence: Array("a comment".utf8)))
                XCTAssertEqual(all.metadata.xmp, XMPTests.packet(" tiff:Orientation='1'"))
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
        XCTAssertNil(Exif(content)?.cleaned(for: .init(width: 1, height: 1, dropsLocation: true)))
        XCTAssertNotNil(Exif(content)?.cleaned(for: .init(width: 1, height: 1, dropsLocation: false)))
    }

    func testDirectoriesThatOnlyCostTimeAreNotFollowed() {
        // Ten thousand GPS directories, and strips of a thumbnail that all lie on one another.
        let many =
            Array("MM\0*".utf8) + Build.bigEndian(8, bytes: 4) + Build.bigEndian(10_000, bytes: 2)
            + (0..<10_000).flatMap { _ in Build.bigEndian(0x8825_0004, bytes: 4) + Build.bigEndian(1, bytes: 8) }
        XCTAssertNil(Exif(many))
        let twice =
            Array("MM\0*".utf8) + Build.bigEndian(8, bytes: 4) + Build.bigEndian(2, bytes: 2)
            + (0..<2).flatMap { _ in
                Build.bigEndian(0x8825_0004, bytes: 4) + Build.bigEndian(1, bytes: 4) + Build.bigEndian(40, bytes: 4)
            } + [UInt8](repeating: 0, count: 40)
        XCTAssertNotNil(Exif(twice))
        XCTAssertNil(Exif(twice)?.cleaned(for: .init(width: 1, height: 1, dropsLocation: true)))
    }

    func testCleaningSurvivesEveryTruncationAndByteFlip() {
        for isLittleEndian in [true, false] {
            let sound = Build.exif(Build.ExifContent(isLittleEndian: isLittleEndian))
            for count in 0..<sound.count {
                let cleaned = Exif(Array(sound.prefix(count)))?.cleaned(
                    for: .init(width: 9, height: 9, orientation: 6, dropsLocation: true))
                XCTAssertLessThanOrEqual(cleaned?.count ?? 0, count)
            }
            for position in sound.indices {
                for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                    var damaged = sound
                    damaged[position] = value
                    let cleaned = Exif(damaged)?.cleaned(
                        for: .init(width: 9, height: 9, orientation: 6, dropsLocation: true))
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
        let segments = Build.segment(0xE1, Exif.prefix + first) + second
        let photo = try PhotoDecoder.decode(bytes: Build.inserting(segments, into: TestFiles.bytes("ycbcr-420.jpg")))
        XCTAssertEqual(photo.metadata.exif, first)
        XCTAssertFalse(
            try rewritten(photo, .jpeg, .basic).1.contains(sequence: Build.latitude), "the second one's place")
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

    func testPacketsInsideEXIFLeaveIt_andAreTreatedAsWhatTheyAre() throws {
        let place = XMPTests.packet("", "<dc:title>Saint-Remy</dc:title>"), camera = Build.cameraName
        let packets = [0x02BC, 0x83BB, 0x8649].map { (tag: $0, type: 7, count: place.count, value: place) }
        let exif = tiff([(tag: 0x0110, type: 2, count: camera.count, value: camera)] + packets)
        for dropsLocation in [true, false] {
            let cleaned = try XCTUnwrap(
                Exif(exif)?.cleaned(for: .init(width: 1, height: 1, dropsLocation: dropsLocation)))
            XCTAssertFalse(cleaned.contains(sequence: place))
            XCTAssertTrue(cleaned.contains(sequence: camera))
            XCTAssertEqual(Array(cleaned[8..<10]), [0, 1], "entries")
        }
        let photo = try PhotoDecoder.decode(
            bytes: Build.inserting(Build.segment(0xE1, Exif.prefix + exif), into: TestFiles.bytes("ycbcr-420.jpg")))
        XCTAssertEqual(photo.metadata.xmp, place)
        XCTAssertEqual(try rewritten(photo, .jpeg, .all).0.metadata.xmp, place)
        XCTAssertFalse(try rewritten(photo, .jpeg, .basic).1.contains(sequence: Array("Saint-Remy".utf8)))
    }

    func testGPSDirectoriesOfEveryTypeOfPointerAreDropped() throws {
        let types: [(type: Int, isCleaned: Bool)] = [(4, true), (13, true), (99, false)]
        for (type, isCleaned) in types {
            let gps: [UInt8] =
                [0, 1] + Build.bigEndian(0x0002_0002, bytes: 4)
                + Build.bigEndian(Build.latitude.count, bytes: 4)
                + Build.bigEndian(8 + 2 + 12 + 4 + 2 + 12 + 4, bytes: 4) + [0, 0, 0, 0]
            let sound =
                tiff([(tag: 0x8825, type: type, count: 1, value: Build.bigEndian(8 + 2 + 12 + 4, bytes: 4))]) + gps
                + Build.latitude
            let cleaned = try XCTUnwrap(Exif(sound)).cleaned(for: .init(width: 1, height: 1, dropsLocation: true))
            XCTAssertEqual(cleaned != nil, isCleaned, "what cannot be cleaned is not carried")
            XCTAssertFalse(cleaned?.contains(sequence: Build.latitude) ?? false)
        }
    }

    func testDamagedXMPIsLeftOutWithWarning() throws {
        let original = try photo(Build.ExifContent(), xmp: "<x tiff:Orientation=\"6\"")
        XCTAssertEqual(original.warnings, ["the XMP data are damaged and were left out"])
        XCTAssertNil(try rewritten(original, .jpeg, .all).0.metadata.xmp)
    }

    private func entry(_ tag: Int, _ value: Int) -> (tag: Int, type: Int, count: Int, value: [UInt8]) {
        (tag: tag, type: 4, count: 1, value: Build.bigEndian(value, bytes: 4))
    }

    /// The numbers of a directory by tag.
    private func numbers(_ exif: [UInt8], at directory: Int) -> [Int: Int] {
        exif.withUnsafeBytes { raw in
            let reader = ByteReader(raw)
            return Dictionary(
                uniqueKeysWithValues: (0..<reader.uint16(at: directory)!).map {
                    let position = directory + 2 + 12 * $0
                    return (reader.uint16(at: position)!, reader.uint32(at: position + 8)!)
                })
        }
    }

    func testSizesInEveryDirectoryAreThoseOfTheNewFile() throws {
        // Directories one behind the other: the first, EXIF's, the one for interoperability.
        let first = tiff([entry(0x0100, 1), entry(0x0101, 2), entry(0x0112, 6), entry(0x8769, 8 + 2 + 48 + 4)])
        let exifAt = first.count, interoperabilityAt = exifAt + 2 + 48 + 4
        let exif = Array(
            tiff([entry(0x9214, 5), entry(0xA002, 1), entry(0xA003, 2), entry(0xA005, interoperabilityAt)])[8...])
        let interoperability = Array(tiff([entry(0x1001, 1), entry(0x1002, 2)])[8...])
        let source = try XCTUnwrap(Exif(first + exif + interoperability))
        let cleaned = try XCTUnwrap(
            source.cleaned(for: .init(width: 29, height: 37, orientation: 6, dropsLocation: true)))
        XCTAssertEqual(numbers(cleaned, at: 8), [0x0100: 29, 0x0101: 37, 0x0112: 1, 0x8769: exifAt])
        XCTAssertEqual(
            numbers(cleaned, at: exifAt), [0xA002: 29, 0xA003: 37, 0xA005: interoperabilityAt],
            "where the subject was is not true of a turned photo")
        XCTAssertEqual(numbers(cleaned, at: interoperabilityAt), [0x1001: 29, 0x1002: 37])
        let upright = try XCTUnwrap(source.cleaned(for: .init(width: 29, height: 37, dropsLocation: true)))
        XCTAssertEqual(numbers(upright, at: exifAt)[0x9214], 5)
    }

    // MARK: Resolution

    private func jfif(_ unit: UInt8, _ x: Int, _ y: Int) -> [UInt8] {
        Build.segment(
            0xE0,
            Array("JFIF\0".utf8) + [1, 1, unit] + Build.bigEndian(x, bytes: 2) + Build.bigEndian(y, bytes: 2) + [0, 0])
    }

    /// Pillow's files begin with a JFIF segment of 18 bytes, which says nothing of the size.
    private func jpeg(_ segments: [UInt8]) throws -> [UInt8] {
        let bytes = try TestFiles.bytes("ycbcr-444.jpg")
        XCTAssertEqual(bytes[3], 0xE0)
        return Array(bytes[..<2]) + segments + bytes[20...]
    }

    func testResolutionIsKept_inEveryFormatAndPolicy() throws {
        let inch = try PhotoDecoder.decode(bytes: jpeg(jfif(1, 300, 200)))
        XCTAssertEqual(inch.metadata.resolution, PhotoResolution(x: 300, y: 200, unit: .inch))
        let centimetre = try PhotoDecoder.decode(bytes: jpeg(jfif(2, 118, 118)))
        let density = Build.chunk("pHYs", Build.bigEndian(11_811, bytes: 4) + Build.bigEndian(7_874, bytes: 4) + [1])
        let metre = try PhotoDecoder.decode(bytes: Build.inserting(chunks: density, into: TestFiles.bytes("rgb.png")))
        let shape = try PhotoDecoder.decode(bytes: jpeg(jfif(0, 2, 1)))
        for policy in MetadataPolicy.allCases {
            XCTAssertEqual(try rewritten(inch, .jpeg, policy).0.metadata.resolution, inch.metadata.resolution)
            XCTAssertEqual(
                try rewritten(inch, .png, policy).0.metadata.resolution,
                PhotoResolution(x: 11_811, y: 7_874, unit: .metre))
            XCTAssertEqual(try rewritten(metre, .png, policy).0.metadata.resolution, metre.metadata.resolution)
            XCTAssertEqual(try rewritten(metre, .jpeg, policy).0.metadata.resolution, inch.metadata.resolution)
            XCTAssertEqual(
                try rewritten(centimetre, .jpeg, policy).0.metadata.resolution, centimetre.metadata.resolution)
            XCTAssertEqual(
                try rewritten(centimetre, .png, policy).0.metadata.resolution,
                PhotoResolution(x: 11_800, y: 11_800, unit: .metre))
            XCTAssertEqual(try rewritten(shape, .jpeg, policy).0.metadata.resolution, shape.metadata.resolution)
            XCTAssertEqual(try rewritten(shape, .png, policy).0.metadata.resolution, shape.metadata.resolution)
        }
        let none = try PhotoDecoder.decode(bytes: TestFiles.bytes("rgb.png"))
        XCTAssertNil(try rewritten(none, .jpeg, .all).0.metadata.resolution)
        XCTAssertFalse(try rewritten(none, .png, .all).1.contains(sequence: Array("pHYs".utf8)))
    }

    func testResolutionLiesDownWithThePhoto() throws {
        let content = Build.exifSegment(Build.ExifContent(orientation: 6))
        let photo = try PhotoDecoder.decode(bytes: jpeg(jfif(1, 300, 200) + content))
        XCTAssertEqual(photo.metadata.resolution, PhotoResolution(x: 200, y: 300, unit: .inch))
        let exif = tiff([
            (tag: 0x0112, type: 3, count: 1, value: [0, 6]),
            (tag: 0x011A, type: 5, count: 1, value: Build.bigEndian(300, bytes: 4) + Build.bigEndian(1, bytes: 4)),
            (tag: 0x011B, type: 5, count: 1, value: Build.bigEndian(400, bytes: 4) + Build.bigEndian(2, bytes: 4)),
            (tag: 0x0128, type: 3, count: 1, value: [0, 2]),
        ])
        let described = try PhotoDecoder.decode(bytes: jpeg(Build.segment(0xE1, Exif.prefix + exif)))
        XCTAssertEqual(
            described.metadata.resolution, PhotoResolution(x: 200, y: 300, unit: .inch), "EXIF's, where JFIF has none")
        let copy = try rewritten(described, .jpeg, .basic).0
        XCTAssertEqual(copy.metadata.exif.flatMap(Exif.init)?.resolution, PhotoResolution(x: 200, y: 300, unit: .inch))
        XCTAssertEqual(copy.metadata.resolution, PhotoResolution(x: 200, y: 300, unit: .inch))
    }

    func testTIFFsDescriptionBecomesEXIF() throws {
        guard TestFiles.isReadable("described.tif") else { throw XCTSkip("built without libtiff") }
        let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes("described.tif"))
        XCTAssertEqual(photo.metadata.orientation, 6)
        XCTAssertEqual(photo.metadata.resolution, PhotoResolution(x: 200, y: 300, unit: .inch))
        let (copy, bytes) = try rewritten(photo, .jpeg, .all)
        XCTAssertTrue(bytes.contains(sequence: Array("2020:01:02 03:04:05".utf8)))
        XCTAssertEqual(copy.metadata.resolution, photo.metadata.resolution)
        XCTAssertEqual(copy.metadata.exif.flatMap(Exif.init)?.orientation, 1)
    }

    func testLongExifIsWrittenInParts() throws {
        var original = try photo(Build.ExifContent(orientation: 1, hasThumbnail: false))
        original.metadata.exif? += [UInt8](repeating: 9, count: 150_000)
        let (copy, _) = try rewritten(original, .jpeg, .all)
        XCTAssertEqual(copy.metadata.exif?.count, original.metadata.exif?.count)
        XCTAssertEqual(try rewritten(original, .png, .all).0.metadata.exif, copy.metadata.exif)
    }
}
