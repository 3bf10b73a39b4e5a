import Glibc
import Synchronization

@testable import DirectoryWatching

/// Where a situation is played: a scratch directory, a watcher and what it has told so far.
final class Stage: Sendable {
    let scratch: BytePath
    let inbox: BytePath
    let options: WatchOptions
    private let surroundings: Surroundings
    private let isUnprivileged: Bool

    private struct Contents {
        var watcher: DirectoryWatcher?
        var told: [Told] = []
        var descriptors: [CInt] = []
        var mounts: [BytePath] = []
    }

    private let contents = Mutex(Contents())

    /// - Parameter inMemory: on a file system in memory where there is one: for very many files.
    init(
        inbox: BytePath = "in", options: WatchOptions, surroundings: Surroundings = Surroundings(), isUnprivileged: Bool = false,
        inMemory: Bool = false
    ) throws {
        let base = inMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(base)/watching.XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw WatchError(call: "mkdtemp", code: errno) }
        scratch = BytePath(String(cString: made))
        chmod(made, 0o755)
        self.inbox = scratch.appending(inbox)
        self.options = options
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
            for await event in events { self?.contents.withLock { $0.told.append(Told(event, below: root)) } }
        }
        // File-system rights belong to a thread on Linux, and new threads inherit them.
        if isUnprivileged { Shell.setFileSystemUser(65534) }
        defer { if isUnprivileged { Shell.setFileSystemUser(0) } }
        try watcher.start()
    }

    func keep(_ descriptor: CInt) { contents.withLock { $0.descriptors.append(descriptor) } }
    func keep(mount: BytePath) { contents.withLock { $0.mounts.append(mount) } }

    /// Waits until everything expected has been told, in any order.
    func expect(_ expected: [Told], within timeout: Duration = .seconds(15)) async throws {
        let deadline = ContinuousClock.now + timeout
        let named = expected.contains(where: \.isState)
        var open = expected
        while !open.isEmpty {
            for told in contents.withLock({ contents in
                defer { contents.told = [] }
                return contents.told
            }) {
                if let index = open.firstIndex(where: { $0.matches(told) }) {
                    open.remove(at: index)
                } else if !told.isState || (named && !expected.contains { $0.isState && $0 != told }) {
                    throw StageFailure("unexpected: \(told); still waiting for \(open)")
                }
            }
            if open.isEmpty { break }
            guard ContinuousClock.now < deadline else { throw StageFailure("not told: \(open); \(state)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Keeps touching a file until everything expected has been told.
    func expect(_ expected: [Told], whileTouching path: BytePath, every interval: Duration) async throws {
        let touching = Task {
            while !Task.isCancelled {
                try await Step.touch(path).run(self)
                try await Task.sleep(for: interval)
            }
        }
        do {
            try await expect(expected)
            touching.cancel()
            _ = try? await touching.value
            // A last touch may have come after the last thing expected; what it leads to is not waited for.
            try await Task.sleep(for: options.settle * 4)
            contents.withLock { $0.told = [] }
        } catch {
            touching.cancel()
            throw error
        }
    }

    /// Fails if anything is told within a time.
    func expectNothing(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
        let told = contents.withLock { contents in
            defer { contents.told = [] }
            return contents.told
        }
        let surplus = told.filter { !$0.isState }
        if !surplus.isEmpty { throw StageFailure("unexpected: \(surplus)") }
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
        return "\(snapshot.state); waiting for \(waiting), \(snapshot.reported) reported, \(snapshot.directories) directories, \(snapshot.watches) watches"
    }
}

struct StageFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
