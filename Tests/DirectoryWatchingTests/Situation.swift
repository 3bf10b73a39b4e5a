import DirectoryWatching
import LinuxFiles

/// A small script of file operations and of what the watcher is to tell. Paths are relative to the inbox.
struct Situation: Sendable {
    let name: String
    var startsAtOnce = true
    var options: @Sendable (inout WatchOptions) -> Void = { _ in }
    /// Where the inbox lies below the scratch directory.
    var inbox: BytePath = "in"
    /// Watch without root's right to read everything.
    var isUnprivileged = false
    let steps: [Step]

    init(_ name: String, _ steps: Step...) {
        self.name = name
        self.steps = steps
    }

    func with(_ options: @escaping @Sendable (inout WatchOptions) -> Void) -> Situation {
        var copy = self
        copy.options = options
        return copy
    }

    func startingLater(inbox: BytePath = "in") -> Situation {
        var copy = self
        copy.startsAtOnce = false
        copy.inbox = inbox
        return copy
    }

    func unprivileged() -> Situation {
        var copy = self
        copy.isUnprivileged = true
        return copy
    }
}

/// What a watcher may tell, without the details that a script cannot know.
enum Told: Hashable, CustomStringConvertible {
    case complete(BytePath)
    /// Complete as far as can be told: the end is missing.
    case incomplete(BytePath)
    case unknownFormat(BytePath)
    case changed(BytePath)
    case restless(BytePath)
    case vanished(BytePath)
    case empty(BytePath)
    case refused(BytePath, RefusalReason)
    case unreadable(BytePath, CInt)
    case watching, polling, waiting, stopped
    case decided(BytePath, String)
    case notice(containing: String)

    init(_ event: WatchEvent, below root: BytePath) {
        func short(_ path: BytePath) -> BytePath { path.relative(to: root) ?? path }
        switch event {
        case .complete(let file):
            switch file.structuralEnd {
            case .present: self = .complete(short(file.path))
            case .missing: self = .incomplete(short(file.path))
            case .unknownFormat: self = .unknownFormat(short(file.path))
            }
        case .changed(let path): self = .changed(short(path))
        case .changedWhileWaiting(let path, _): self = .restless(short(path))
        case .vanished(let path): self = .vanished(short(path))
        case .empty(let path): self = .empty(short(path))
        case .refused(let path, let reason): self = .refused(short(path), reason)
        case .unreadable(let path, let code): self = .unreadable(short(path), code)
        case .decided(let path, let standing): self = .decided(short(path), "\(standing)")
        case .state(.watching): self = .watching
        case .state(.polling): self = .polling
        case .state(.waiting): self = .waiting
        case .state(.stopped): self = .stopped
        case .notice(let text): self = .notice(containing: text)
        }
    }

    func matches(_ told: Told) -> Bool {
        if case .notice(let part) = self, case .notice(let text) = told { return text.contains(part) }
        return self == told
    }

    /// States come and go with the speed of the machine; a script that cares names them.
    var isState: Bool {
        switch self {
        case .watching, .polling, .waiting, .stopped: true
        default: false
        }
    }

    var description: String {
        switch self {
        case .complete(let path): "complete \(path)"
        case .incomplete(let path): "incomplete \(path)"
        case .unknownFormat(let path): "unknownFormat \(path)"
        case .changed(let path): "changed \(path)"
        case .restless(let path): "restless \(path)"
        case .vanished(let path): "vanished \(path)"
        case .empty(let path): "empty \(path)"
        case .refused(let path, let reason): "refused \(path) (\(reason.rawValue))"
        case .unreadable(let path, let code): "unreadable \(path) (\(code))"
        case .watching: "watching"
        case .polling: "polling"
        case .waiting: "waiting"
        case .stopped: "stopped"
        case .decided(let path, let standing): "decided \(path) \(standing)"
        case .notice(let text): "notice \(text)"
        }
    }
}
