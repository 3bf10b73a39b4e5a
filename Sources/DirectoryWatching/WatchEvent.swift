/// What a watcher tells.
public enum WatchEvent: Sendable, Equatable {
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
    /// How the directory is being watched has changed.
    case state(InboxState)
    /// Something an administrator should read.
    case notice(String)
}

/// A file that has been written to its end.
public struct CompleteFile: Sendable, Hashable {
    /// The absolute path.
    public let path: BytePath
    /// The path below the watched directory.
    public let relative: BytePath
    public let identity: FileIdentity
    public let structuralEnd: StructuralEnd

    public init(path: BytePath, relative: BytePath, identity: FileIdentity, structuralEnd: StructuralEnd) {
        self.path = path
        self.relative = relative
        self.identity = identity
        self.structuralEnd = structuralEnd
    }
}

/// Whether a photo's last part is there.
public enum StructuralEnd: String, Sendable, Hashable {
    /// A JPEG with its end marker, a PNG with its IEND chunk (bytes after it do not matter).
    case present
    /// A JPEG or PNG without it, or a file whose beginning has not been written yet.
    case missing
    /// Neither a JPEG nor a PNG.
    case unknownFormat
}

public enum RefusalReason: String, Sendable, Hashable, CustomStringConvertible {
    case symbolicLink, fifo, socket, characterDevice, blockDevice, tooDeep, unknownType

    public var description: String {
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
public enum InboxState: Sendable, Hashable, CustomStringConvertible {
    /// Not started, or stopped.
    case stopped
    /// Kernel events tell of changes.
    case watching
    /// The directory is scanned at intervals, for this reason.
    case polling(reason: String)
    /// The directory cannot be used now, for this reason; it is waited for.
    case waiting(reason: String)

    public var description: String {
        switch self {
        case .stopped: "stopped"
        case .watching: "watching"
        case .polling(let reason): "polling: \(reason)"
        case .waiting(let reason): "waiting: \(reason)"
        }
    }
}

/// What is known about one file, and why it was or was not told complete.
public enum FileStanding: Sendable, Hashable, CustomStringConvertible {
    /// The path does not lie in the watched directory.
    case outside
    /// A name on the way matches a pattern of names that are left alone.
    case ignored(name: BytePath, pattern: String)
    /// It lies in an excluded directory.
    case excluded(BytePath)
    /// It lies in a directory inside the inbox, and those are not watched.
    case nested
    /// Waited for; `unchanged` is the time since its last change that was seen.
    case settling(unchanged: Duration, settle: Duration)
    /// Its end is missing.
    case incomplete(unchanged: Duration, patience: Duration)
    /// A download manager's control file lies beside it.
    case companion(BytePath, unchanged: Duration)
    case empty
    case unreadable(errno: CInt)
    case refused(RefusalReason)
    case reported(StructuralEnd)
    /// Not seen: there is no such file, or it came a moment ago.
    case unseen

    public var isWaiting: Bool {
        switch self {
        case .settling, .incomplete, .companion, .empty, .unreadable: true
        default: false
        }
    }
}

/// A picture of a watcher at one moment.
public struct WatchSnapshot: Sendable {
    public struct Entry: Sendable {
        /// The path below the watched directory.
        public let relative: BytePath
        public let identity: FileIdentity
        public let standing: FileStanding
    }

    public var root: BytePath
    public var state: InboxState
    /// Files that are waited for, and things that were refused, in name order.
    public var waiting: [Entry]
    public var refused: [Entry]
    /// How many files were told complete and are still there unchanged.
    public var reported: Int
    public var directories: Int
    public var watches: Int
    /// Full scans so far, how long the last took, and how often the kernel's event queue overflowed.
    public var scans: Int
    public var lastScan: Duration
    public var overflows: Int
    /// The kernel's latest events, oldest first, for a closer look when something seems to be missed.
    public var recentEvents: [KernelEvent]
}

