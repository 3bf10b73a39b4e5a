import Glibc

/// What tells one state of a file from another. Two equal identities mean: same file, not changed in between.
///
/// The change time cannot be set by a program, so a writer that restores the modification time is still noticed.
package struct FileIdentity: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    /// Bytes.
    package let size: Int64
    /// Modification time in nanoseconds since 1970. Dates that do not fit 64 bits wrap: it is compared, never shown.
    package let modified: Int64
    /// Change time (of the inode) in nanoseconds since 1970.
    package let changed: Int64

    package init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    package init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

extension BytePath {
    /// Whether both lead to one file or directory.
    package func isSameFile(as other: BytePath) -> Bool {
        guard let own = try? Files.identity(ofTarget: self), let others = try? Files.identity(ofTarget: other) else {
            return false
        }
        return own.isSameFile(as: others)
    }
}

extension FileIdentity {
    /// The same inode, whatever was written to it since.
    package func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }

    /// The same inode with the same size and modification time. The change time does not count: renaming, linking and
    /// chmod set it and leave the content alone.
    package func isSameContent(as other: FileIdentity) -> Bool {
        isSameFile(as: other) && size == other.size && modified == other.modified
    }
}
