/// The bytes of one or more pickles in a file, one after the other, read through a small buffer.
struct PickleReader {
    /// A state dict needs about a hundred bytes a tensor; a longer pickle is not one, and would be expanded in memory.
    static let maxBytes = 16 << 20

    let file: ReadOnlyFile
    /// Of the next byte, from the start of the file.
    private(set) var position: Int
    private let end: Int
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    /// Reads from `start` on, and never past `end` (default: the file's).
    init(_ file: ReadOnlyFile, start: Int, end: Int? = nil) {
        self.file = file
        position = start
        self.end = min(end ?? file.size, start + Self.maxBytes)
    }

    mutating func byte() throws -> UInt8 {
        let index = position - bufferStart
        if index >= 0 && index < buffer.count {
            position += 1
            return buffer[index]
        }
        return try bytes(1)[0]
    }

    mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= end - position else {
            throw WeightsError(
                path: file.path,
                end == file.size
                    ? "is cut short: its description of the tensors has no end; copy or download it again"
                    : "is not a state dict: its description of the tensors exceeds "
                        + "\(Self.maxBytes >> 20) MiB or its place"
            )
        }
        if position < bufferStart || position + count > bufferStart + buffer.count {
            buffer = try file.bytes(at: position, count: min(max(count, 1 << 16), end - position))
            bufferStart = position
        }
        let index = position - bufferStart
        position += count
        return buffer[index..<index + count]
    }

    /// Little-endian, of `size` bytes, unsigned.
    mutating func number(_ size: Int) throws -> Int {
        let value = try bytes(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: value) else {
            throw WeightsError(path: file.path, "has a length of \(value) bytes in its description of the tensors")
        }
        return number
    }

    mutating func line() throws -> String {
        var text: [UInt8] = []
        while true {
            let next = try byte()
            if next == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
            text.append(next)
        }
    }

    mutating func string(_ count: Int) throws -> String {
        String(decoding: try bytes(count), as: UTF8.self)
    }
}
