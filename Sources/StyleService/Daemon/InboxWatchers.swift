import DirectoryWatching
import Foundation
import Logging
import Synchronization

/// The watchers of all inboxes, and what becomes of their events.
final class InboxWatchers: Sendable {
    private struct Watched {
        var configuration: InboxConfiguration
        var rescan: Duration
        var excluded: [BytePath]
        var watcher: DirectoryWatcher
        var state: InboxState = .stopped
    }

    private let watched = Monitor<[String: Watched]>([:])
    private let recorder: Recorder
    private let logger: Logger
    private let changed: @Sendable () -> Void

    init(recorder: Recorder, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.recorder = recorder
        self.logger = logger
        self.changed = changed
    }

    /// Watches the inboxes of a configuration; watchers whose settings have not changed go on undisturbed.
    func apply(_ configuration: Configuration) throws {
        let wanted = Dictionary(uniqueKeysWithValues: configuration.inboxes.map { ($0.key, $0) })
        let outdated = watched.change { all in
            let outdated = all.filter { key, value in
                guard let new = wanted[key] else { return true }
                return new.inbox != value.configuration.inbox || new.originals != value.configuration.originals
                    || new.settle != value.configuration.settle
                    || new.incompleteAfter != value.configuration.incompleteAfter || configuration.rescan != value.rescan
                    || configuration.excludedDirectories(of: new) != value.excluded
            }
            for key in outdated.keys { all[key] = nil }
            return outdated.values.map(\.watcher)
        }
        for watcher in outdated { watcher.stop() }
        for inbox in configuration.inboxes where watched.read({ $0[inbox.key] == nil }) {
            try start(inbox, rescan: configuration.rescan, excluded: configuration.excludedDirectories(of: inbox))
        }
    }

    private func start(_ inbox: InboxConfiguration, rescan: Duration, excluded: [BytePath]) throws {
        var options = WatchOptions()
        options.settle = inbox.settle
        options.networkSettle = max(inbox.settle, options.networkSettle)
        options.incompleteAfter = inbox.incompleteAfter
        options.rescanInterval = rescan
        options.excludedDirectories = excluded
        if inbox.originals == .keep {
            // A start would else read every photo that was ever kept.
            options.isDone = { [recorder, key = inbox.key] path, identity in
                recorder.isDone(InboxFile(inbox: key, path: path, identity: identity))
            }
        }
        let watcher = DirectoryWatcher(root: inbox.inbox, options: options)
        let events = watcher.events()
        watched.change { $0[inbox.key] = Watched(configuration: inbox, rescan: rescan, excluded: excluded, watcher: watcher) }
        // Above this priority libdispatch tries to raise the thread's, and complains in the journal that it may not.
        Task(priority: .utility) { [weak self] in
            for await event in events { self?.handle(event, inbox.key) }
        }
        try watcher.start()
    }

    private func handle(_ event: WatchEvent, _ key: String) {
        switch event {
        case .complete(let file):
            recorder.add(InboxFile(inbox: key, path: file.relative, identity: file.identity))
        case .changed, .vanished:
            break
        case .changedWhileWaiting(let path, let duration):
            logger.notice("still being written after \(Int(duration.seconds)) s: \(path)", metadata: .photo(inbox: key, path))
        case .empty(let path):
            logger.notice("empty, left where it is until it is filled: \(path)", metadata: .photo(inbox: key, path, .fileRefused))
        case .refused(let path, let reason):
            logger.warning("not taken: \(path): \(reason)", metadata: .photo(inbox: key, path, .fileRefused, reason: reason.description))
        case .unreadable(let path, let code):
            let reason = String(cString: strerror(code))
            logger.warning(
                "cannot be read now, tried again: \(path): \(reason)", metadata: .photo(inbox: key, path, .fileRefused, reason: reason))
        case .state(let state):
            watched.change { $0[key]?.state = state }
            switch state {
            case .waiting(let reason):
                logger.warning("inbox \(key) is waited for: \(reason)", metadata: .event(.inboxWaiting, reason: reason))
            case .stopped: break
            case .watching, .polling: logger.info("inbox \(key): \(state)")
            }
            changed()
        case .notice(let text):
            logger.warning("inbox \(key): \(text)")
        }
    }

    /// Waits until every inbox is watched, or absent and waited for.
    func waitUntilWatching() {
        watched.wait(for: { $0.values.allSatisfy { $0.state != .stopped } })
    }

    func watcher(_ key: String) -> DirectoryWatcher? { watched.read { $0[key]?.watcher } }

    func states() -> [String: InboxState] { watched.read { $0.mapValues(\.state) } }

    /// The file is to be waited for anew: it was not what the ledger says.
    func reexamine(_ file: InboxFile) { watcher(file.inbox)?.reexamine(file.path) }

    /// The file is being moved away by the service itself.
    func forget(_ file: InboxFile) { watcher(file.inbox)?.forget(file.path) }

    func rescan() { for watcher in watched.read({ $0.values.map(\.watcher) }) { watcher.rescan() } }

    func stop() {
        for watcher in watched.change({ all in
            defer { all = [:] }
            return all.values.map(\.watcher)
        }) { watcher.stop() }
    }
}

extension Logger.Metadata {
    fileprivate static func photo(inbox: String, _ path: BytePath, _ event: ServiceEvent? = nil, reason: String? = nil) -> Logger.Metadata {
        .photo(InboxFile(inbox: inbox, path: path, identity: FileIdentity(device: 0, inode: 0, size: 0, modified: 0, changed: 0)), event, reason: reason)
    }
}
