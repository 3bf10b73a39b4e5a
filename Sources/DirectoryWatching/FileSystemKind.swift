import LinuxFiles

/// File systems on which another machine, or a process behind the kernel's back, changes files without an inotify
/// event. The numbers are those of statfs(2) and linux/magic.h.
package enum FileSystemKind {
    /// The name of such a file system; nil for one that tells of every change.
    package static func remoteName(magic: UInt64) -> String? {
        remote[magic]
    }

    private static let remote: [UInt64: String] = [
        0x6969: "NFS",
        0x517B: "SMB",
        0xFE53_4D42: "SMB2",
        0xFF53_4D42: "CIFS",
        0x6573_5546: "FUSE",
        0x0102_1997: "9p",
        0x5346_414F: "AFS",
        0x6B41_4653: "AFS",
        0x7375_7245: "Coda",
        0x00C3_6400: "Ceph",
        0x0BD0_0BD0: "Lustre",
        0x0116_1970: "GFS2",
        0x7461_636F: "OCFS2",
        0x786F_4256: "VirtualBox shared folder",
        0x1980_0202: "GPFS",
    ]
}

/// What the tests change about a watcher's surroundings, since a machine that runs them seldom has an NFS server or is
/// slow at the right moment, and often is slow at the wrong one.
struct Surroundings: Sendable {
    /// The name of a file system that does not tell of all changes, by its magic number.
    var remoteName: @Sendable (UInt64) -> String? = { FileSystemKind.remoteName(magic: $0) }
    /// Called by the reading thread before it empties the kernel's queue.
    var beforeReading: @Sendable () -> Void = {}
    /// Monotonic nanoseconds.
    var now: @Sendable () -> Int64 = { KernelClock.monotonic }
}
