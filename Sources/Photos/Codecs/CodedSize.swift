/// How large a picture is that HEVC or AV1 data decode to.
struct CodedSize: Equatable {
    var width: Int
    var height: Int

    init(_ width: Int, _ height: Int) { (self.width, self.height) = (width, height) }

    func union(_ other: CodedSize) -> CodedSize { CodedSize(max(width, other.width), max(height, other.height)) }

    /// Units of coded data that are looked at: a picture has a few.
    private static let mostUnits = 4_096
    /// Bytes of a unit that its size is to be found in.
    private static let mostBytes = 256

    private static func largest(_ sizes: [CodedSize]) -> CodedSize? {
        sizes.dropFirst().reduce(sizes.first) { $0?.union($1) }
    }

    /// Counts a unit; there must not be more than are looked at.
    private static func count(_ units: inout Int) throws {
        units += 1
        guard units > mostUnits else { return }
        throw PhotoError(kind: .unsupported, reason: "the picture's data are in more than \(mostUnits) units")
    }

    // MARK: HEVC (ITU-T H.265)

    /// The largest of the sequence parameter sets in a decoder configuration (ISO/IEC 14496-15, 8.3.3).
    static func hevc(_ configuration: [UInt8]) -> CodedSize? {
        var sizes: [CodedSize] = []
        configuration.withUnsafeBytes { raw in
            let reader = ByteReader(raw)
            var position = 23
            for _ in 0..<Int(reader.byte(at: 22) ?? 0) {
                guard let count = reader.uint16(at: position + 1) else { return }
                position += 3
                for _ in 0..<count {
                    guard let length = reader.uint16(at: position), let unit = reader.copy(length, at: position + 2)
                    else { return }
                    if let size = sequenceParameterSet(unit) { sizes.append(size) }
                    position += 2 + length
                }
            }
        }
        return largest(sizes)
    }

    /// The largest of those in a picture's data, where each unit has its length before it. There should be none.
    static func hevc(_ file: ByteStream, _ range: Range<Int>, lengthSize: Int) throws -> CodedSize? {
        var sizes: [CodedSize] = []
        var position = range.lowerBound
        var units = 0
        while position < range.upperBound {
            try count(&units)
            guard let length = try file.number(at: position, bytes: lengthSize) else { break }
            position += lengthSize
            let unit = try file.copy(min(length, mostBytes, max(file.count - position, 0)), at: position) ?? []
            if let size = sequenceParameterSet(unit) { sizes.append(size) }
            position += length
        }
        return largest(sizes)
    }

    /// 7.3.2.2: the size stands behind the profile, tier and level. nil for units of other kinds.
    private static func sequenceParameterSet(_ unit: [UInt8]) -> CodedSize? {
        // Bits 1 to 6 of the header tell the kind: 33 is a sequence parameter set.
        guard let first = unit.first, first >> 1 & 0x3F == 33 else { return nil }
        var bits = BitReader(withoutEmulationPrevention(unit.dropFirst(2)))
        bits.skip(4)
        guard let subLayers = bits.number(3) else { return nil }
        // The temporal flag, then the general profile, tier and level.
        bits.skip(1 + 96)
        var flags: [(profile: Int, level: Int)] = []
        for _ in 0..<subLayers {
            guard let profile = bits.number(1), let level = bits.number(1) else { return nil }
            flags.append((profile, level))
        }
        if subLayers > 0 { bits.skip(2 * (8 - subLayers)) }
        for flag in flags { bits.skip(88 * flag.profile + 8 * flag.level) }
        guard bits.exponentialGolomb() != nil, let chroma = bits.exponentialGolomb() else { return nil }
        if chroma == 3 { bits.skip(1) }
        guard let width = bits.exponentialGolomb(), let height = bits.exponentialGolomb() else { return nil }
        return CodedSize(width, height)
    }

    /// 7.4.2: a 3 behind two zeros is there for transport only.
    private static func withoutEmulationPrevention(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        var zeros = 0
        for byte in bytes.prefix(mostBytes) {
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            plain.append(byte)
        }
        return plain
    }

    // MARK: AV1 (AV1 bitstream specification)

    /// The largest of the sequence headers in a decoder configuration, behind four bytes.
    static func av1(_ configuration: [UInt8]) -> CodedSize? {
        configuration.withUnsafeBytes { try? av1(ByteStream($0), min(4, $0.count)..<$0.count) }
    }

    /// The largest of those in a picture's data. 5.3: every unit has a header, perhaps an extension, and its length.
    static func av1(_ file: ByteStream, _ range: Range<Int>) throws -> CodedSize? {
        var sizes: [CodedSize] = []
        var position = range.lowerBound
        var units = 0
        while position < range.upperBound {
            try count(&units)
            guard let header = try file.byte(at: position) else { break }
            position += header & 4 == 0 ? 1 : 2
            var length = max(min(range.upperBound, file.count) - position, 0)
            if header & 2 != 0 {
                length = 0
                for index in 0..<8 {
                    guard let byte = try file.byte(at: position) else { break }
                    position += 1
                    length |= Int(byte & 0x7F) << (7 * index)
                    if byte & 0x80 == 0 { break }
                }
            }
            if header >> 3 & 15 == 1 {
                let unit = try file.copy(min(length, mostBytes, max(file.count - position, 0)), at: position) ?? []
                if let size = sequenceHeader(unit) { sizes.append(size) }
            }
            position += length
        }
        return largest(sizes)
    }

    /// 5.5.1: the greatest size that a frame may have.
    private static func sequenceHeader(_ bytes: [UInt8]) -> CodedSize? {
        var bits = BitReader(bytes)
        bits.skip(4)
        guard let isReduced = bits.number(1) else { return nil }
        if isReduced == 1 {
            bits.skip(5)
        } else if !skipOperatingPoints(&bits) {
            return nil
        }
        guard let widthBits = bits.number(4), let heightBits = bits.number(4), let width = bits.number(widthBits + 1),
            let height = bits.number(heightBits + 1)
        else { return nil }
        return CodedSize(width + 1, height + 1)
    }

    private static func skipOperatingPoints(_ bits: inout BitReader) -> Bool {
        var delayBits: Int?
        if bits.number(1) == 1 {
            bits.skip(64)
            if bits.number(1) == 1 { bits.skipVariableLength() }
            if bits.number(1) == 1 {
                delayBits = bits.number(5).map { $0 + 1 }
                bits.skip(42)
            }
        }
        guard let hasDisplayDelay = bits.number(1), let count = bits.number(5) else { return false }
        for _ in 0...count {
            bits.skip(12)
            guard let level = bits.number(5) else { return false }
            if level > 7 { bits.skip(1) }
            if let delayBits, bits.number(1) == 1 { bits.skip(2 * delayBits + 1) }
            if hasDisplayDelay == 1, bits.number(1) == 1 { bits.skip(4) }
        }
        return true
    }
}

/// Reads bits, the highest first; nil behind the end.
private struct BitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func number(_ count: Int) -> Int? {
        guard position + count <= 8 * bytes.count else { return nil }
        var value = 0
        for _ in 0..<count {
            value = value << 1 | Int(bytes[position / 8] >> UInt8(7 - position % 8) & 1)
            position += 1
        }
        return value
    }

    mutating func skip(_ count: Int) { position += count }

    private mutating func leadingZeros() -> Int? {
        var zeros = 0
        while let bit = number(1) {
            if bit == 1 { return zeros }
            zeros += 1
        }
        return nil
    }

    /// H.265, 9.2.
    mutating func exponentialGolomb() -> Int? {
        guard let zeros = leadingZeros(), zeros < 32, let rest = number(zeros) else { return nil }
        return (1 << zeros) - 1 + rest
    }

    /// AV1, 4.10.3.
    mutating func skipVariableLength() {
        if let zeros = leadingZeros(), zeros < 32 { skip(zeros) }
    }
}
