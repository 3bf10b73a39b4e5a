import Glibc

extension StructuralEnd {
    /// Walks an open file's JPEG markers or PNG chunks, without decoding and without holding the file in memory, to see
    /// whether its end has arrived. An end marker inside an embedded thumbnail does not count; bytes after the end do
    /// not matter. The file offset is neither used nor moved.
    /// Sources: ITU-T T.81 annex B (JPEG), PNG specification (third edition) chapter 5.
    /// - Throws: `WatchError` when reading fails.
    public static func of(fileDescriptor: CInt) throws -> StructuralEnd {
        var reader = WindowReader(fileDescriptor: fileDescriptor)
        return try of(&reader)
    }

    private static func of(_ reader: inout WindowReader) throws -> StructuralEnd {
        var head: [UInt8] = []
        while head.count < 16, let byte = try reader.byte(at: Int64(head.count)) { head.append(byte) }
        if head.starts(with: pngSignature) { return try pngEnd(&reader) }
        if head.starts(with: jpegStart) { return try jpegEnd(&reader) }
        // The first bytes of a signature, or space that was reserved and not written yet: more is to come.
        let isBeginning = pngSignature.starts(with: head) || jpegStart.starts(with: head)
        return isBeginning || head.allSatisfy { $0 == 0 } ? .missing : .unknownFormat
    }

    private static func pngEnd(_ reader: inout WindowReader) throws -> StructuralEnd {
        var position = Int64(pngSignature.count)
        while let length = try reader.number(at: position, bytes: 4), let type = try reader.number(at: position + 4, bytes: 4) {
            // A chunk's type is four letters; anything else is a hole not yet filled, or damage that decoding will name.
            guard isChunkType(type) else { return .missing }
            position += 12 + Int64(length)
            if type == iend { return try reader.byte(at: position - 1) == nil ? .missing : .present }
        }
        return .missing
    }

    private static func isChunkType(_ type: UInt32) -> Bool {
        [24, 16, 8, 0].allSatisfy { shift in
            let letter = UInt8(truncatingIfNeeded: type >> UInt32(shift)) | 0x20
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
        }
    }

    private static func jpegEnd(_ reader: inout WindowReader) throws -> StructuralEnd {
        var position: Int64 = 2
        // Coded data follows a scan's header; in it and between segments the next marker is searched for.
        while let marker = try reader.nextMarker(from: &position) {
            switch marker {
            case 0xD9:
                return .present
            case 0x01, 0xD0...0xD8:
                continue
            default:
                guard let length = try reader.number(at: position, bytes: 2) else { return .missing }
                position += Int64(max(length, 2))
            }
        }
        return .missing
    }

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    private static let jpegStart: [UInt8] = [0xFF, 0xD8, 0xFF]
    private static let iend: UInt32 = 0x4945_4E44
}

/// Reads a file through one window of fixed size.
private struct WindowReader {
    private static let windowSize = 65536
    let fileDescriptor: CInt
    private var window = [UInt8](repeating: 0, count: WindowReader.windowSize)
    private var start: Int64 = 0
    private var count = 0

    init(fileDescriptor: CInt) {
        self.fileDescriptor = fileDescriptor
    }

    /// The byte at a position, nil past the file's end.
    mutating func byte(at position: Int64) throws -> UInt8? {
        if position < start || position >= start + Int64(count) {
            guard try load(position) else { return nil }
        }
        return window[Int(position - start)]
    }

    /// A big-endian number, nil where the file ends before it.
    mutating func number(at position: Int64, bytes: Int64) throws -> UInt32? {
        var value: UInt32 = 0
        for offset in 0..<bytes {
            guard let byte = try byte(at: position + offset) else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    /// The next marker's second byte, with `position` moved behind it; stuffed zeros and fill bytes are passed over.
    mutating func nextMarker(from position: inout Int64) throws -> UInt8? {
        while try byte(at: position) != nil {
            // Whole windows at a time: a photo's coded data is nearly all of the file.
            let from = Int(position - start)
            guard let found = window[from..<count].firstIndex(of: 0xFF) else {
                position = start + Int64(count)
                continue
            }
            position = start + Int64(found) + 1
            while let code = try byte(at: position) {
                if code == 0xFF {
                    position += 1
                } else {
                    position += 1
                    if code == 0 { break }
                    return code
                }
            }
        }
        return nil
    }

    private mutating func load(_ position: Int64) throws -> Bool {
        let got = window.withUnsafeMutableBytes { pread(fileDescriptor, $0.baseAddress, $0.count, off_t(position)) }
        guard got >= 0 else {
            if errno == EINTR { return try load(position) }
            throw WatchError(call: "pread", code: errno)
        }
        start = position
        count = got
        return got > 0
    }
}
