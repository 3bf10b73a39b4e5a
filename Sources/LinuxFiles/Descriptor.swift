import CLinux
import Glibc

/// An open file that closes itself, with the path that it was opened by: every error names it.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: CInt
    package let path: BytePath

    /// Takes over an open descriptor.
    package init(owning raw: CInt, _ path: BytePath) {
        self.raw = raw
        self.path = path
    }

    deinit { close(raw) }

    // MARK: Opening

    /// Opens or creates a file; programs that this one starts do not get it.
    /// - Parameters:
    ///   - directory: an open directory that a relative path begins in.
    ///   - operation: what an error calls it.
    /// - Throws: `SystemError`.
    package static func open(
        _ path: BytePath, at directory: CInt = AT_FDCWD, flags: CInt, mode: mode_t = 0o666,
        trying operation: String = "open"
    ) throws -> Descriptor {
        let raw = try retrying(operation, path) { openat(directory, $0, flags | O_CLOEXEC, mode) }
        return Descriptor(owning: raw, path)
    }

    /// Opens for reading; a FIFO or a device does not block, a symbolic link is refused (ELOOP) unless it is to be
    /// followed.
    /// - Throws: `SystemError`.
    package static func forReading(
        _ path: BytePath, at directory: CInt = AT_FDCWD, followingLinks: Bool = false
    ) throws -> Descriptor {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followingLinks ? 0 : O_NOFOLLOW)
        return try open(path, at: directory, flags: flags)
    }

    /// Opens a directory for listing, refusing a symbolic link in the last component unless it is to be followed.
    /// - Throws: `SystemError`.
    package static func directory(
        _ path: BytePath, at directory: CInt = AT_FDCWD, followingLinks: Bool = false
    ) throws -> Descriptor {
        try open(path, at: directory, flags: O_RDONLY | O_DIRECTORY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW))
    }

    // MARK: What it is

    package func status() throws -> stat {
        var status = stat()
        try retrying("look at", path) { fstat(raw, &status) }
        return status
    }

    package func identity() throws -> FileIdentity { FileIdentity(try status()) }

    /// What a name in this directory stands for; a symbolic link is not followed.
    /// - Throws: `SystemError` that names the name alone.
    package func status(of name: [UInt8]) throws -> stat {
        var status = stat()
        try retrying("look at", BytePath(bytes: name)) { fstatat(raw, $0, &status, AT_SYMLINK_NOFOLLOW) }
        return status
    }

    /// The file system's magic number, as in statfs(2) and linux/magic.h.
    package func fileSystemMagic() throws -> UInt64 {
        var magic: UInt64 = 0
        try retrying("look at", path) { CLinux_fileSystemMagic(raw, &magic) }
        return magic
    }

    // MARK: Reading

    /// Fills `buffer` from byte `position` on; the file's own position is neither used nor moved.
    /// - Returns: how many bytes were there; fewer than asked for at the file's end only.
    package func read(at position: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let count = try retrying("read", path) {
                pread(raw, buffer.baseAddress! + done, buffer.count - done, off_t(position + done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// The whole of a regular file.
    /// - Throws: `SystemError`; EFBIG where it is larger than `limit` bytes, EINVAL where it is no regular file.
    package func readAll(limit: Int = .max) throws -> [UInt8] {
        let status = try status()
        guard Files.isRegular(status) else { throw SystemError(EINVAL, "read as a file", path) }
        guard status.st_size <= limit else { throw SystemError(EFBIG, "read", path) }
        var failure: (any Error)?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            let wanted = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(buffer)[..<Int(status.st_size)])
            do { count = try read(at: 0, into: wanted) } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Calls `body` with the file's bytes from its beginning to its end, a mebibyte at a time.
    package func forEachPart(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var position = 0
        while true {
            let count = try buffer.withUnsafeMutableBytes { try read(at: position, into: $0) }
            if count == 0 { return }
            try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            position += count
        }
    }

    // MARK: Writing

    /// Writes all bytes at the file's own position.
    package func write(_ bytes: UnsafeRawBufferPointer) throws { try Files.write(bytes, to: raw, path) }

    package func write(_ bytes: some Collection<UInt8>) throws {
        try ContiguousArray(bytes).withUnsafeBytes { try write($0) }
    }

    /// Writes all bytes from byte `position` on.
    package func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
        var done = 0
        while done < bytes.count {
            done += try retrying("write", path) {
                pwrite(raw, bytes.baseAddress! + done, bytes.count - done, off_t(position + done))
            }
        }
    }

    /// Makes the file this long.
    package func truncate(to size: Int = 0) throws { try retrying("shorten", path) { ftruncate(raw, off_t(size)) } }

    /// Returns when the file's content is on the disk.
    package func synchronize() throws { try retrying("synchronise", path) { fsync(raw) } }

    /// Sets the modification time, in nanoseconds since 1970.
    package func setModificationTime(_ nanoseconds: Int64) throws {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        var times = [
            timespec(tv_sec: 0, tv_nsec: Self.omitted),
            // Before 1970 the fraction still counts forwards.
            timespec(
                tv_sec: Int(rest < 0 ? seconds - 1 : seconds), tv_nsec: Int(rest < 0 ? rest + 1_000_000_000 : rest)),
        ]
        try retrying("set the time of", path) { futimens(raw, &times) }
    }

    /// UTIME_OMIT, which is not imported: this time stays as it is.
    private static let omitted = (1 << 30) - 2

    /// Sets an extended attribute.
    /// - Throws: `SystemError`, with ENOTSUP on a file system that has none.
    package func setAttribute(_ name: String, _ value: [UInt8]) throws {
        try retrying("set the attribute \(name) of", path) { CLinux_setAttribute(raw, name, value, value.count) }
    }

    // MARK: Locking

    /// Takes the exclusive lock (flock(2)), which the kernel lifts when this descriptor is closed, however its holder
    /// ends.
    /// - Returns: false where another holds it.
    package func lock() throws -> Bool {
        do { try retrying("lock", path) { flock(raw, LOCK_EX | LOCK_NB) } } catch let error as SystemError
            where error.code == EWOULDBLOCK
        { return false }
        return true
    }

    package func unlock() { flock(raw, LOCK_UN) }
}
