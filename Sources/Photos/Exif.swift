/// The TIFF structure that EXIF data are (CIPA DC-008): read for the orientation, and edited in place, because maker
/// notes hold offsets that a rewritten file would break.
struct Exif {
    private(set) var bytes: [UInt8]
    private let isLittleEndian: Bool
    private let firstDirectory: Int

    enum Tag {
        static let orientation = 0x0112, exifDirectory = 0x8769, gpsDirectory = 0x8825
        static let interoperabilityDirectory = 0xA005, interoperability = 0x0001
        /// Metadata of other kinds inside EXIF, with places of their own: XMP, IPTC, Photoshop's image resources.
        static let packets: Set = [0x02BC, 0x83BB, 0x8649]
        static let colourSpace = 0xA001, pixelWidth = 0xA002, pixelHeight = 0xA003
        static let stripOffsets = 0x0111, stripLengths = 0x0117
        static let thumbnailOffset = 0x0201, thumbnailLength = 0x0202
    }

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

    /// Whether the colours are Adobe RGB by DCF's rules (JEITA CP-3461B, the optional colour space): the file is to be read as
    /// such where it has no profile.
    var isAdobeRGB: Bool { interoperability.map { text($0).starts(with: Self.adobeRGB) } ?? false }

    private static let adobeRGB = Array("R03".utf8), sRGB = Array("R98".utf8)

    private var interoperability: Entry? {
        func directory(_ tag: Int, in directory: Int) -> Int? {
            entries(at: directory).first { $0.tag == tag }.flatMap(number)
        }
        return directory(Tag.exifDirectory, in: firstDirectory)
            .flatMap { directory(Tag.interoperabilityDirectory, in: $0) }
            .flatMap { entries(at: $0).first { $0.tag == Tag.interoperability && $0.value.count >= 3 } }
    }

    private func text(_ entry: Entry) -> ArraySlice<UInt8> { bytes[entry.value] }

    /// The same data for a photo that is upright, in sRGB and `width` x `height`, without its thumbnail, and without
    /// the place where it was taken if `dropsLocation`. nil when the structure is too odd to be cleaned safely.
    func cleaned(width: Int, height: Int, dropsLocation: Bool) -> [UInt8]? {
        var copy = self
        return copy.clean(width: width, height: height, dropsLocation: dropsLocation) ? copy.bytes : nil
    }

    /// More entries than any camera writes: whoever declares more wants to cost time.
    private static let mostEntries = 1_000

    private mutating func clean(width: Int, height: Int, dropsLocation: Bool) -> Bool {
        let entries = entries(at: firstDirectory)
        let linkPosition = firstDirectory + 2 + 12 * declaredCount(at: firstDirectory)
        let tags = Set(entries.map(\.tag))
        guard linkPosition + 4 <= bytes.count, tags.count == entries.count else { return false }
        let dropped = dropsLocation ? Tag.packets.union([Tag.gpsDirectory]) : []
        // An entry that cannot be read cannot be cleared.
        let unreadable = rawTags(at: firstDirectory).filter { !tags.contains($0) }
        guard dropped.isDisjoint(with: unreadable) else { return false }
        var cleared: [Range<Int>] = []
        var kept = [0..<8, firstDirectory..<linkPosition + 4]
        for entry in entries {
            switch entry.tag {
            case Tag.orientation: set(entry, to: 1)
            case Tag.exifDirectory:
                guard let directory = number(entry) else { return false }
                kept.append(directory..<directory + 2 + 12 * declaredCount(at: directory))
                correct(directory, width: width, height: height)
            case Tag.gpsDirectory where dropsLocation:
                guard let directory = number(entry), let extent = extent(ofDirectory: directory) else { return false }
                cleared += extent
            case let tag where dropsLocation && Tag.packets.contains(tag):
                if entry.value.count > 4 { cleared.append(entry.value) }
            default: break
            }
        }
        // The second directory, and any after it, describe thumbnails.
        var next = uint32(at: linkPosition) ?? 0
        for _ in 0..<8 where next != 0 {
            guard let extent = extent(ofDirectory: next) else { return false }
            cleared += extent
            next = uint32(at: next + 2 + 12 * declaredCount(at: next)) ?? 0
        }
        cleared = merged(cleared.map { $0.clamped(to: 0..<bytes.count) })
        guard !cleared.contains(where: { range in kept.contains { $0.overlaps(range) } }) else { return false }
        for range in cleared { bytes.replaceSubrange(range, with: repeatElement(0, count: range.count)) }
        store(0, width: 4, at: linkPosition)
        // From the last one on, so that the positions of those before stay.
        for entry in entries.reversed() where dropped.contains(entry.tag) {
            bytes.replaceSubrange(
                entry.position..<linkPosition + 4,
                with: bytes[entry.position + 12..<linkPosition + 4] + [UInt8](repeating: 0, count: 12))
            store(declaredCount(at: firstDirectory) - 1, width: 2, at: firstDirectory)
        }
        // What was cleared at the very end need not be carried along.
        if let last = cleared.last, last.upperBound == bytes.count { bytes.removeLast(last.count) }
        return true
    }

    /// Makes the EXIF directory describe the photo as it is now.
    private mutating func correct(_ directory: Int, width: Int, height: Int) {
        if isAdobeRGB, let start = interoperability?.value.lowerBound {
            bytes.replaceSubrange(start..<start + Self.sRGB.count, with: Self.sRGB)
        }
        for entry in entries(at: directory) {
            switch entry.tag {
            case Tag.colourSpace: set(entry, to: 1)
            case Tag.pixelWidth: set(entry, to: width)
            case Tag.pixelHeight: set(entry, to: height)
            default: break
            }
        }
    }

    /// Every stretch of bytes that a directory and its values, thumbnail included, take up; nil when it is too odd.
    private func extent(ofDirectory directory: Int) -> [Range<Int>]? {
        guard directory >= 8, directory < bytes.count else { return [] }
        guard declaredCount(at: directory) <= Self.mostEntries else { return nil }
        var ranges = [directory..<directory + 6 + 12 * declaredCount(at: directory)]
        let entries = entries(at: directory)
        ranges += entries.map(\.value).filter { $0.count > 4 }
        for (offsets, lengths) in [(Tag.thumbnailOffset, Tag.thumbnailLength), (Tag.stripOffsets, Tag.stripLengths)] {
            guard let offsets = entries.first(where: { $0.tag == offsets }),
                let lengths = entries.first(where: { $0.tag == lengths })
            else { continue }
            guard offsets.count <= Self.mostEntries, lengths.count <= Self.mostEntries else { return nil }
            for (offset, length) in zip(numbers(offsets), numbers(lengths)) where offset >= 8 {
                ranges.append(offset..<offset + length)
            }
        }
        return ranges
    }

    /// The same bytes in as few ranges as possible, in order.
    private func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = result.last, last.upperBound >= range.lowerBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    private func declaredCount(at directory: Int) -> Int { uint16(at: directory) ?? 0 }

    private func entries(at directory: Int) -> [Entry] {
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

    private func rawTags(at directory: Int) -> [Int] {
        (0..<declaredCount(at: directory)).compactMap { uint16(at: directory + 2 + 12 * $0) }
    }

    private func number(_ entry: Entry) -> Int? { numbers(entry).first }

    /// The values of a BYTE, SHORT, LONG or IFD entry.
    private func numbers(_ entry: Entry) -> [Int] {
        switch entry.type {
        case 1: entry.value.map { Int(bytes[$0]) }
        case 3: stride(from: entry.value.lowerBound, to: entry.value.upperBound, by: 2).compactMap(uint16(at:))
        case 4, 13: stride(from: entry.value.lowerBound, to: entry.value.upperBound, by: 4).compactMap(uint32(at:))
        default: []
        }
    }

    private mutating func set(_ entry: Entry, to value: Int) {
        guard entry.count >= 1 else { return }
        switch entry.type {
        case 1: store(value, width: 1, at: entry.value.lowerBound)
        case 3: store(value, width: 2, at: entry.value.lowerBound)
        case 4: store(value, width: 4, at: entry.value.lowerBound)
        default: break
        }
    }

    private mutating func store(_ value: Int, width: Int, at position: Int) {
        for index in 0..<width {
            let shift = 8 * (isLittleEndian ? index : width - 1 - index)
            bytes[position + index] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }

    private func uint16(at position: Int) -> Int? {
        bytes.withUnsafeBytes { ByteReader($0, isLittleEndian: isLittleEndian).uint16(at: position) }
    }

    private func uint32(at position: Int) -> Int? {
        bytes.withUnsafeBytes { ByteReader($0, isLittleEndian: isLittleEndian).uint32(at: position) }
    }
}
