/// The items of a HEIC or AVIF, as far as they tell what decoding costs.
///
/// A picture says how large it is ('ispe'), but its coded data say so too, and a decoder believes those; and a grid may
/// have the same large tile a thousand times. libheif (1.15) checks neither.
struct HEIFItems {
    private let boxes: HEIFBoxes
    private var sizes: [CodedSize] = []
    /// Of coded pictures, by item.
    private var coded: [Int: CodedSize] = [:]
    /// Of pictures that are put together from others, by item.
    private var parts: [Int: [Int]] = [:]

    /// Configurations that items have besides their first; together with the items there are never more than these.
    private var repeats = 0
    private static let mostCoded = 20_000
    /// Bytes of items in several pieces.
    private var copied = 0
    private static let mostCopied = 64 << 20

    /// What cannot be understood is left to the library.
    init(_ boxes: HEIFBoxes) throws {
        self.boxes = boxes
        let meta = try boxes.meta()
        guard let properties = try meta.first(where: { $0.type == "iprp" }).map({ try boxes.boxes(in: $0.payload) }),
            let container = properties.first(where: { $0.type == "ipco" })
        else { return }
        let known = try boxes.boxes(in: container.payload)
        for box in known where box.type == "ispe" {
            var cursor = HEIFCursor(boxes.file, box, headerBytes: 4)
            if let width = try cursor.take(4), let height = try cursor.take(4) {
                sizes.append(CodedSize(width, height))
            }
        }
        try takeReferences(meta)
        let locations = try HEIFLocations(boxes, in: meta)
        for box in properties where box.type == "ipma" {
            try takeAssociations(box) { item, index in
                guard known.indices.contains(index) else { return }
                try take(known[index], of: item, locations?.extents[item] ?? [])
            }
        }
    }

    /// Refuses pictures that are larger than `limits` allow, by what they announce and by what is coded, and those that
    /// are put together from more.
    func check(_ limits: DecodingLimits) throws {
        for size in sizes + coded.values { try limits.check(width: size.width, height: size.height) }
        var known: [Int: Double] = [:]
        for item in parts.keys {
            // Tiles reach over the picture's edges, but not further than it is large.
            if cost(of: item, depth: 0, &known) > 2 * Double(limits.maxPixels) { throw limits.exceededByParts() }
        }
    }

    /// Pixels that are decoded for an item.
    private func cost(of item: Int, depth: Int, _ known: inout [Int: Double]) -> Double {
        if let pixels = known[item] { return pixels }
        // Nobody nests pictures so deep, unless they go round in circles.
        if depth > 8 { return .infinity }
        let own = coded[item].map { Double($0.width) * Double($0.height) } ?? 0
        let pixels = (parts[item] ?? []).reduce(own) { $0 + cost(of: $1, depth: depth + 1, &known) }
        known[item] = pixels
        return pixels
    }

    private mutating func take(_ property: HEIFBoxes.Box, of item: Int, _ extents: [Range<Int>]) throws {
        let isHEVC = property.type == "hvcC"
        guard isHEVC || property.type == "av1C", coded.count + repeats < Self.mostCoded else { return }
        if coded[item] != nil { repeats += 1 }
        let configuration = try boxes.file.copy(property.payload.count, at: property.payload.lowerBound) ?? []
        let configured = isHEVC ? CodedSize.hevc(configuration) : CodedSize.av1(configuration)
        let lengthSize = Int(configuration.count > 21 ? configuration[21] & 3 : 3) + 1
        let inData = try withData(extents) { data, range in
            isHEVC ? try CodedSize.hevc(data, range, lengthSize: lengthSize) : try CodedSize.av1(data, range)
        }
        for found in [configured, inData].compactMap({ $0 }) { coded[item] = coded[item]?.union(found) ?? found }
    }

    /// An item in several pieces is put together first, as long as that costs little: no encoder makes such.
    private mutating func withData<Result>(
        _ extents: [Range<Int>], _ body: (ByteStream, Range<Int>) throws -> Result?
    ) throws -> Result? {
        guard extents.count > 1 else { return try extents.first.flatMap { try body(boxes.file, $0) } }
        let length = extents.reduce(0) { $0 + $1.count }
        copied += length
        guard copied <= Self.mostCopied else {
            throw PhotoError(kind: .unsupported, reason: "the file's pictures are scattered over too many pieces")
        }
        let whole = try extents.flatMap { try boxes.file.copy($0.count, at: $0.lowerBound) ?? [] }
        return try whole.withUnsafeBytes { try body(ByteStream($0), 0..<whole.count) }
    }

    /// ISO/IEC 23008-12, 9.3: item and the place of each of its properties in the container.
    private func takeAssociations(_ box: HEIFBoxes.Box, _ body: (Int, Int) throws -> Void) throws {
        var cursor = HEIFCursor(boxes.file, box)
        guard let head = try cursor.take(4), let count = try cursor.take(4) else { return }
        // More items than any file has.
        for _ in 0..<min(count, 1 << 16) {
            guard let item = try cursor.take(head >> 24 < 1 ? 2 : 4), let associations = try cursor.take(1) else {
                return
            }
            for _ in 0..<associations {
                let isWide = head & 1 == 1
                guard let association = try cursor.take(isWide ? 2 : 1) else { return }
                // The highest bit says whether the property is essential; 0 is none.
                try body(item, (association & (isWide ? 0x7FFF : 0x7F)) - 1)
            }
        }
    }

    /// ISO/IEC 14496-12, 8.11.12: what a grid or an overlay is made of ('dimg').
    private mutating func takeReferences(_ meta: [HEIFBoxes.Box]) throws {
        guard let box = meta.first(where: { $0.type == "iref" }),
            let version = try boxes.file.byte(at: box.payload.lowerBound)
        else { return }
        let width = version == 0 ? 2 : 4
        for reference in try boxes.children(of: box) where reference.type == "dimg" {
            var cursor = HEIFCursor(boxes.file, reference)
            guard let from = try cursor.take(width), let count = try cursor.take(2) else { return }
            for _ in 0..<count {
                guard let to = try cursor.take(width) else { return }
                parts[from, default: []].append(to)
            }
        }
    }
}
