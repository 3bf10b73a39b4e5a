import Glibc
import LinuxFiles

/// The bytes of a file at any position, in memory or through one window of fixed size. Past the end there is nothing;
/// nothing traps, whatever the position. Reading a file throws `SystemError`, reading memory nothing.
final class ByteStream {
    private static let windowSize = 65536

    private let file: (descriptor: CInt, path: BytePath)?
    private let owned: UnsafeMutableRawBufferPointer?
    private var window: UnsafeRawBufferPointer
    private var start = 0
    let count: Int
    var isLittleEndian = false

    /// The bytes must outlive the object.
    init(_ bytes: UnsafeRawBufferPointer) {
        (file, owned, window, count) = (nil, nil, bytes, bytes.count)
    }

    /// The file's offset is neither used nor moved; the descriptor stays open, and must outlive the object.
    /// - Parameter count: the file's size.
    init(fileDescriptor: CInt, path: BytePath, count: Int) {
        let window = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.windowSize, alignment: 16)
        (file, owned, self.count) = ((fileDescriptor, path), window, count)
        self.window = UnsafeRawBufferPointer(rebasing: window[..<0])
    }

    deinit { owned?.deallocate() }

    func has(_ length: Int, at position: Int) -> Bool {
        position >= 0 && length >= 0 && position <= count && length <= count - position
    }

    func byte(at position: Int) throws -> UInt8? {
        guard try hasWindow(at: position) else { return nil }
        return window[position - start]
    }

    func uint16(at position: Int) throws -> Int? { try number(at: position, bytes: 2) }
    func uint32(at position: Int) throws -> Int? { try number(at: position, bytes: 4) }

    /// nil where the file ends before it, or the number is above 2^63 - 1.
    func number(at position: Int, bytes: Int) throws -> Int? {
        guard has(bytes, at: position) else { return nil }
        var value: UInt64 = 0
        for index in 0..<bytes {
            guard let byte = try byte(at: position + (isLittleEndian ? bytes - 1 - index : index)) else { return nil }
            value = value << 8 | UInt64(byte)
        }
        return Int(exactly: value)
    }

    func copy(_ length: Int, at position: Int) throws -> [UInt8]? {
        guard has(length, at: position) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        while bytes.count < length {
            guard try hasWindow(at: position + bytes.count) else { return nil }
            let from = position + bytes.count - start
            bytes += window[from..<min(window.count, from + length - bytes.count)]
        }
        return bytes
    }

    func matches(_ text: String, at position: Int) throws -> Bool {
        try copy(text.utf8.count, at: position)?.elementsEqual(text.utf8) ?? false
    }

    /// The first `value` at or after `position`, whole windows at a time.
    func firstIndex(of value: UInt8, from position: Int) throws -> Int? {
        var position = position
        while try hasWindow(at: position) {
            if let found = ByteReader(window).firstIndex(of: value, from: position - start) { return start + found }
            position = start + window.count
        }
        return nil
    }

    private func hasWindow(at position: Int) throws -> Bool {
        if position >= start, position - start < window.count { return true }
        guard let file, let owned, position >= 0, position < count else { return false }
        let got = try retrying("read", file.path) {
            pread(file.descriptor, owned.baseAddress, owned.count, off_t(position))
        }
        start = position
        window = UnsafeRawBufferPointer(rebasing: owned[..<got])
        return got > 0
    }
}
