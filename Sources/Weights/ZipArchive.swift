/// Where the stored entries of a zip file are. Reads what PyTorch writes: no compression, zip64 where needed, sizes
/// from the central directory (so data descriptors do not matter). Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.
struct ZipArchive {
    struct Entry {
        let offset: Int
        let size: Int
    }

    private static let maxDirectoryBytes = 64 << 20

    /// By name; all entries, but only stored ones can be located.
    private(set) var names: Set<String> = []
    private let file: ReadOnlyFile
    private var records: [String: (header: Int, size: Int, method: Int, flags: Int)] = [:]

    init(_ file: ReadOnlyFile) throws {
        self.file = file
        let (start, size, count) = try Self.directory(of: file)
        guard size <= Self.maxDirectoryBytes, start <= file.size, size <= file.size - start else {
            throw Self.damaged(file, "its directory lies outside of the file")
        }
        var fields = Fields(bytes: try file.bytes(at: start, count: size))
        for _ in 0..<count {
            guard let record = fields.directoryRecord() else { throw Self.damaged(file, "its directory ends early") }
            guard names.insert(record.name).inserted else {
                throw Self.damaged(file, "it has two entries named \(quoted(record.name))")
            }
            records[record.name] = (record.header, record.size, record.method, record.flags)
        }
    }

    /// Throws where the entry is missing, compressed, encrypted or outside of the file.
    func entry(_ name: String) throws -> Entry {
        guard let record = records[name] else {
            throw WeightsError(
                path: file.path, "has no entry \(quoted(name)): it is not a PyTorch checkpoint or damaged")
        }
        guard record.method == 0, record.flags & 1 == 0 else {
            throw WeightsError(
                path: file.path,
                "has the compressed or encrypted entry \(quoted(name)), which torch.save never writes; unpack and save "
                    + "it again"
            )
        }
        guard record.header <= file.size - 30 else { throw Self.damaged(file, "an entry lies outside of the file") }
        var local = Fields(bytes: try file.bytes(at: record.header, count: 30))
        guard local.number(4) == 0x0403_4B50 else {
            throw Self.damaged(file, "an entry does not begin where it should")
        }
        local.position = 26
        let offset = record.header + 30 + local.number(2) + local.number(2)
        guard offset <= file.size, record.size <= file.size - offset else {
            throw Self.damaged(file, "the entry \(quoted(name)) reaches beyond the end")
        }
        return Entry(offset: offset, size: record.size)
    }

    private static func damaged(_ file: ReadOnlyFile, _ what: String) -> WeightsError {
        WeightsError(path: file.path, "is damaged or cut short: \(what); copy or download it again")
    }

    private static func directory(of file: ReadOnlyFile) throws -> (start: Int, size: Int, count: Int) {
        let tailSize = min(file.size, 22 + 0xFFFF)
        let tail = try file.bytes(at: file.size - tailSize, count: tailSize)
        let signature: [UInt8] = [0x50, 0x4B, 5, 6]
        guard tailSize >= 22,
            let end = (0...(tailSize - 22)).reversed().first(where: { tail[$0..<$0 + 4].elementsEqual(signature) })
        else { throw damaged(file, "it is a zip file without a directory") }
        var fields = Fields(bytes: tail, position: end + 10)
        let (count, size, start) = (fields.number(2), fields.number(4), fields.number(4))
        guard count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF else { return (start, size, count) }

        let locatorOffset = file.size - tailSize + end - 20
        guard locatorOffset >= 0 else { throw damaged(file, "its zip64 directory is missing") }
        var locator = Fields(bytes: try file.bytes(at: locatorOffset, count: 20))
        guard locator.number(4) == 0x0706_4B50 else { throw damaged(file, "its zip64 directory is missing") }
        locator.position = 8
        let recordOffset = locator.number(8)
        guard recordOffset <= file.size - 56 else {
            throw damaged(file, "its zip64 directory lies outside of the file")
        }
        var record = Fields(bytes: try file.bytes(at: recordOffset, count: 56))
        guard record.number(4) == 0x0606_4B50 else { throw damaged(file, "its zip64 directory is missing") }
        record.position = 32
        let count64 = record.number(8)
        let size64 = record.number(8)
        return (record.number(8), size64, count64)
    }
}

/// Little-endian numbers out of bytes that are known to be there.
private struct Fields {
    let bytes: [UInt8]
    var position = 0

    /// A number beyond `Int` becomes `Int.max`, which lies outside of any file.
    mutating func number(_ size: Int) -> Int {
        defer { position += size }
        let value = bytes[position..<position + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(clamping: value)
    }

    /// The next record of the central directory, nil where it is malformed.
    mutating func directoryRecord() -> (name: String, header: Int, size: Int, method: Int, flags: Int)? {
        let start = position
        guard start + 46 <= bytes.count, number(4) == 0x0201_4B50 else { return nil }
        position = start + 8
        let (flags, method) = (number(2), number(2))
        position = start + 20
        let (storedSize, fullSize) = (number(4), number(4))
        let (nameLength, extraLength, commentLength) = (number(2), number(2), number(2))
        position = start + 42
        var (header, size) = (number(4), fullSize)
        let extraStart = start + 46 + nameLength
        let extraEnd = extraStart + extraLength
        guard extraEnd + commentLength <= bytes.count else { return nil }
        let name = String(decoding: bytes[(start + 46)..<extraStart], as: UTF8.self)
        position = extraStart
        while position + 4 <= extraEnd {
            let (tag, length) = (number(2), number(2))
            let next = position + length
            guard next <= extraEnd else { return nil }
            if tag == 1 {
                // Only the fields that did not fit above are present, in this order.
                if fullSize == 0xFFFF_FFFF, position + 8 <= next { size = number(8) }
                if storedSize == 0xFFFF_FFFF, position + 8 <= next { position += 8 }
                if header == 0xFFFF_FFFF, position + 8 <= next { header = number(8) }
            }
            position = next
        }
        position = extraEnd + commentLength
        return (name, header, size, method, flags)
    }
}
