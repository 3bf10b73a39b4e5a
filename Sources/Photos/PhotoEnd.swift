import LinuxFiles

/// Whether a photo's last part is there.
package enum PhotoEnd: Sendable, Equatable {
    /// Every byte of the image is there; what lies behind it does not matter.
    case present
    /// It is not there yet, or the file's beginning has not been written.
    case missing
    /// The file is of no format that is read.
    case unknownFormat

    /// Looks for the end of an open file by its format's own structure, without decoding and without holding the file
    /// in memory. An end marker inside an embedded thumbnail does not count. The file's offset is neither used nor
    /// moved.
    /// - Throws: `SystemError`
    package static func of(_ file: borrowing Descriptor) throws -> PhotoEnd {
        try of(ByteStream(fileDescriptor: file.raw, path: file.path, count: Int(file.status().st_size)))
    }

    static func of(_ file: ByteStream) throws -> PhotoEnd {
        let head = try file.copy(min(file.count, 32), at: 0) ?? []
        return try head.withUnsafeBytes { bytes in
            if let format = PhotoFormat.sniff(bytes) { return try format.codec.hasEnd(file) ? .present : .missing }
            let reader = ByteReader(bytes)
            let signatures = PhotoFormat.allCases.flatMap { $0.codec.signatures }
            // The first bytes of a signature, or space that was reserved and not written yet: more is to come.
            let isBeginning = signatures.contains { reader.count < $0.bytes.count && $0.begins(reader) }
            return isBeginning || bytes.allSatisfy { $0 == 0 } ? .missing : .unknownFormat
        }
    }
}
