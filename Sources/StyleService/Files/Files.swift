import CInotify
import Glibc

/// The few file operations that the service stands on, on byte paths, never following a symbolic link in the last component.
public enum Files {
    static func status(of path: BytePath) throws -> stat {
        var result = stat()
        try retrying("look at", path) { path.withCString { lstat($0, &result) } }
        return result
    }

    /// nil where there is nothing of that name.
    static func statusIfPresent(of path: BytePath) throws -> stat? {
        do { return try status(of: path) } catch let error as SystemError where error.isMissing { return nil }
    }

    public static func identity(of path: BytePath) throws -> FileIdentity? {
        try statusIfPresent(of: path).map(FileIdentity.init)
    }

    /// The identity of a file, or of what a symbolic link leads to.
    static func identity(ofTarget path: BytePath) throws -> FileIdentity { FileIdentity(try targetStatus(path)) }

    static func isRegularTarget(_ path: BytePath) throws -> Bool { isRegular(try targetStatus(path)) }

    private static func targetStatus(_ path: BytePath) throws -> stat {
        var result = stat()
        try retrying("look at", path) { path.withCString { stat($0, &result) } }
        return result
    }

    static func isRegular(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG }
    static func isDirectory(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFDIR }

    /// Opens for reading; a FIFO or a device does not block, a symbolic link is refused (ELOOP) unless it is to be followed.
    static func openForReading(_ path: BytePath, followingLinks: Bool = false) throws -> CInt {
        let flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (followingLinks ? 0 : O_NOFOLLOW)
        return try retrying("open", path) { path.withCString { open($0, flags) } }
    }

    static func status(of descriptor: CInt, _ path: BytePath) throws -> stat {
        var result = stat()
        try retrying("look at", path) { fstat(descriptor, &result) }
        return result
    }

    /// The whole of a regular file.
    /// - Throws: `SystemError`; EFBIG where it is larger than `limit` bytes, EINVAL where it is no regular file.
    static func read(_ descriptor: CInt, path: BytePath, limit: Int = .max) throws -> [UInt8] {
        let status = try status(of: descriptor, path)
        guard isRegular(status) else { throw SystemError(EINVAL, "read as a file", path) }
        guard status.st_size <= limit else { throw SystemError(EFBIG, "read", path) }
        var failure: SystemError?
        let size = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do {
                while count < size {
                    let read = try retrying("read", path) {
                        Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                    }
                    if read == 0 { break }
                    count += read
                }
            } catch { failure = error as? SystemError }
        }
        if let failure { throw failure }
        return bytes
    }

    public static func read(_ path: BytePath, limit: Int = .max, followingLinks: Bool = false) throws -> [UInt8] {
        let descriptor = try openForReading(path, followingLinks: followingLinks)
        defer { close(descriptor) }
        return try read(descriptor, path: path, limit: limit)
    }

    static func write(_ bytes: some Collection<UInt8>, to descriptor: CInt, _ path: BytePath) throws {
        try ContiguousArray(bytes).withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                written += try retrying("write", path) {
                    Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
                }
            }
        }
    }

    /// Creates a directory and its missing ancestors. Whether the new ones are shared with the group is the umask's business, and
    /// a setgid bit is inherited from the parent: asking for it is forbidden under RestrictSUIDSGID=.
    /// - Returns: the directories that were made, outermost first.
    @discardableResult
    static func makeDirectory(_ path: BytePath) throws -> [BytePath] {
        if path.withCString({ mkdir($0, 0o777) }) == 0 { return [path] }
        switch errno {
        case EEXIST:
            var target = stat()
            try retrying("look at", path) { path.withCString { stat($0, &target) } }
            guard isDirectory(target) else { throw SystemError(ENOTDIR, "use as a directory", path) }
            return []
        case ENOENT where path.parent != path && !path.parent.isEmpty:
            let made = try makeDirectory(path.parent)
            try retrying("create the directory", path) { path.withCString { mkdir($0, 0o777) == -1 && errno != EEXIST ? -1 : 0 } }
            return made + [path]
        default:
            throw SystemError(errno, "create the directory", path)
        }
    }

    /// Makes the names in a directory durable.
    static func synchronizeDirectory(_ path: BytePath) throws {
        let descriptor = try retrying("open", path) { path.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        defer { close(descriptor) }
        // Some network and FUSE file systems cannot do this for directories; their rename is as durable as it gets.
        if fsync(descriptor) == -1, errno != EINVAL, errno != ENOTSUP { throw SystemError(errno, "synchronise", path) }
    }

    static func rename(_ source: BytePath, to target: BytePath) throws {
        try retrying("rename \(source) to", target) {
            source.withCString { source in target.withCString { Glibc.rename(source, $0) } }
        }
    }

    /// Renames and never replaces: throws EEXIST where `target` is taken.
    /// File systems without RENAME_NOREPLACE get a hard link and an unlink, and those without hard links an exclusively created
    /// empty file that is then replaced: each of these reserves the name atomically.
    static func renameWithoutReplacing(_ source: BytePath, to target: BytePath) throws {
        let code = source.withCString { source in
            target.withCString { -CInotify_rename(AT_FDCWD, source, AT_FDCWD, $0, 1, 0) }
        }
        if code == 0 { return }
        guard code == EINVAL || code == ENOSYS else { throw SystemError(code, "rename \(source) to", target) }
        if source.withCString({ source in target.withCString { link(source, $0) } }) == 0 {
            return try unlink(source)
        }
        guard errno == EPERM || errno == ENOTSUP || errno == EMLINK else { throw SystemError(errno, "rename \(source) to", target) }
        let placeholder = try retrying("create", target) {
            target.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600) }
        }
        close(placeholder)
        try rename(source, to: target)
    }

    static func unlink(_ path: BytePath) throws {
        try retrying("remove", path) { path.withCString { Glibc.unlink($0) } }
    }

    static func unlinkIfPresent(_ path: BytePath) throws {
        do { try unlink(path) } catch let error as SystemError where error.isMissing {}
    }

    /// Sets the modification time, in nanoseconds since 1970.
    static func setModificationTime(_ descriptor: CInt, _ nanoseconds: Int64, _ path: BytePath) throws {
        var times = [
            timespec(tv_sec: 0, tv_nsec: Int(UTIME_OMIT_VALUE)),
            timespec(tv_sec: Int(floorDivide(nanoseconds, 1_000_000_000)), tv_nsec: Int(floorModulo(nanoseconds, 1_000_000_000))),
        ]
        try retrying("set the time of", path) { futimens(descriptor, &times) }
    }

    private static let UTIME_OMIT_VALUE = (1 << 30) - 2
    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 { value >= 0 ? value / by : (value - by + 1) / by }
    private static func floorModulo(_ value: Int64, _ by: Int64) -> Int64 { value - floorDivide(value, by) * by }

    /// Calls `visit` for every entry below `directory` that is no directory, without following symbolic links. Directories that
    /// cannot be read are passed over.
    static func walk(_ directory: BytePath, visit: (BytePath, stat) throws -> Void) rethrows {
        var pending = [directory]
        while let next = pending.popLast() {
            guard let stream = next.withCString({ opendir($0) }) else { continue }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
                if name == [46] || name == [46, 46] { continue }
                let path = next.appending(name)
                guard let status = try? status(of: path) else { continue }
                if isDirectory(status) { pending.append(path) } else { try visit(path, status) }
            }
        }
    }

    /// The path with the symbolic links of its existing part resolved.
    static func resolved(_ path: BytePath) -> BytePath {
        var missing: [[UInt8]] = []
        var candidate = path.normalized
        while true {
            if let real = candidate.withCString({ realpath($0, nil) }) {
                defer { free(real) }
                let base = BytePath(bytes: UnsafeBufferPointer(start: real, count: strlen(real)).map(UInt8.init(bitPattern:)))
                return missing.reversed().reduce(base) { $0.appending($1) }
            }
            guard let last = candidate.components.last else { return path.normalized }
            missing.append(last)
            candidate = candidate.parent
        }
    }
}
