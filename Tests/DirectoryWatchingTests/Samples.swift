import DirectoryWatching
import LinuxFiles
import Photos

/// What the situations write into files.
enum Sample {
    /// The check that the service gives its watchers.
    @Sendable static func end(of file: borrowing Descriptor) throws -> StructuralEnd {
        switch try PhotoEnd.of(file) {
        case .present: .present
        case .missing: .missing
        case .unknownFormat: .unknownFormat
        }
    }

    /// A JPEG as far as its structure goes: start, a segment with an end marker inside (as a thumbnail has), a scan
    /// with stuffed bytes and restart markers, end.
    static func jpeg(scan: Int = 3000) -> [UInt8] {
        let thumbnail: [UInt8] = [0xFF, 0xD8, 0xFF, 0xD9]
        var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE1, 0x00, UInt8(2 + thumbnail.count)] + thumbnail
        bytes += [0xFF, 0xDA, 0x00, 0x04, 0x01, 0x02]
        for index in 0..<scan {
            switch index % 97 {
            case 13: bytes += [0xFF, 0x00]
            case 57: bytes += [0xFF, 0xD0 + UInt8(index / 97 % 8)]
            default: bytes.append(UInt8(truncatingIfNeeded: index &* 31) & 0x7F)
            }
        }
        return bytes + [0xFF, 0xD9]
    }

    static func png(data: Int = 3000) -> [UInt8] {
        let header: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + chunk("IDAT", [UInt8](repeating: 7, count: data)) + chunk("IEND", [])
    }

    /// A chunk whose check sum is wrong: only the structure is walked.
    static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(data.count).bigEndian, Array.init) + Array(type.utf8) + data + [1, 2, 3, 4]
    }

    static let photo = jpeg()
    static let otherPhoto = jpeg(scan: 4000)
    static let halfPhoto = Array(photo.prefix(photo.count / 2))
    static let secondHalf = Array(photo.dropFirst(halfPhoto.count))
    static let text = Array("no photo\n".utf8)
}
