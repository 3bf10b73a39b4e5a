import LinuxFiles

/// What a watcher tells.
package enum WatchEvent: Sendable, Equatable {
    /// The file is complete. Told once for each identity, until the file changes, vanishes or is asked for again.
    case complete(CompleteFile)
    /// A file told complete before has changed since; it is waited for again.
    case changed(BytePath)
    /// A file has kept changing for as long as given (told once while it lasts).
    case changedWhileWaiting(BytePath, for: Duration)
    /// A file that was waited for or told complete is gone.
    case vanished(BytePath)
    /// The file is empty; it is left where it is and taken up when it is filled (told once).
    case empty(BytePath)
    /// Something that is no file to be read (told once).
    case refused(BytePath, RefusalReason)
    /// A file or directory that cannot be read now, with the error number. It is tried again.
    case unreadable(BytePath, errno: CInt)
    /// What has been decided about a file, where no other event tells it: it is waited for, or left alone. Only where
    /// `WatchOptions.tellsDecisions` asks for it.
    case decided(BytePath, FileStanding)
    /// How the directory is being watched has changed.
    case state(InboxState)
    /// Something an administrator should read.
    case notice(String)
}

/// A file that has been written to its end.
package struct CompleteFile: Sendable, Hashable {
    /// The absolute path.
    package let path: BytePath
    /// The path below the watched directory.
    package let relative: BytePath
    package let identity: FileIdentity
    package let structuralEnd: StructuralEnd

    package init(path: BytePath, relative: BytePath, identity: FileIdentity, structuralEnd: StructuralEnd) {
        self.path = path
        self.relative = relative
        self.identity = identity
        self.structuralEnd = structuralEnd
    }
}

/// Whether a file's last part is there, as the watcher's owner judges it (`WatchOptions.structuralEnd`).
package enum StructuralEnd: String, Sendable, Hashable {
    case present
    /// It is not there, or the file's beginning has not been written yet.
    case missing
    /// Of a format that nobody here knows.
    case unknownFormat
}

package enum RefusalReason: String, Sendable, Hashable, CustomStringConvertible {
    case symbolicLink, fifo, socket, characterDevice, blockDevice, tooDeep, unknownType

    package var description: String {
        switch self {
        case .symbolicLink: "a symbolic link; links are not followed out of the directory"
        case .fifo: "a named pipe"
        case .socket: "a socket"
        case .characterDevice: "a character device"
        case .blockDevice: "a block device"
        case .tooDeep: "a directory nested too deep"
        case .unknownType: "not a regular file"
        }
    }
}

/// How the directory is being watched.
package enum InboxState: Sendable, Hashable, CustomStringConvertible {
    /// Not started, or stopped.
    case stopped
    /// Kernel events tell of changes.
    case watching
    /// The directory is scanned at intervals, for this reason.
    case polling(reason: String)
    /// The directory cannot be used now, for this reason; it is waited for.
    case waiting(reason: String)

    package var description: String {
        switch self {
        case .stopped: "stopped"
        case .watching: "watching"
        case .polling(let reason): "polling: \(reason)"
        case .waiting(let reason): "waiting: \(reason)"
        }
    }
}

/// What is known about one file, and why it was or was not told complete.
package enum FileStanding: Sendable, Hashable, CustomStringConvertible {
    /// The path does not lie in the watched directory.
    case outside
    /// A name on the way matches a pattern of names that are left alone.
    case ignored(name: BytePath, pattern: String)
    /// It lies in an excluded directory.
    case excluded(BytePath)
    /// It lies in a directory inside the watched one, and those are not watched.
    case nested
    /// Waited for; `unchanged` is the time since its last change that was seen.
    case settling(unchanged: Duration, settle: Duration)
    /// Its end is missing.
    case incomplete(unchanged: Duration, patience: Duration)
    /// A download manager's control file lies beside it.
    case companion(BytePath, unchanged: Duration)
    case empty
    case unreadable(errno: CInt)
    /// The directory that it would lie in cannot be read.
    case inUnreadable(BytePath, errno: CInt)
    case refused(RefusalReason)
    case reported(StructuralEnd)
    /// Not seen: there is no such file, or it came a moment ago.
    case unseen

    package var isWaiting: Bool {
        switch self {
        case .settling, .incomplete, .companion, .empty, .unreadable, .inUnreadable: true
        default: false
        }
    }
}

/// A picture of a watcher at one moment.
package struct WatchSnapshot: Sendable {
    package struct Entry: Sendable {
        /// The path below the watched directory.
        package let relative: BytePath
        /// nil of a name that could not even be looked at.
        package let identity: FileIdentity?
        package let standing: FileStanding
    }

    package var root: BytePath
    package var state: InboxState
    /// Files that are waited for, and things that were refused, in name order.
    package var waiting: [Entry]
    package var refused: [Entry]
    /// Directories that cannot be read, by their path below the watched one, with the error number.
    package var unreadableDirectories: [BytePath: CInt]
    /// How many files were told complete and are still there unchanged.
    package var reported: Int
    package var directories: Int
    package var watches: Int
    /// Full scans so far, how long the last took, and how often the kernel's event queue overflowed.
    package var scans: Int
    package var lastScan: Duration
    package var overflows: Int
    /// The kernel's latest events, oldest first, for a closer look when something seems to be missed.
    package var recentEvents: [KernelEvent]
}
