/// The TIFF structure that EXIF data are (CIPA DC-008): read for the orientation, and edited in place, because maker
/// notes hold offsets that a rewritten file would break.
struct Exif {
    var bytes: [UInt8]
    let isLittleEndian: Bool
    let firstDirectory: Int

    enum Tag {
        static let orientation = 0x0112, exifDirectory = 0x8769, gpsDirectory = 0x8825
        static let interoperabilityDirectory = 0xA005, interoperability = 0x0001
        static let relatedWidth = 0x1001, relatedHeight = 0x1002
        static let imageWidth = 0x0100, imageHeight = 0x0101
        static let resolutionX = 0x011A, resolutionY = 0x011B, resolutionUnit = 0x0128
        /// Metadata of other kinds inside EXIF, with places of their own: XMP, IPTC, Photoshop's image resources.
        static let packets = Set(Packet.allCases.map(\.rawValue))
        /// Where in the image as it was stored the subject is.
        static let places: Set = [0x9214, 0xA214]
        static let colourSpace = 0xA001, pixelWidth = 0xA002, pixelHeight = 0xA003
        static let stripOffsets = 0x0111, stripLengths = 0x0117
        static let thumbnailOffset = 0x0201, thumbnailLength = 0x0202
    }

    /// Metadata of other kinds inside EXIF.
    enum Packet: Int, CaseIterable {
        case xmp = 0x02BC, iptc = 0x83BB, resources = 0x8649
    }

    /// What a new file is that EXIF is to describe.
    struct Destination {
        var width: Int
        var height: Int
        /// The orientation that the pixels had.
        var orientation = 1
        var dropsLocation: Bool
    }

    /// What comes before the structure in a JPEG, and by mistake in other files.
    static let prefix = Array("Exif\0\0".utf8)

    static func withoutPrefix(_ bytes: [UInt8]) -> [UInt8] {
        bytes.starts(with: prefix) ? Array(bytes.dropFirst(prefix.count)) : bytes
    }

    /// More entries than any camera writes: whoever declares more wants to cost time.
    static let mostEntries = 1_000

    struct Entry {
        let position: Int
        let tag: Int
        let type: Int
        let count: Int
        /// Where the value is: in the entry itself when it has at most four bytes.
        let value: Range<Int>
    }

    /// nil when the bytes are not a TIFF structure with a readable first directory.
    init?(_ bytes: [UInt8]) {
        let header: (isLittleEndian: Bool, directory: Int)? = bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard let order = reader.uint16(at: 0), order == 0x4949 || order == 0x4D4D else { return nil }
            reader.isLittleEndian = order == 0x4949
            guard reader.uint16(at: 2) == 42, let directory = reader.uint32(at: 4), directory >= 8,
                let count = reader.uint16(at: directory), count <= Self.mostEntries,
                reader.has(2 + 12 * count, at: directory)
            else { return nil }
            return (reader.isLittleEndian, directory)
        }
        guard let header else { return nil }
        self.bytes = bytes
        isLittleEndian = header.isLittleEndian
        firstDirectory = header.directory
    }

    /// 1 to 8, or nil where there is none or one that means nothing.
    var orientation: Int? {
        guard let entry = entries(at: firstDirectory).first(where: { $0.tag == Tag.orientation }) else { return nil }
        return number(entry).flatMap { (1...8).contains($0) ? $0 : nil }
    }

    func packet(_ kind: Packet) -> [UInt8]? {
        entries(at: firstDirectory).first { $0.tag == kind.rawValue && $0.value.count > 4 }.map {
            Array(bytes[$0.value])
        }
    }

    /// nil where there is none, or no unit.
    var resolution: PhotoResolution? {
        let entries = entries(at: firstDirectory)
        func rational(_ tag: Int) -> Double? {
            guard let entry = entries.first(where: { $0.tag == tag && $0.type == 5 && $0.count >= 1 }),
                let numerator = uint32(at: entry.value.lowerBound),
                let denominator = uint32(at: entry.value.lowerBound + 4),
                denominator > 0
            else { return nil }
            return Double(numerator) / Double(denominator)
        }
        // Where it is not said, the unit is the inch.
        let unit = entries.first { $0.tag == Tag.resolutionUnit }.flatMap(number) ?? 2
        guard unit == 2 || unit == 3, let x = rational(Tag.resolutionX), let y = rational(Tag.resolutionY) else {
            return nil
        }
        return PhotoResolution(x: x, y: y, unit: unit == 2 ? .inch : .centimetre)
    }

    /// Whether the colours are Adobe RGB by DCF's rules (JEITA CP-3461B, the optional colour space): the file is to be
    /// read as such where it has no profile.
    var isAdobeRGB: Bool { interoperability.map { text($0).starts(with: Self.adobeRGB) } ?? false }

    static let adobeRGB = Array("R03".utf8), sRGB = Array("R98".utf8)

    var interoperability: Entry? {
        interoperabilityEntries.first { $0.tag == Tag.interoperability && $0.value.count >= 3 }
    }

    var interoperabilityEntries: [Entry] {
        func directory(_ tag: Int, in directory: Int) -> Int? {
            entries(at: directory).first { $0.tag == tag }.flatMap(number)
        }
        return directory(Tag.exifDirectory, in: firstDirectory)
            .flatMap { directory(Tag.interoperabilityDirectory, in: $0) }
            .map(entries(at:)) ?? []
    }

    private func text(_ entry: Entry) -> ArraySlice<UInt8> { bytes[entry.value] }

    func declaredCount(at directory: Int) -> Int { uint16(at: directory) ?? 0 }

    func entries(at directory: Int) -> [Entry] {
        guard directory >= 8 else { return [] }
        // Bytes of each TIFF type, from BYTE (1) to DOUBLE (12) and IFD (13).
        let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4]
        return (0..<declaredCount(at: directory)).compactMap { index in
            let position = directory + 2 + 12 * index
            guard let tag = uint16(at: position), let type = uint16(at: position + 2),
                let count = uint32(at: position + 4), let offset = uint32(at: position + 8),
                type < sizes.count, sizes[type] > 0
            else { return nil }
            let length = count * sizes[type]
            let start = length <= 4 ? position + 8 : offset
            guard start <= bytes.count, length <= bytes.count - start else { return nil }
            return Entry(position: position, tag: tag, type: type, count: count, value: start..<start + length)
        }
    }

    func rawTags(at directory: Int) -> [Int] {
        (0..<declaredCount(at: directory)).compactMap { uint16(at: directory + 2 + 12 * $0) }
    }

    func number(_ entry: Entry) -> Int? { numbers(entry).first }

    /// The values of a BYTE, SHORT, LONG or IFD entry.
    func numbers(_ entry: Entry) -> [Int] {
        switch entry.type {
        case 1: entry.value.map { Int(bytes[$0]) }
        case 3: stride(from: entry.value.lowerBound, to: entry.value.upperBound, by: 2).compactMap(uint16(at:))
        case 4, 13: stride(from: entry.value.lowerBound, to: entry.value.upperBound, by: 4).compactMap(uint32(at:))
        default: []
        }
    }

    mutating func set(_ entry: Entry, to value: Int) {
        guard entry.count >= 1 else { return }
        switch entry.type {
        case 1: store(value, width: 1, at: entry.value.lowerBound)
        case 3: store(value, width: 2, at: entry.value.lowerBound)
        case 4: store(value, width: 4, at: entry.value.lowerBound)
        default: break
        }
    }

    mutating func store(_ value: Int, width: Int, at position: Int) {
        for index in 0..<width {
            let shift = 8 * (isLittleEndian ? index : width - 1 - index)
            bytes[position + index] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }

    func uint16(at position: Int) -> Int? {
        bytes.withUnsafeBytes { ByteReader($0, isLittleEndian: isLittleEndian).uint16(at: position) }
    }

    func uint32(at position: Int) -> Int? {
        bytes.withUnsafeBytes { ByteReader($0, isLittleEndian: isLittleEndian).uint32(at: position) }
    }
}
