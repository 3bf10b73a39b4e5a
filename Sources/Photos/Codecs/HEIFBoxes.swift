/// The boxes of a HEIC or AVIF (ISO/IEC 14496-12 and 23008-12).
struct HEIFBoxes {
    struct Box {
        let type: String
        /// What follows the header; it may reach past the end of the file.
        let payload: Range<Int>
    }

    let file: ByteStream
    /// More boxes than any picture has.
    private static let mostBoxes = 10_000
    /// Beyond any file, and far enough from the greatest number that sums stay below it.
    static let largest = 1 << 60

    init(_ file: ByteStream) { self.file = file }

    /// Whether every byte that an item needs is there. Without a table of items, whether every box is.
    func areWhole() throws -> Bool {
        let boxes = try boxes(in: 0..<Int.max)
        guard let meta = boxes.first(where: { $0.type == "meta" }),
            file.has(meta.payload.count, at: meta.payload.lowerBound)
        else { return false }
        guard let locations = try HEIFLocations(self, in: children(of: meta)) else {
            return boxes.allSatisfy { file.has($0.payload.count, at: $0.payload.lowerBound) }
        }
        return locations.end <= file.count
    }

    /// The boxes of the file's own table of contents; empty where there is none.
    func meta() throws -> [Box] {
        try boxes(in: 0..<Int.max).first { $0.type == "meta" }.map(children(of:)) ?? []
    }

    /// The boxes in a full box: version and flags come first.
    func children(of box: Box) throws -> [Box] {
        try boxes(in: min(box.payload.lowerBound + 4, box.payload.upperBound)..<box.payload.upperBound)
    }

    func boxes(in range: Range<Int>) throws -> [Box] {
        var boxes: [Box] = []
        var position = range.lowerBound
        let end = min(range.upperBound, file.count)
        while position < end, boxes.count < Self.mostBoxes, var size = try file.uint32(at: position),
            let name = try file.copy(4, at: position + 4)
        {
            var header = 8
            if size == 1 {
                guard let large = try file.number(at: position + 8, bytes: 8) else { break }
                (size, header) = (large, 16)
            } else if size == 0 {
                size = end - position
            }
            guard size >= header, size <= Self.largest else { break }
            boxes.append(Box(type: String(decoding: name, as: UTF8.self), payload: position + header..<position + size))
            position += size
        }
        return boxes
    }
}

/// Reads numbers one after the other, none of them behind a box's end.
struct HEIFCursor {
    let file: ByteStream
    private(set) var position: Int
    private let end: Int

    /// - Parameter headerBytes: version and flags, which are passed over.
    init(_ file: ByteStream, _ box: HEIFBoxes.Box, headerBytes: Int = 0) {
        (self.file, position, end) = (file, box.payload.lowerBound + headerBytes, box.payload.upperBound)
    }

    /// nil at the end; a number of no bytes is 0.
    mutating func take(_ bytes: Int) throws -> Int? {
        guard bytes > 0 else { return 0 }
        guard position + bytes <= end, let number = try file.number(at: position, bytes: bytes) else { return nil }
        position += bytes
        return number
    }

    mutating func skip(_ bytes: Int) { position = min(position + bytes, end) }
}

/// Where items lie ('iloc': ISO/IEC 14496-12, 8.11.3).
struct HEIFLocations {
    /// By item: stretches of the file, or of the table's own data ('idat'), which are made places in the file.
    private(set) var extents: [Int: [Range<Int>]] = [:]
    /// Behind the last byte that any item needs.
    private(set) var end = 0
    /// More stretches than any file has; they may take no bytes in the table.
    private static let mostExtents = 1 << 16

    /// nil where there is no table, or it makes no sense.
    init?(_ boxes: HEIFBoxes, in meta: [HEIFBoxes.Box]) throws {
        guard let box = meta.first(where: { $0.type == "iloc" }) else { return nil }
        let inside = meta.first { $0.type == "idat" }?.payload.lowerBound
        var cursor = HEIFCursor(boxes.file, box)
        guard let version = try cursor.take(1), version <= 2, try cursor.take(3) != nil, let sizes = try cursor.take(2)
        else { return nil }
        let widths = [sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, version == 0 ? 0 : sizes & 15]
        guard widths.allSatisfy({ [0, 4, 8].contains($0) }), let count = try cursor.take(version == 2 ? 4 : 2)
        else { return nil }
        var left = Self.mostExtents
        for _ in 0..<count {
            guard let id = try cursor.take(version == 2 ? 4 : 2), let method = version == 0 ? 0 : try cursor.take(2),
                try cursor.take(2) != nil, let base = try cursor.take(widths[2]), let extentCount = try cursor.take(2),
                extentCount <= left
            else { return nil }
            left -= extentCount
            for _ in 0..<extentCount {
                guard try cursor.take(widths[3]) != nil, let offset = try cursor.take(widths[0]),
                    let length = try cursor.take(widths[1]), max(base, offset, length) <= HEIFBoxes.largest
                else { return nil }
                // 0 counts from the file's beginning, 1 from the table's own data.
                guard let start = method & 15 == 0 ? 0 : method & 15 == 1 ? inside : nil else { continue }
                let place = start + base + offset
                extents[id, default: []].append(place..<place + length)
                end = max(end, place + length)
            }
        }
    }
}
