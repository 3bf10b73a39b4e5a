import DirectoryWatching
import Foundation
import LinuxFiles
import Logging
import Publishing
import ServiceConfiguration
import Synchronization
import Threads

/// The watchers of all inboxes, and what becomes of their events.
final class InboxWatchers: Sendable {
    private struct Watched {
        /// What it was started for: see `Configuration.watcherFingerprint`.
        var fingerprint: [String]
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
                wanted[key].map { configuration.watcherFingerprint(of: $0) != value.fingerprint } ?? true
            }
            for key in outdated.keys { all[key] = nil }
            return outdated.values.map(\.watcher)
        }
        for watcher in outdated { watcher.stop() }
        for inbox in configuration.inboxes where watched.read({ $0[inbox.key] == nil }) {
            try start(inbox, configuration)
        }
    }

    private func start(_ inbox: InboxConfiguration, _ configuration: Configuration) throws {
        var options = WatchOptions()
        options.settle = inbox.settle
        options.networkSettle = max(inbox.settle, options.networkSettle)
        options.incompleteAfter = inbox.incompleteAfter
        options.rescanInterval = configuration.rescan
        options.excludedDirectories = configuration.excludedDirectories(of: inbox)
        options.structuralEnd = StructuralEnd.ofPhoto
        if inbox.originals == .keep {
            // A start would else read every photo that was ever kept.
            options.isDone = { [recorder, key = inbox.key] path, identity in
                recorder.isDone(InboxFile(inbox: key, path: path, identity: identity))
            }
        }
        // What other machines do in the inbox the kernel does not tell of.
        if configuration.sharedSpool { options.polling = .always }
        options.tellsDecisions = true
        let watcher = DirectoryWatcher(root: inbox.inbox, options: options)
        // On the watcher's own thread. A Swift task would come from libdispatch, whose threads raise their priority,
        // which the unit's sandbox forbids and the journal would tell of.
        watcher.listen { [weak self] event in self?.handle(event, inbox.key) }
        watched.change {
            $0[inbox.key] = Watched(fingerprint: configuration.watcherFingerprint(of: inbox), watcher: watcher)
        }
        try watcher.start()
    }

    private func handle(_ event: WatchEvent, _ key: String) {
        switch event {
        case .complete(let file):
            logger.debug(
                "complete: \(file.relative), \(file.identity.size) bytes", metadata: .photo(inbox: key, file.relative))
            let found = InboxFile(inbox: key, path: file.relative, identity: file.identity)
            if let reason = sidecarReason(key, file.relative) {
                logger.debug("left alone: \(file.relative): \(reason)", metadata: .photo(found))
            } else {
                recorder.add(found)
            }
        case .changed(let path):
            logger.debug("changed since it was complete, waited for again: \(path)", metadata: .photo(inbox: key, path))
        case .vanished(let path):
            logger.debug("gone: \(path)", metadata: .photo(inbox: key, path))
        case .decided(let path, let standing):
            logger.debug("\(path): \(standing)", metadata: .photo(inbox: key, path))
        case .changedWhileWaiting(let path, let duration):
            logger.notice(
                "still being written after \(Int(duration.seconds)) s: \(path)", metadata: .photo(inbox: key, path))
        case .empty(let path):
            logger.notice(
                "empty, left where it is until it is filled: \(path)", metadata: .photo(inbox: key, path, .fileRefused))
        case .refused(let path, let reason):
            logger.warning(
                "not taken: \(path): \(reason)",
                metadata: .photo(inbox: key, path, .fileRefused, reason: reason.description))
        case .unreadable(let path, let code):
            let reason = SystemError.reason(code)
            logger.warning(
                "cannot be read now, tried again: \(path): \(reason)",
                metadata: .photo(inbox: key, path, .fileRefused, reason: reason))
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

    /// Why a file of an inbox is no photo but some photo's sidecar; nil where it is none.
    func sidecarReason(_ key: String, _ path: BytePath) -> String? {
        guard let root = watched.read({ $0[key]?.watcher.root }) else { return nil }
        return Sidecar.reason(path) { [recorder] photo in
            (try? Files.statusIfPresent(of: root.appending(photo))) ?? nil != nil || recorder.isKnown(key, photo)
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
