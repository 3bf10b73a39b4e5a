import Glibc

/// Bounds-checked reading of untrusted bytes: nothing here traps, whatever the offset.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    var isLittleEndian = false

    init(_ bytes: UnsafeRawBufferPointer, isLittleEndian: Bool = false) {
        self.bytes = bytes
        self.isLittleEndian = isLittleEndian
    }

    var count: Int { bytes.count }

    func has(_ length: Int, at offset: Int) -> Bool {
        offset >= 0 && length >= 0 && offset <= bytes.count && length <= bytes.count - offset
    }

    func byte(at offset: Int) -> UInt8? {
        has(1, at: offset) ? bytes[offset] : nil
    }

    func uint16(at offset: Int) -> Int? {
        guard has(2, at: offset) else { return nil }
        let first = Int(bytes[offset]), second = Int(bytes[offset + 1])
        return isLittleEndian ? second << 8 | first : first << 8 | second
    }

    func uint32(at offset: Int) -> Int? {
        guard let first = uint16(at: offset), let second = uint16(at: offset + 2) else { return nil }
        return isLittleEndian ? second << 16 | first : first << 16 | second
    }

    func slice(_ length: Int, at offset: Int) -> UnsafeRawBufferPointer? {
        has(length, at: offset) ? UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]) : nil
    }

    func copy(_ length: Int, at offset: Int) -> [UInt8]? {
        slice(length, at: offset).map { [UInt8]($0) }
    }

    func matches(_ pattern: [UInt8], at offset: Int) -> Bool {
        guard let slice = slice(pattern.count, at: offset) else { return false }
        return slice.elementsEqual(pattern)
    }

    /// The first `pattern` at or after `start`.
    func firstIndex(of pattern: [UInt8], from start: Int = 0) -> Int? {
        guard !pattern.isEmpty, start >= 0 else { return nil }
        var position = start
        while position + pattern.count <= bytes.count {
            guard let next = firstIndex(of: pattern[0], from: position) else { return nil }
            if matches(pattern, at: next) { return next }
            position = next + 1
        }
        return nil
    }

    /// The first `value` at or after `start`, at the speed of memchr.
    func firstIndex(of value: UInt8, from start: Int) -> Int? {
        guard has(1, at: start), let base = bytes.baseAddress,
            let found = memchr(base + start, CInt(value), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
