import CInotify
import LinuxFiles

/// An event as the kernel told it.
package struct KernelEvent: Sendable, Hashable, CustomStringConvertible {
    /// The kernel's number for the watched directory, -1 for an overflow.
    package let watch: Int32
    package let mask: UInt32
    /// Empty for an event of the directory itself.
    package let name: BytePath

    /// Such as `3 CREATE|ISDIR holiday`.
    package var description: String {
        let kinds = Self.names.filter { mask & $0.mask != 0 }.map(\.name).joined(separator: "|")
        return name.isEmpty ? "\(watch) \(kinds)" : "\(watch) \(kinds) \(name)"
    }

    private static let names: [(mask: UInt32, name: String)] = [
        (CInotify_maskAttributes, "ATTRIB"), (CInotify_maskCloseWrite, "CLOSE_WRITE"), (CInotify_maskCreate, "CREATE"),
        (CInotify_maskDelete, "DELETE"), (CInotify_maskDeleteSelf, "DELETE_SELF"),
        (CInotify_maskMovedFrom, "MOVED_FROM"),
        (CInotify_maskMovedTo, "MOVED_TO"), (CInotify_maskMoveSelf, "MOVE_SELF"), (CInotify_maskUnmount, "UNMOUNT"),
        (CInotify_maskOverflow, "Q_OVERFLOW"), (CInotify_maskIgnored, "IGNORED"), (CInotify_maskIsDirectory, "ISDIR"),
    ]
}
