/// The directories of a TIFF (TIFF 6.0, section 2) or BigTIFF, read where they lie.
struct TIFFDirectories {
    struct Entry {
        let tag: Int
        let type: Int
        let count: Int
        /// Where the value is, which may reach past the end of the file.
        let position: Int
        var byteCount: Int { count * TIFFDirectories.sizes[type] }
    }

    struct Directory {
        let entries: [Entry]
        /// Where the next one is; 0 behind the last.
        let next: Int

        subscript(tag: Int) -> Entry? { entries.first { $0.tag == tag } }
    }

    /// Bytes of each type, from BYTE (1) to IFD8 (18); 0 where there is none.
    private static let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]
    /// More entries than any program writes.
    private static let mostEntries = 4_096
    /// Beyond any file, and far enough from the greatest number that sums stay below it.
    private static let largest = 1 << 56

    let file: ByteStream
    let isBig: Bool
    let first: Int

    /// nil where this is no TIFF, or its header is not there.
    init?(_ file: ByteStream) throws {
        self.file = file
        guard let order = try file.uint16(at: 0) else { return nil }
        file.isLittleEndian = order == 0x4949
        guard let version = try file.uint16(at: 2) else { return nil }
        isBig = version == 43
        guard let first = isBig ? try file.number(at: 8, bytes: 8) : try file.uint32(at: 4) else { return nil }
        self.first = first
    }

    var isLittleEndian: Bool { file.isLittleEndian }

    /// nil where it is not whole or makes no sense.
    func directory(at position: Int) throws -> Directory? {
        let (countSize, entrySize, fieldSize) = isBig ? (8, 20, 8) : (2, 12, 4)
        guard position >= 8, position <= Self.largest, let count = try file.number(at: position, bytes: countSize),
            count <= Self.mostEntries, file.has(entrySize * count + fieldSize, at: position + countSize)
        else { return nil }
        let entries = try (0..<count).compactMap { index -> Entry? in
            let start = position + countSize + entrySize * index
            guard let tag = try file.uint16(at: start), let type = try file.uint16(at: start + 2),
                type < Self.sizes.count,
                Self.sizes[type] > 0, let values = try file.number(at: start + 4, bytes: fieldSize),
                values <= Self.largest / 8
            else { return nil }
            let field = start + 4 + fieldSize
            let isInside = values * Self.sizes[type] <= fieldSize
            guard let offset = isInside ? field : try file.number(at: field, bytes: fieldSize), offset <= Self.largest
            else { return nil }
            return Entry(tag: tag, type: type, count: values, position: offset)
        }
        let next = try file.number(at: position + countSize + entrySize * count, bytes: fieldSize)
        return Directory(entries: entries, next: next ?? 0)
    }

    /// The whole numbers of an entry, `most` of them; empty where it has none or is not whole.
    func numbers(_ entry: Entry?, most: Int) throws -> [Int] {
        guard let entry, [1, 3, 4, 13, 16, 18].contains(entry.type), file.has(entry.byteCount, at: entry.position)
        else { return [] }
        let size = Self.sizes[entry.type]
        return try (0..<min(entry.count, most)).compactMap {
            try file.number(at: entry.position + size * $0, bytes: size)
        }
    }

    func number(_ entry: Entry?) throws -> Int? { try numbers(entry, most: 1).first }

    /// The bytes of an entry, in the file's order; nil where they are not all there.
    func bytes(_ entry: Entry?) throws -> [UInt8]? {
        guard let entry else { return nil }
        return try file.copy(entry.byteCount, at: entry.position)
    }
}
