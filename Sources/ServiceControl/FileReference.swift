import Digests
import Glibc
import LinuxFiles

/// A file that a person asks about. The service may not see where it lies (home directories are hidden from it), nor
/// where the person stands: whoever asks says what it finds there.
package struct FileReference: Codable, Sendable, Hashable {
    /// As it was typed: absolute, or a name in an inbox, or relative to where the person stands.
    package var name: FileName
    /// The absolute path that it stands for there, with symbolic links resolved as far as it exists.
    package var path: FileName?
    /// The SHA-256 and the size of what is there, in hexadecimal digits and bytes; nil where nothing is, or nothing
    /// that can be read.
    package var sha256: String?
    package var size: Int64?
    /// Whether something of that path is there.
    package var exists: Bool?

    package init(
        _ name: FileName, path: FileName? = nil, sha256: String? = nil, size: Int64? = nil, exists: Bool? = nil
    ) {
        self.name = name
        self.path = path
        self.sha256 = sha256
        self.size = size
        self.exists = exists
    }

    package init(_ path: BytePath) { self.init(FileName(path)) }
}

extension FileReference {
    /// What a person typed, with what is to be found of it where they stand.
    /// - Parameter directory: the one they stand in.
    package init(typed: BytePath, in directory: BytePath) {
        let whole = directory.resolving(typed).normalized
        // A link in an inbox is what is asked about, not what it leads to.
        let path = Files.resolved(whole.parent).appending(whole.name)
        self.init(FileName(typed), path: FileName(path))
        do {
            let file = try Descriptor.forReading(path, followingLinks: true)
            exists = true
            let status = try file.status()
            guard Files.isRegular(status) else { return }
            size = Int64(status.st_size)
            sha256 = try Self.hash(file).description
        } catch { exists = (try? Files.statusIfPresent(of: path)) ?? nil != nil }
    }

    private static func hash(_ file: borrowing Descriptor) throws -> SHA256Digest {
        var hash = SHA256(), buffer = [UInt8](repeating: 0, count: 1 << 20), position = 0
        while true {
            let count = try buffer.withUnsafeMutableBytes { try file.read(at: position, into: $0) }
            if count == 0 { return hash.finalize() }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            position += count
        }
    }

    /// The directory that this process stands in.
    package static var currentDirectory: BytePath {
        guard let path = getcwd(nil, 0) else { return BytePath("/") }
        defer { free(path) }
        return BytePath(bytes: UnsafeBufferPointer(start: path, count: strlen(path)).map(UInt8.init(bitPattern:)))
    }
}
