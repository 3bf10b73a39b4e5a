import Glibc

/// What tells one state of a file from another. Two equal identities mean: same file, not changed in between.
///
/// The change time cannot be set by a program, so a writer that restores the modification time is still noticed.
public struct FileIdentity: Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64
    /// Bytes.
    public let size: Int64
    /// Modification time in nanoseconds since 1970. Dates that do not fit 64 bits wrap: it is compared, never shown.
    public let modified: Int64
    /// Change time (of the inode) in nanoseconds since 1970.
    public let changed: Int64

    public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    public init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
    }

    /// The identity of an open file. The corresponding C function is `fstat`.
    /// - Throws: `WatchError` with the error number.
    public init(fileDescriptor: CInt) throws {
        var status = stat()
        guard fstat(fileDescriptor, &status) == 0 else { throw WatchError(call: "fstat", code: errno) }
        self.init(status)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

/// A system call that failed.
public struct WatchError: Error, Sendable, CustomStringConvertible {
    public let call: String
    public let code: CInt
    public let path: BytePath?

    public init(call: String, code: CInt, path: BytePath? = nil) {
        self.call = call
        self.code = code
        self.path = path
    }

    public var description: String {
        let reason = String(cString: strerror(code))
        return path.map { "\($0): \(call): \(reason)" } ?? "\(call): \(reason)"
    }
}
