import Glibc
import LinuxFiles

/// A directory that is being watched, and what is known to lie in it. Used on the examining thread only.
final class DirectoryNode {
    let name: [UInt8]
    /// The path below the watched root; empty for the root itself.
    let relative: BytePath
    let depth: Int
    private(set) weak var parent: DirectoryNode?
    let device: UInt64
    let inode: UInt64
    /// The name of a file system that does not tell of all changes, nil on others.
    var remote: String?
    /// The kernel's watch, nil where it is polled instead.
    var watch: Int32?
    /// The error that kept the last scan from reading it, so that it is told once.
    var unreadable: CInt?
    var children: [[UInt8]: DirectoryNode] = [:]
    /// Names of files that are on record.
    var files: Set<[UInt8]> = []
    /// Names that are left alone, where that was told.
    var passedOver: Set<[UInt8]> = []

    init(name: [UInt8], parent: DirectoryNode?, device: UInt64, inode: UInt64) {
        self.name = name
        self.parent = parent
        self.device = device
        self.inode = inode
        relative = parent.map { $0.relative.appending(name) } ?? .empty
        depth = parent.map { $0.depth + 1 } ?? 0
    }

    /// Whether it is the directory that a path was found to lead to.
    func isSame(_ status: stat) -> Bool { device == UInt64(status.st_dev) && inode == UInt64(status.st_ino) }

    /// The directory at a path below this one.
    func descendant(_ components: some Sequence<[UInt8]>) -> DirectoryNode? {
        var node = self
        for name in components {
            guard let child = node.children[name] else { return nil }
            node = child
        }
        return node
    }

    /// This directory and all below it.
    func forEach(_ body: (DirectoryNode) -> Void) {
        body(self)
        for child in children.values { child.forEach(body) }
    }
}
