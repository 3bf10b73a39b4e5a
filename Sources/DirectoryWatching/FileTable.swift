import LinuxFiles
import Synchronization

/// What is on record about one file. Times are monotonic nanoseconds.
struct FileRecord {
    enum Stage: Equatable {
        case settling
        case incomplete
        case companion([UInt8])
        case empty
        case unreadable(CInt)
        case refused(RefusalReason)
        case reported(StructuralEnd)
    }

    /// nil of a name that could not even be looked at.
    var identity: FileIdentity?
    /// How long it must be left alone.
    var settle: Int64
    var stage = Stage.settling
    /// When waiting for it began.
    var began: Int64
    /// When its last change was noticed.
    var since: Int64
    /// When it is to be looked at next; nil when only an event or a scan leads to it.
    var due: Int64?
    /// How long to put off the next attempt at a file that cannot be read.
    var retryDelay: Int64 = 0
    var toldRestless = false
    var toldEmpty = false

    init(identity: FileIdentity?, settle: Int64, now: Int64) {
        self.identity = identity
        self.settle = settle
        began = now
        since = now
    }

    var isReported: Bool {
        if case .reported = stage { true } else { false }
    }
}

/// The records by path below the root. The examining thread changes them; others look.
final class FileTable: Sendable {
    struct Contents {
        var files: [BytePath: FileRecord] = [:]
        var unreadableDirectories: [BytePath: CInt] = [:]
        var state = InboxState.stopped
        var directories = 0
        var watches = 0
        var scans = 0
        var lastScan = Duration.zero
        var overflows = 0
    }

    private let contents = Mutex(Contents())

    func read<Result: Sendable>(_ body: (borrowing Contents) -> Result) -> Result {
        contents.withLock { body($0) }
    }

    func change<Result: Sendable>(_ body: (inout Contents) -> Result) -> Result {
        contents.withLock { body(&$0) }
    }

    subscript(path: BytePath) -> FileRecord? {
        get { contents.withLock { $0.files[path] } }
        set { contents.withLock { $0.files[path] = newValue } }
    }
}

extension FileRecord {
    func standing(now: Int64, options: WatchOptions) -> FileStanding {
        let unchanged = Duration.nanoseconds(now - since)
        return switch stage {
        case .settling: .settling(unchanged: unchanged, settle: .nanoseconds(settle))
        case .incomplete: .incomplete(unchanged: unchanged, patience: options.incompleteAfter)
        case .companion(let name): .companion(BytePath(bytes: name), unchanged: unchanged)
        case .empty: .empty
        case .unreadable(let code): .unreadable(errno: code)
        case .refused(let reason): .refused(reason)
        case .reported(let end): .reported(end)
        }
    }
}
