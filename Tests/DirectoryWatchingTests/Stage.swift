import Glibc
import LinuxFiles
import Synchronization

@testable import DirectoryWatching

/// Where a situation is played: a scratch directory, a watcher on a clock of the test's own, and what it has told so
/// far.
final class Stage: Sendable {
    let scratch: BytePath
    let inbox: BytePath
    let options: WatchOptions
    private let clock = TestClock()
    private let surroundings: Surroundings
    private let isUnprivileged: Bool

    private struct Contents {
        var watcher: DirectoryWatcher?
        var told: [Told] = []
        /// Marks put among the watcher's events, and the latest that came out.
        var marks = 0, heard = 0
        var descriptors: [CInt] = []
        var mounts: [BytePath] = []
    }

    private let contents = Mutex(Contents())

    /// - Parameter inMemory: on a file system in memory where there is one: for very many files.
    init(
        inbox: BytePath = "in", options: WatchOptions, surroundings: Surroundings = Surroundings(),
        isUnprivileged: Bool = false,
        inMemory: Bool = false
    ) throws {
        let base = inMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(base)/watching.XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(errno, "make a directory in", BytePath(base)) }
        scratch = BytePath(String(cString: made))
        chmod(made, 0o755)
        self.inbox = scratch.appending(inbox)
        var options = options
        options.structuralEnd = Sample.end
        self.options = options
        var surroundings = surroundings
        surroundings.now = { [clock] in clock.now }
        self.surroundings = surroundings
        self.isUnprivileged = isUnprivileged
    }

    var watcher: DirectoryWatcher { contents.withLock { $0.watcher! } }

    /// A path relative to the inbox; `..` leads out of it also while there is no inbox.
    func path(_ relative: BytePath) -> BytePath {
        var base = inbox
        var names = relative.components[...]
        while names.first == Array("..".utf8) {
            base = base.parent
            names = names.dropFirst()
        }
        return names.reduce(base) { $0.appending($1) }
    }

    func start() throws {
        let watcher = DirectoryWatcher(root: inbox, options: options, surroundings: surroundings)
        contents.withLock { $0.watcher = watcher }
        let events = watcher.events()
        let root = inbox
        Task { [weak self] in
            for await event in events { self?.hear(event, root) }
        }
        // File-system rights belong to a thread on Linux, and new threads inherit them.
        if isUnprivileged { Shell.setFileSystemUser(65534) }
        defer { if isUnprivileged { Shell.setFileSystemUser(0) } }
        try watcher.start()
    }

    func keep(_ descriptor: CInt) { contents.withLock { $0.descriptors.append(descriptor) } }
    func keep(mount: BytePath) { contents.withLock { $0.mounts.append(mount) } }

    private func hear(_ event: WatchEvent, _ root: BytePath) {
        contents.withLock { contents in
            if case .notice(let text) = event, let number = Self.number(ofMark: text) {
                contents.heard = number
            } else {
                contents.told.append(Told(event, below: root))
            }
        }
    }

    private static let mark = "mark "
    private static func number(ofMark text: String) -> Int? {
        text.hasPrefix(mark) ? Int(text.dropFirst(mark.count)) : nil
    }

    // MARK: Time

    /// Returns when the watcher has done everything that it has to do now, and all that it told has been heard.
    func catchUp() async throws {
        try await watcher.catchUp()
        let number = contents.withLock { contents in
            contents.marks += 1
            return contents.marks
        }
        watcher.output.send(.notice("\(Self.mark)\(number)"))
        while contents.withLock({ $0.heard < number }) { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// Lets time pass for the watcher, in steps that are short for it.
    func pass(_ duration: Duration) async throws {
        var left = duration
        while left > .zero {
            clock.advance(min(left, step))
            left -= step
            try await catchUp()
        }
    }

    private var step: Duration { options.settle / 4 }

    /// Older kernels give all changes within 10 ms the same time stamp; a change right after another must have its own.
    func letTimeStampsMove() async throws { try await Task.sleep(for: .milliseconds(11)) }

    // MARK: Expecting

    /// Lets time pass until everything expected has been told, in any order.
    /// - Parameter meanwhile: done between two steps of time.
    func expect(_ expected: [Told], meanwhile: () async throws -> Void = {}) async throws {
        // What the kernel does by itself may take its time on a busy machine; the watcher's own time stands still then,
        // or a scan that is due much later would find what an event should have told.
        let deadline = ContinuousClock.now + .seconds(30)
        var patience = Duration.seconds(20)
        let named = expected.contains(where: \.isState)
        var open = expected
        while true {
            try await catchUp()
            for told in takeTold() {
                if let index = open.firstIndex(where: { $0.matches(told) }) {
                    open.remove(at: index)
                } else if !told.isState || (named && !expected.contains { $0.isState && $0 != told }) {
                    throw StageFailure("unexpected: \(told); still waiting for \(open)")
                }
            }
            if open.isEmpty { return }
            guard ContinuousClock.now < deadline else { throw StageFailure("not told: \(open); \(state)") }
            if patience > .zero {
                try await meanwhile()
                clock.advance(step)
                patience -= step
            } else {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// Fails if anything is told within a time.
    func expectNothing(for duration: Duration) async throws {
        try await pass(duration)
        let surplus = takeTold().filter { !$0.isState }
        if !surplus.isEmpty { throw StageFailure("unexpected: \(surplus)") }
    }

    private func takeTold() -> [Told] {
        contents.withLock { contents in
            defer { contents.told = [] }
            return contents.told
        }
    }

    func strike() {
        let (watcher, descriptors, mounts) = contents.withLock { ($0.watcher, $0.descriptors, $0.mounts) }
        watcher?.stop()
        for descriptor in descriptors { close(descriptor) }
        for mount in mounts.reversed() { _ = mount.withCString { umount2($0, CInt(MNT_DETACH)) } }
        Shell.removeTree(scratch)
    }

    private var state: String {
        guard let snapshot = contents.withLock({ $0.watcher })?.snapshot else { return "not started" }
        let waiting = snapshot.waiting.prefix(20).map { "\($0.relative): \($0.standing)" }
        return
            "\(snapshot.state); waiting for \(waiting), \(snapshot.reported) reported, \(snapshot.directories) "
            + "directories, \(snapshot.watches) watches"
    }
}

struct StageFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
