import LinuxFiles
import Synchronization
import Threads

/// What one thread asks of the examining one. The kernel's events arrive as a set: a burst of them for one name is one
/// hint, so the mailbox does not grow faster than the directory does.
struct Mail {
    /// Names to look at again, by watch descriptor.
    var names: [Int32: Set<[UInt8]>] = [:]
    /// Watched directories about which something happened to themselves.
    var directories: Set<Int32> = []
    /// Watches that the kernel has ended.
    var ended: Set<Int32> = []
    var overflowed = false
    /// Files whose owner takes them away.
    var forgotten: [BytePath] = []
    var commands: [Command] = []

    enum Command {
        case rescan
        /// Answered when everything earlier has been seen.
        case sync(UInt64)
        /// Answered when everything that is due has been done.
        case catchUp(UInt64)
        case reexamine(BytePath)
    }

    var isEmpty: Bool {
        names.isEmpty && directories.isEmpty && ended.isEmpty && !overflowed && forgotten.isEmpty && commands.isEmpty
    }
}

final class Mailbox: Sendable {
    /// More names than this are not worth keeping one by one: everything is scanned instead.
    static let capacity = 65536

    private struct Contents {
        var mail = Mail()
        var count = 0
        var stopped = false

        mutating func add(_ event: KernelReader.Event) {
            switch event {
            case .overflow:
                mail.overflowed = true
            case .ended(let watch):
                mail.ended.insert(watch)
            case .directory(let watch):
                mail.directories.insert(watch)
            case .name(let watch, let name):
                guard count < Mailbox.capacity else {
                    mail.names = [:]
                    mail.overflowed = true
                    return
                }
                if mail.names[watch, default: []].insert(name).inserted { count += 1 }
            }
        }
    }

    let wakeup: Wakeup
    private let contents = Mutex(Contents())

    init() throws {
        wakeup = try Wakeup()
    }

    func post(_ command: Mail.Command) {
        contents.withLock { $0.mail.commands.append(command) }
        wakeup.signal()
    }

    func post(forgetting path: BytePath) {
        contents.withLock { $0.mail.forgotten.append(path) }
        wakeup.signal()
    }

    func post(_ events: [KernelReader.Event]) {
        contents.withLock { contents in
            for event in events { contents.add(event) }
        }
        wakeup.signal()
    }

    func take() -> Mail {
        return contents.withLock { contents in
            defer {
                contents.mail = Mail()
                contents.count = 0
            }
            return contents.mail
        }
    }

    func stop() {
        contents.withLock { $0.stopped = true }
        wakeup.signal()
    }

    var isStopped: Bool { contents.withLock { $0.stopped } }
}
