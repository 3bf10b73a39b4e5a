/// Writes stored entries, their data aligned to 64 bytes as PyTorch does, so that they can be mapped into memory.
struct ZipWriter {
    private let path: String
    private let append: (UnsafeRawBufferPointer) throws -> Void
    private var position = 0
    private var directory: [UInt8] = []
    private var count = 0

    init(path: String, append: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.path = path
        self.append = append
    }

    mutating func add(_ name: String, _ data: UnsafeRawBufferPointer) throws {
        let start = position
        guard start + data.count < Int(UInt32.max) - 1 << 20 else {
            throw WeightsError(path: path, "cannot be written: it would exceed 4 GiB")
        }
        let checksum = CRC32.of(data)
        let fieldHeader = 4
        let unpadded = start + 30 + name.utf8.count + fieldHeader
        let padding = (64 - unpadded % 64) % 64
        // Version 2.0, no flags, stored, 1 January 1980: the same bytes every time.
        let common =
            littleEndian(UInt16(20)) + littleEndian(UInt16(0)) + littleEndian(UInt16(0)) + littleEndian(UInt16(0))
            + littleEndian(UInt16(0x21)) + littleEndian(checksum) + littleEndian(UInt32(data.count))
            + littleEndian(UInt32(data.count)) + littleEndian(UInt16(name.utf8.count))
        let header =
            littleEndian(UInt32(0x0403_4B50)) + common + littleEndian(UInt16(fieldHeader + padding)) + Array(name.utf8)
            + Array("FB".utf8) + littleEndian(UInt16(padding)) + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        try write(header)
        try append(data)
        position += data.count
        directory +=
            littleEndian(UInt32(0x0201_4B50)) + littleEndian(UInt16(20)) + common + [UInt8](repeating: 0, count: 12)
            + littleEndian(UInt32(start)) + Array(name.utf8)
        count += 1
    }

    /// The central directory and the record that ends the file.
    mutating func finish() throws {
        let start = position
        let size = directory.count
        try write(directory)
        try write(
            littleEndian(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + littleEndian(UInt16(count)) + littleEndian(UInt16(count))
                + littleEndian(UInt32(size)) + littleEndian(UInt32(start)) + [0, 0])
    }

    private mutating func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try append($0) }
        position += bytes.count
    }
}

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ value >> 1 }
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~table.withUnsafeBufferPointer { table in
            bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
        }
    }
}
