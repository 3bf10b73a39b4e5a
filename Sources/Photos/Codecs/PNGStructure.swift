import CImageCodecs

/// What the chunks of a PNG say besides the image itself (PNG, third edition).
///
/// libpng is told to skip these chunks: what is unpacked, and how much of it, is decided here.
struct PNGStructure {
    var width = 0
    var height = 0
    var bitDepth = 0
    var isAnimated = false
    private var isTaggedSRGB = false
    /// The gAMA chunk's value, such as 0.45455.
    private var gamma: Double?
    private var chromaticities: Chromaticities?
    private var profile: [UInt8]?
    /// What cICP says, which outranks everything else.
    private var coding: Chromaticities?
    var metadata = PhotoMetadata()
    var warnings: [String] = []

    private var heldBytes = 0
    private var chunkCount = 0

    /// - Parameter isWhole: false while `bytes` is only the beginning of the file.
    /// - Throws: `PhotoError`
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, isWhole: Bool = true) throws {
        let reader = ByteReader(bytes)
        var chunks = PNGChunks(ByteStream(bytes))
        while let chunk = try chunks.next() {
            let isComplete = reader.has(chunk.length + 4, at: chunk.position)
            if width == 0 {
                guard chunk.name != Self.appleHeader else {
                    throw PhotoError(
                        kind: .unsupported,
                        reason: "this kind of PNG is not supported: it is Apple's own for its telephones (CgBI)")
                }
                guard chunk.name == PNGChunks.header, chunk.length == 13 else {
                    throw PhotoError(kind: .corrupt, reason: "the PNG is damaged: it does not begin with its header")
                }
                guard isComplete else { break }
                try takeHeader(reader, at: chunk.position, limits: limits)
            } else if !Self.imageChunks.contains(chunk.name) {
                chunkCount += 1
                try limits.check(chunks: chunkCount)
                if isComplete, let kind = Kind(rawValue: chunk.name) {
                    try take(reader, kind, length: chunk.length, at: chunk.position, limits: limits)
                }
            }
            guard isComplete, chunk.name != PNGChunks.end else { break }
        }
        if width == 0, isWhole {
            throw PhotoError(kind: .truncated, reason: "the PNG is cut off: it ends before its image begins")
        }
        if isAnimated { warnings.append("the PNG is animated: only its first picture was read") }
    }

    /// How colours are to be converted; nil where they are sRGB's. PNG, 4.3: cICP outranks a profile, which outranks
    /// sRGB, which outranks cHRM and gAMA.
    var colourDescription: ColourDescription? {
        if let coding { return coding.isSRGB ? nil : .chromaticities(coding) }
        if let profile { return .profile(profile) }
        guard !isTaggedSRGB, let chromaticities, !chromaticities.isSRGB else { return nil }
        return .chromaticities(chromaticities)
    }

    /// The gAMA value to correct for, if any: the samples then have sRGB's curve, or nearly.
    var effectiveGamma: Double? { coding == nil && profile == nil && !isTaggedSRGB ? gamma : nil }

    private mutating func takeHeader(_ reader: ByteReader, at position: Int, limits: DecodingLimits) throws {
        guard let width = reader.uint32(at: position), let height = reader.uint32(at: position + 4),
            let depth = reader.byte(at: position + 8), width > 0, height > 0
        else { throw PhotoError(kind: .corrupt, reason: "the PNG is damaged: it has no pixels") }
        try limits.check(width: width, height: height)
        self.width = width
        self.height = height
        bitDepth = Int(depth)
    }

    private mutating func take(
        _ reader: ByteReader, _ kind: Kind, length: Int, at position: Int, limits: DecodingLimits
    ) throws {
        heldBytes += length
        try limits.check(metadataBytes: heldBytes)
        guard let data = reader.slice(length, at: position), let named = reader.slice(length + 4, at: position - 4),
            let checksum = reader.uint32(at: position + length)
        else { return }
        guard cic_crc32(named.baseAddress, named.count) == UInt32(checksum) else {
            warn("the PNG's \(kind.name) chunk is damaged and was ignored")
            return
        }
        switch kind {
        case .animation: isAnimated = true
        case .sRGB: isTaggedSRGB = true
        case .density: metadata.resolution = PhotoResolution(pHYs: ByteReader(data))
        case .gamma:
            gamma = ByteReader(data).uint32(at: 0).map { Double($0) / 100_000 }.flatMap {
                Self.gammas.contains($0) ? $0 : nil
            }
            if gamma == nil { warn("the PNG's gAMA chunk makes no sense and was ignored") }
        case .chromaticities: chromaticities = Chromaticities(cHRM: data)
        case .coding:
            coding = Chromaticities(cICP: data)
            if coding == nil { warn("the PNG's colours are coded for other screens (cICP) and were not converted") }
        case .profile: try takeProfile(data, limits: limits)
        case .exif: takeExif(Array(data))
        case .text, .compressedText, .internationalText: try takeText(kind, data, limits: limits)
        }
    }

    /// Once, however many chunks are alike.
    private mutating func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }

    /// Chunk names are compared as the big-endian numbers that they are in the file.
    private enum Kind: Int {
        case animation = 0x6163_544C  // acTL
        case sRGB = 0x7352_4742  // sRGB
        case density = 0x7048_5973  // pHYs
        case gamma = 0x6741_4D41  // gAMA
        case chromaticities = 0x6348_524D  // cHRM
        case coding = 0x6349_4350  // cICP
        case profile = 0x6943_4350  // iCCP
        case exif = 0x6558_4966  // eXIf
        case text = 0x7445_5874  // tEXt
        case compressedText = 0x7A54_5874  // zTXt
        case internationalText = 0x6954_5874  // iTXt

        /// The four letters.
        var name: String {
            String(decoding: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rawValue >> $0) }, as: UTF8.self)
        }
    }

    /// From far darker to far brighter than any screen or camera.
    private static let gammas = 0.05...5.0

    private static let appleHeader = 0x4367_4249
    /// IDAT, fdAT, fcTL, PLTE, tRNS, IEND
    private static let imageChunks: Set<Int> = [
        0x4944_4154, 0x6664_4154, 0x6663_544C, 0x504C_5445, 0x7452_4E53, PNGChunks.end,
    ]

    private mutating func takeExif(_ data: [UInt8]) {
        // Some writers keep JPEG's prefix.
        metadata.exif = Exif.withoutPrefix(data)
    }

    private mutating func takeProfile(_ data: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        guard let end = data.firstIndex(of: 0), end + 2 <= data.count,
            let unpacked = try inflate(UnsafeRawBufferPointer(rebasing: data[(end + 2)...]), limits: limits)
        else { return warn("the colour profile is damaged and was ignored") }
        profile = unpacked
    }

    private mutating func inflate(_ packed: UnsafeRawBufferPointer, limits: DecodingLimits) throws -> [UInt8]? {
        let capacity = min(max(limits.maxChunkBytes - heldBytes, 0), 1 << 30) + 1
        try Memory.require(capacity, for: "the metadata of a PNG")
        var status = 0
        let unpacked = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
            let source = packed.bindMemory(to: UInt8.self)
            status = cic_inflate(source.baseAddress, source.count, target.baseAddress, capacity)
            count = max(status, 0)
        }
        if status == -1 { return nil }
        heldBytes += status == -2 ? capacity : status
        try limits.check(metadataBytes: heldBytes)
        // The array above has room for far more than most texts need.
        return unpacked.withUnsafeBufferPointer { Array($0) }
    }

    private mutating func takeText(_ kind: Kind, _ data: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        guard let end = data.firstIndex(of: 0), (1...79).contains(end) else { return }
        let keyword = Array(data[..<end])
        var rest = UnsafeRawBufferPointer(rebasing: data[(end + 1)...])
        var text: [UInt8]?
        switch kind {
        case .compressedText:
            guard rest.first == 0 else { return }
            text = try inflate(UnsafeRawBufferPointer(rebasing: rest.dropFirst()), limits: limits)
            if !Self.isProfile(keyword) { text = text.map(Self.utf8) }
        case .internationalText:
            guard rest.count >= 2 else { return }
            let isCompressed = rest[0] == 1
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(2))
            // The language, then the keyword in that language.
            for _ in 0..<2 {
                guard let end = rest.firstIndex(of: 0) else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            }
            text = isCompressed ? try inflate(rest, limits: limits) : Array(rest)
        default:
            text = Self.isProfile(keyword) ? Array(rest) : Self.utf8(Array(rest))
        }
        guard let text else { return warn("a text in the PNG is damaged and was ignored") }
        keep(text, under: keyword)
    }

    private mutating func keep(_ text: [UInt8], under keyword: [UInt8]) {
        switch String(decoding: keyword, as: UTF8.self) {
        case "XML:com.adobe.xmp":
            metadata.xmp = text
        case "Raw profile type exif", "Raw profile type APP1":
            if metadata.exif == nil, let exif = Self.rawProfile(text), exif.starts(with: Exif.prefix) {
                takeExif(exif)
            }
        case "Raw profile type xmp":
            if metadata.xmp == nil { metadata.xmp = Self.rawProfile(text) }
        case let name where name.hasPrefix("Raw profile type"):
            break
        default:
            metadata.texts.append(PhotoText(keyword: keyword, text: text))
        }
    }

    private static func isProfile(_ keyword: [UInt8]) -> Bool {
        keyword.starts(with: Array("Raw profile type".utf8))
    }

    /// tEXt and zTXt are Latin-1.
    private static func utf8(_ latin1: [UInt8]) -> [UInt8] {
        var text = [UInt8]()
        text.reserveCapacity(latin1.count)
        for byte in latin1 {
            if byte < 0x80 {
                text.append(byte)
            } else {
                text.append(0xC0 | byte >> 6)
                text.append(0x80 | byte & 0x3F)
            }
        }
        return text
    }

    /// ImageMagick's text form of binary data: a line break, the name, the length, then hexadecimal digits in lines.
    private static func rawProfile(_ text: [UInt8]) -> [UInt8]? {
        let lines = text.split(separator: UInt8(ascii: "\n"))
        guard lines.count >= 3, let length = Int(String(decoding: lines[1], as: UTF8.self).filter { $0 != " " })
        else { return nil }
        var data = [UInt8]()
        var high: UInt8?
        for character in lines[2...].joined() {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { continue }
            if let first = high {
                data.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        return data.count >= length && length >= 0 ? Array(data.prefix(length)) : nil
    }
}
