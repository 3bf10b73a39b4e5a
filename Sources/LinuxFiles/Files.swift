import CLinux
import Glibc

/// File operations by path, on bytes, never following a symbolic link in the last component unless they say so. Each
/// throws `SystemError`.
package enum Files {
    // MARK: What is there

    package static func status(of path: BytePath) throws -> stat {
        var result = stat()
        try retrying("look at", path) { lstat($0, &result) }
        return result
    }

    /// nil where there is nothing of that name.
    package static func statusIfPresent(of path: BytePath) throws -> stat? {
        do { return try status(of: path) } catch let error as SystemError where error.isMissing { return nil }
    }

    package static func identity(of path: BytePath) throws -> FileIdentity? {
        try statusIfPresent(of: path).map(FileIdentity.init)
    }

    /// Of a file, or of what a symbolic link leads to.
    package static func status(ofTarget path: BytePath) throws -> stat {
        var result = stat()
        try retrying("look at", path) { stat($0, &result) }
        return result
    }

    package static func identity(ofTarget path: BytePath) throws -> FileIdentity {
        FileIdentity(try status(ofTarget: path))
    }

    package static func isRegularTarget(_ path: BytePath) throws -> Bool { isRegular(try status(ofTarget: path)) }

    package static func isRegular(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG }
    package static func isDirectory(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFDIR }

    /// An extended attribute's value, of at most 4096 bytes; nil where there is none that can be read.
    package static func attribute(_ name: String, of path: BytePath) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 4096)
        guard let count = try? retrying("read", path, { CLinux_attribute($0, name, &value, value.count) }) else {
            return nil
        }
        return Array(value[..<count])
    }

    // MARK: Content

    /// The whole of a regular file.
    /// - Throws: `SystemError`; EFBIG where it is larger than `limit` bytes, EINVAL where it is no regular file.
    package static func read(_ path: BytePath, limit: Int = .max, followingLinks: Bool = false) throws -> [UInt8] {
        try Descriptor.forReading(path, followingLinks: followingLinks).readAll(limit: limit)
    }

    /// The first 4096 bytes of a file that the kernel makes up (/proc, /sys), which says of itself that it is empty;
    /// without the line break at their end. nil where it cannot be read, or holds nothing.
    package static func kernelText(_ path: BytePath) -> String? {
        guard let file = try? Descriptor.forReading(path, followingLinks: true) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(at: 0, into: $0) }), count > 0 else {
            return nil
        }
        let text = bytes[..<count]
        return String(decoding: text.last == UInt8(ascii: "\n") ? text.dropLast() : text, as: UTF8.self)
    }

    /// Writes all bytes to a descriptor that someone else owns.
    package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: BytePath? = nil) throws {
        var done = 0
        while done < bytes.count {
            done += try retrying("write", path) {
                Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
        }
    }

    // MARK: Names

    package static func rename(_ source: BytePath, to target: BytePath) throws {
        try retrying("rename \(source) to", target) { target in source.withCString { Glibc.rename($0, target) } }
    }

    /// Renames and never replaces: throws EEXIST where `target` is taken. File systems without RENAME_NOREPLACE get a
    /// hard link and an unlink, and those without hard links an exclusively created empty file that is then replaced:
    /// each of these reserves the name atomically.
    package static func renameWithoutReplacing(_ source: BytePath, to target: BytePath) throws {
        let operation = "rename \(source) to"
        do {
            try retrying(operation, target) { target in
                source.withCString { CLinux_rename($0, target, CLinux_renameNoReplace) }
            }
        } catch let error as SystemError where error.code == EINVAL || error.code == ENOSYS {
            do {
                try link(source, to: target)
                // Under that name another file may lie by now, which is somebody else's.
                if let left = try identity(of: source), try identity(of: target)?.isSameFile(as: left) ?? false {
                    try unlinkIfPresent(source)
                }
            } catch let error as SystemError where [EPERM, ENOTSUP, EMLINK].contains(error.code) {
                _ = try Descriptor.open(
                    target, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, trying: "create")
                try rename(source, to: target)
            }
        }
    }

    package static func unlink(_ path: BytePath) throws { try retrying("remove", path) { Glibc.unlink($0) } }

    package static func unlinkIfPresent(_ path: BytePath) throws {
        do { try unlink(path) } catch let error as SystemError where error.isMissing {}
    }

    package static func setMode(_ path: BytePath, _ mode: mode_t) throws {
        try retrying("set the mode of", path) { chmod($0, mode) }
    }

    /// The path with the symbolic links of its existing part resolved.
    package static func resolved(_ path: BytePath) -> BytePath {
        var missing: [[UInt8]] = []
        var candidate = path.normalized
        while true {
            if let real = candidate.withCString({ realpath($0, nil) }) {
                defer { free(real) }
                let base = BytePath(
                    bytes: UnsafeBufferPointer(start: real, count: strlen(real)).map(UInt8.init(bitPattern:)))
                return missing.reversed().reduce(base) { $0.appending($1) }
            }
            guard let last = candidate.components.last else { return path.normalized }
            missing.append(last)
            candidate = candidate.parent
        }
    }
}
