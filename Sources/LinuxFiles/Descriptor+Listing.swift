import Glibc

/// A name in a directory, and what it stands for.
package struct DirectoryEntry: Sendable {
    package let name: [UInt8]
    /// A directory itself: a symbolic link to one is none.
    package let isDirectory: Bool
}

extension Descriptor {
    /// What lies in an open directory, without `.` and `..`, in the order of the names' bytes.
    /// - Throws: `SystemError`.
    package func entries() throws -> [DirectoryEntry] {
        // closedir closes what fdopendir was given. Opening `.` anew would need the right to enter the directory.
        let copy = try retrying("list", path) { fcntl(raw, F_DUPFD_CLOEXEC, 0) }
        guard let stream = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw SystemError(code, "list", path)
        }
        defer { closedir(stream) }
        // The copy shares its position with this descriptor, which may have been listed before.
        rewinddir(stream)
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw SystemError(errno, "list", path) }
                return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name == [dot] || name == [dot, dot] { continue }
            let type = Int(entry.pointee.d_type)
            let isDirectory =
                type == Int(DT_UNKNOWN) ? (try? status(of: name)).map(Files.isDirectory) ?? false : type == Int(DT_DIR)
            entries.append(DirectoryEntry(name: name, isDirectory: isDirectory))
        }
    }

    /// The names in an open directory, as in `entries`.
    package func names() throws -> [[UInt8]] { try entries().map(\.name) }
}

private let dot = UInt8(ascii: ".")
