import Glibc
import LinuxFiles
import Threads

/// Decides, on a thread of its own, what has happened: events are hints, a scan and fstat tell.
/// Safe to share: everything here except the mailbox and the table, which have locks, is used on that thread only.
final class Examiner: @unchecked Sendable {
    let rootPath: BytePath
    let options: WatchOptions
    let surroundings: Surroundings
    let mailbox: Mailbox
    let table: FileTable
    let output: EventOutput
    let ignore: IgnoreRules

    /// How often the root's path is compared with the directory that is watched.
    static let rootInterval: Int64 = 5_000_000_000
    /// Files looked at between two looks into the mailbox.
    static let batch = 256

    var root: DirectoryNode?
    var reader: KernelReader?
    /// One inode can be reached by two paths (a bind mount) and then has one watch for both.
    var nodesByWatch: [Int32: [DirectoryNode]] = [:]
    var ancestorWatches: Set<Int32> = []
    /// The name whose coming the ancestor's watch waits for.
    var awaitedName: [UInt8] = []
    var due = DeadlineQueue()
    /// What was told complete before the root was lost, by path.
    var remembered: [BytePath: FileRecord] = [:]
    var unwatchedReason: String?
    /// The error that ended attempts to add watches until the next full scan.
    var watchLimit: CInt?
    var toldWatchLimit = false
    /// Directories whose contents are another program's, by identity.
    var excludedIdentities: Set<[UInt64]> = []

    var directories = 0
    var watches: Int { nodesByWatch.values.reduce(0) { $0 + $1.count } }

    var nextRootCheck: Int64 = 0
    var nextRescan: Int64 = 0
    var nextPoll: Int64?
    var overflowRescan: Int64?
    var overflowDelay: Int64 = 0
    var lastOverflow: Int64 = 0
    /// Who waits until everything that is due has been done.
    var catchingUp: [UInt64] = []
    var toldOverflow: Int64?
    /// Readable with priority when a mount comes or goes; nil where /proc is hidden.
    let mounts: Descriptor?

    init(
        root: BytePath, options: WatchOptions, surroundings: Surroundings, mailbox: Mailbox, table: FileTable,
        output: EventOutput
    ) {
        self.surroundings = surroundings
        rootPath = root
        self.options = options
        self.mailbox = mailbox
        self.table = table
        self.output = output
        ignore = IgnoreRules(options.ignoredNames)
        mounts = try? Descriptor.open("/proc/self/mountinfo", flags: O_RDONLY)
    }

    func run() {
        openReader()
        attach()
        publishCounts()
        while !mailbox.isStopped {
            let mountsChanged = wait()
            let mail = mailbox.take()
            if mountsChanged { verifyMounts() }
            handle(mail)
            tick()
            publishCounts()
            examineDue()
            answerCaughtUp()
        }
        reader?.stop()
        reader = nil
    }

    private func publishCounts() {
        let (directories, watches) = (directories, watches)
        table.change { contents in
            contents.directories = directories
            contents.watches = watches
        }
    }

    /// Sleeps until mail, a mount or a deadline. Returns whether mounts have changed.
    private func wait() -> Bool {
        let next = deadlines.min()!
        return mailbox.wakeup.wait(
            with: [Wakeup.Source(mountsDescriptor, POLLPRI)], nanoseconds: max(0, next - surroundings.now()))[0]
    }

    /// -1, which poll(2) passes over, where there is none.
    private var mountsDescriptor: CInt {
        switch mounts {
        case .some(let file): file.raw
        case .none: -1
        }
    }

    private func handle(_ mail: Mail) {
        if mail.isEmpty { return }
        if mail.overflowed { noteOverflow() }
        // Whoever forgets a file is about to take it away: the hint of that may have come with the same mail.
        for path in mail.forgotten { forget(path) }
        let aboutAncestors = ancestorWatches.contains {
            mail.names[$0]?.contains(awaitedName) ?? false || mail.directories.contains($0) || mail.ended.contains($0)
        }
        if aboutAncestors { checkRoot() }
        for watch in mail.ended { watchEnded(watch) }
        for watch in mail.directories { directoryHinted(watch) }
        for (watch, names) in mail.names { namesHinted(watch, names) }
        for command in mail.commands { obey(command) }
    }

    private func obey(_ command: Mail.Command) {
        switch command {
        case .rescan:
            rescan()
        case .sync(let token):
            // Where the kernel does not tell everything, or has lost some of it, a scan does.
            if overflowRescan != nil || !isFullyWatched { rescan() }
            publishCounts()
            output.synchronised(token)
        case .catchUp(let token):
            catchingUp.append(token)
        case .reexamine(let path):
            reexamine(path)
        }
    }

    private func answerCaughtUp() {
        let now = surroundings.now()
        guard !catchingUp.isEmpty, deadlines.allSatisfy({ $0 > now }) else { return }
        publishCounts()
        for token in catchingUp { output.synchronised(token) }
        catchingUp = []
    }

    private func tick() {
        let now = surroundings.now()
        if let time = overflowRescan, time <= now { rescan() }
        if nextRescan <= now { rescan() }
        if let time = nextPoll, time <= now { rescan(retryingWatches: false) }
        if nextRootCheck <= now { checkRoot() }
    }

    /// The kernel has thrown events away: look at everything, less and less often if it goes on.
    private func noteOverflow() {
        let now = surroundings.now()
        table.change { $0.overflows += 1 }
        overflowDelay =
            now - lastOverflow > 60_000_000_000 ? 0 : min(max(overflowDelay * 2, 100_000_000), 10_000_000_000)
        lastOverflow = now
        if overflowRescan == nil { overflowRescan = now + overflowDelay }
        if toldOverflow.map({ now - $0 > 60_000_000_000 }) ?? true {
            toldOverflow = now
            let text = """
                \(rootPath): more events at once than are kept (fs.inotify.max_queued_events); everything is scanned \
                instead, \
                so that nothing is lost
                """
            output.send(.notice(text))
        }
    }

    private var deadlines: [Int64] {
        [nextRootCheck, nextRescan] + [due.first?.due, nextPoll, overflowRescan].compactMap(\.self)
    }

    var isFullyWatched: Bool {
        root != nil && nextPoll == nil
    }

    func settle(in node: DirectoryNode) -> Int64 {
        (node.remote == nil ? options.settle : options.networkSettle).inNanoseconds
    }

    func path(of node: DirectoryNode) -> BytePath {
        rootPath.appending(node.relative)
    }

    /// Opens a directory of the tree component by component, so that no link on the way is followed, and only if it
    /// still is the directory that was found there.
    func open(_ node: DirectoryNode) throws -> Descriptor {
        guard let parent = node.parent else {
            return try same(node, try Descriptor.directory(rootPath, followingLinks: true))
        }
        let above = try open(parent)
        return try same(node, try Descriptor.directory(BytePath(bytes: node.name), at: above.raw))
    }

    private func same(_ node: DirectoryNode, _ descriptor: consuming Descriptor) throws -> Descriptor {
        let status = try descriptor.status()
        guard UInt64(status.st_dev) == node.device, UInt64(status.st_ino) == node.inode else {
            throw SystemError(ESTALE, "open", path(of: node))
        }
        return descriptor
    }
}
