import CImageCodecs

/// TIFF through libtiff: the first page.
enum TIFFCodec: PhotoCodec {
    static let name = "TIFF", library = "libtiff"
    static var isBuiltIn: Bool { cic_has_tiff() != 0 }
    static let fileExtensions = ["tif", "tiff"]
    /// Both byte orders, and BigTIFF's.
    static let signatures = [Signature("II*\0"), Signature("MM\0*"), Signature("II+\0"), Signature("MM\0+")]

    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        _ = try TIFFStructure(bytes, limits: limits, isWhole: false)
    }

    static func open(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> OpenPhoto {
        let structure = try TIFFStructure(bytes, limits: limits)
        return OpenPhoto(
            rows: try RowDecoder(self, cic_tiff_open, bytes, limits: limits), metadata: structure.metadata,
            description: structure.profile.map { .profile($0) }, warnings: structure.warnings)
    }

    /// Directories and what they point to may lie anywhere: all of it must be there.
    static func hasEnd(_ file: ByteStream) throws -> Bool {
        guard let directories = try TIFFDirectories(file) else { return false }
        var next = directories.first, seen: Set<Int> = []
        // Whoever has more to look at wants to cost time; decoding will see.
        var work = 1 << 20
        while next != 0, work > 0, seen.insert(next).inserted {
            guard let directory = try directories.directory(at: next) else { return false }
            guard directory.entries.allSatisfy({ file.has($0.byteCount, at: $0.position) }) else { return false }
            work -= directory.entries.count + 1
            for (offsets, lengths) in Tag.imageData {
                let starts = try directories.numbers(directory[offsets], most: max(work, 0))
                let counts = try directories.numbers(directory[lengths], most: max(work, 0))
                work -= starts.count + counts.count
                guard zip(starts, counts).allSatisfy({ file.has($1, at: $0) }) else { return false }
            }
            for tag in Tag.innerDirectories {
                for inner in try directories.numbers(directory[tag], most: 16) {
                    guard let found = try directories.directory(at: inner),
                        found.entries.allSatisfy({ file.has($0.byteCount, at: $0.position) })
                    else { return false }
                    work -= found.entries.count + 1
                }
            }
            next = directory.next
        }
        return !seen.isEmpty
    }

    enum Tag {
        static let subfileType = 254, width = 256, height = 257, photometric = 262, subdirectories = 330
        static let xmp = 700, iptc = 33_723, resources = 34_377, profile = 34_675, dngVersion = 50_706
        static let exif = 34_665, gps = 34_853
        static let innerDirectories = [exif, gps, subdirectories]
        /// Offsets and lengths of strips and of tiles.
        static let imageData = [(273, 279), (324, 325)]
    }
}

/// What the first directory of a TIFF says besides the image itself.
struct TIFFStructure {
    var metadata = PhotoMetadata()
    var profile: [UInt8]?
    var warnings: [String] = []

    private typealias Tag = TIFFCodec.Tag

    /// - Parameter isWhole: false while `bytes` is only the beginning of the file.
    /// - Throws: `PhotoError`
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, isWhole: Bool = true) throws {
        if ByteReader(bytes).matches(Array("CR".utf8), at: 8) { throw OtherContent.rawPhoto("Canon CR2") }
        guard let directories = try TIFFDirectories(ByteStream(bytes)),
            let directory = try directories.directory(at: directories.first)
        else {
            guard isWhole else { return }
            throw PhotoError(CIC_TRUNCATED, name: TIFFCodec.name, message: "it ends before its image begins")
        }
        try Self.refuseRaw(directories, directory)
        if let width = try directories.number(directory[Tag.width]),
            let height = try directories.number(directory[Tag.height])
        {
            try limits.check(width: width, height: height)
        }
        guard isWhole else { return }
        try takeMetadata(directories, directory, limits: limits)
        if directory.next != 0 { warnings.append("the TIFF has several pages: only the first was read") }
    }

    /// Raw photos are TIFFs too: their first directory holds a thumbnail, or what the sensor saw.
    private static func refuseRaw(_ directories: TIFFDirectories, _ directory: TIFFDirectories.Directory) throws {
        if directory[Tag.dngVersion] != nil { throw OtherContent.rawPhoto("DNG") }
        let photometric = try directories.number(directory[Tag.photometric])
        // TIFF/EP: a colour filter array, or what was linearised from it.
        if photometric == 32_803 || photometric == 34_892 { throw OtherContent.rawPhoto("of a camera") }
        let isThumbnail = try directories.number(directory[Tag.subfileType]).map { $0 & 1 == 1 } ?? false
        if isThumbnail, directory[Tag.subdirectories] != nil { throw OtherContent.rawPhoto("of a camera") }
    }

    private mutating func takeMetadata(
        _ directories: TIFFDirectories, _ directory: TIFFDirectories.Directory, limits: DecodingLimits
    ) throws {
        let entries = [Tag.xmp, Tag.iptc, Tag.resources, Tag.profile].compactMap { directory[$0] }
        try limits.check(metadataBytes: entries.reduce(0) { $0 + $1.byteCount })
        profile = try directories.bytes(directory[Tag.profile])
        metadata.xmp = try directories.bytes(directory[Tag.xmp])
        let resources = try directories.bytes(directory[Tag.resources]).flatMap(IPTC.records(inResources:))
        // Some writers declare IPTC as long numbers, in the file's byte order: what is no record is not taken.
        let iptc = try directories.bytes(directory[Tag.iptc]).flatMap { $0.first == 0x1C ? $0 : nil }
        metadata.iptc = iptc ?? resources
        metadata.exif = try Exif.extracted(from: directories, directory, limits: limits)
    }
}
