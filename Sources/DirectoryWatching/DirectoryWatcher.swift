import LinuxFiles
import Synchronization
import Threads

/// Watches a directory and everything in it, and tells which files are complete.
///
/// Kernel events are hints only: which file is complete is decided by looking at it again after it has been left alone
/// for the settle time, and by the end that its format prescribes. A jittered scan of everything catches what events
/// do not tell. The directory need not exist, may be replaced while it is watched, and is polled where the kernel
/// cannot help. Two threads per watcher, both asleep while nothing happens.
package final class DirectoryWatcher: Sendable {
    package let root: BytePath
    package let options: WatchOptions

    private struct Running {
        var mailbox: Mailbox?
        var thread: WorkerThread?
    }

    private let table = FileTable()
    let output = EventOutput()
    private let running = Mutex(Running())
    private let ignore: IgnoreRules
    private let surroundings: Surroundings

    /// - Parameter root: an absolute path. The last component may be a symbolic link; inside, none is followed.
    package convenience init(root: BytePath, options: WatchOptions = WatchOptions()) {
        self.init(root: root, options: options, surroundings: Surroundings())
    }

    init(root: BytePath, options: WatchOptions, surroundings: Surroundings) {
        let components = Array(root.components.joined(separator: [UInt8(ascii: "/")]))
        self.root = BytePath(bytes: [UInt8(ascii: "/")] + components)
        self.options = options
        self.surroundings = surroundings
        ignore = IgnoreRules(options.ignoredNames)
    }

    deinit {
        stop()
    }

    /// Everything told from now on. Ask before `start()` to miss nothing; every stream gets every event, and ends with
    /// `stop()`.
    package func events() -> AsyncStream<WatchEvent> {
        output.stream()
    }

    /// Calls `listener` for everything told from now on, on a thread of the watcher: it must not wait for long. Ask
    /// before `start()` to miss nothing.
    package func listen(_ listener: @escaping @Sendable (WatchEvent) -> Void) {
        output.listen(listener)
    }

    /// Begins watching and returns at once; the first `state` event tells when the directory is watched, polled or
    /// waited for. A stopped watcher stays stopped.
    /// - Throws: `SystemError` when the process has run out of descriptors or threads.
    package func start() throws {
        try running.withLock { running in
            guard running.mailbox == nil else { return }
            let mailbox = try Mailbox()
            let examiner = Examiner(
                root: root, options: options, surroundings: surroundings, mailbox: mailbox, table: table, output: output
            )
            running.thread = try WorkerThread("watching") { examiner.run() }
            running.mailbox = mailbox
        }
    }

    /// Ends watching and returns when both threads have ended.
    package func stop() {
        let thread = running.withLock { running in
            running.mailbox?.stop()
            defer { running.thread = nil }
            return running.thread
        }
        guard let thread else { return }
        thread.join()
        table.change { $0.state = .stopped }
        output.finish()
    }

    /// Looks at everything now.
    package func rescan() {
        post(.rescan)
    }

    /// Drops what is known about a file without telling that it vanished: its owner has taken it away. If it is still
    /// there when it is next looked at, it counts as new.
    package func forget(_ path: BytePath) {
        running.withLock { $0.mailbox }?.post(forgetting: path)
    }

    /// Waits for a file anew, though it was told complete before.
    package func reexamine(_ path: BytePath) {
        post(.reexamine(path))
    }

    /// Returns when every file that was there before the call has been seen: it is waited for, told complete, refused
    /// or ignored. By emptying the kernel's event queue, and by a full scan where that is not enough; nothing is
    /// written into the directory.
    /// - Throws: `SyncError`.
    package func sync(timeout: Duration = .seconds(30)) async throws {
        try await ask(timeout) { .sync($0) }
    }

    /// Returns when the watcher has taken notice of every event up to now and has done all that is due: for tests,
    /// whose clock may have been put forward.
    func catchUp(timeout: Duration = .seconds(60)) async throws {
        try await ask(timeout) { .catchUp($0) }
    }

    private func ask(_ timeout: Duration, _ command: @escaping @Sendable (UInt64) -> Mail.Command) async throws {
        guard let mailbox = running.withLock({ $0.mailbox }) else { throw SyncError.stopped }
        let output = output
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let token = output.wait(continuation) { token in
                if let reader = output.reader { reader.request(command(token)) } else { mailbox.post(command(token)) }
            }
            guard let token else { return }
            Task {
                try await Task.sleep(for: timeout)
                output.gaveUp(token)
            }
        }
    }

    /// What is being waited for, and why.
    package var snapshot: WatchSnapshot {
        let now = surroundings.now()
        let (root, options) = (root, options)
        let recent = output.reader?.recentEvents ?? []
        return table.read { contents in
            let entries = contents.files.filter { !$0.value.isReported }.map { path, record in
                WatchSnapshot.Entry(
                    relative: path, identity: record.identity,
                    standing: record.standing(now: now, options: options))
            }.sorted { $0.relative < $1.relative }
            return WatchSnapshot(
                root: root, state: contents.state,
                waiting: entries.filter(\.standing.isWaiting), refused: entries.filter { !$0.standing.isWaiting },
                unreadableDirectories: contents.unreadableDirectories,
                reported: contents.files.count - entries.count,
                directories: contents.directories, watches: contents.watches, scans: contents.scans,
                lastScan: contents.lastScan, overflows: contents.overflows, recentEvents: recent)
        }
    }

    /// What is known about one file, from the records and from the rules, and why it was or was not told complete.
    /// - Parameter path: absolute, or below the watched directory.
    package func standing(of path: BytePath) -> FileStanding {
        guard let relative = path.isAbsolute ? path.relative(to: root) : path else { return .outside }
        let components = relative.components
        if components.isEmpty || components.contains(Array("..".utf8)) { return .outside }
        for name in components {
            if let pattern = ignore.pattern(matching: name) {
                return .ignored(name: BytePath(bytes: name), pattern: pattern)
            }
        }
        for directory in options.excludedDirectories {
            let excluded = directory.isAbsolute ? directory.relative(to: root) : directory
            if let excluded, !excluded.isEmpty, relative.relative(to: excluded) != nil { return .excluded(directory) }
        }
        if !options.recursive, components.count > 1 { return .nested }
        let now = surroundings.now()
        let options = options
        return table.read { contents in
            if let record = contents.files[relative] { return record.standing(now: now, options: options) }
            let above = contents.unreadableDirectories.first { relative.relative(to: $0.key) != nil }
            return above.map { .inUnreadable($0.key, errno: $0.value) } ?? .unseen
        }
    }

    private func post(_ command: Mail.Command) {
        running.withLock { $0.mailbox }?.post(command)
    }
}
