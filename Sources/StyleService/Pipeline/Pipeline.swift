import Crypto
import Foundation
import Logging
import Photos
import SystemdKit

/// Takes photos from the ledger and makes pictures of them, on three threads: one reads and decodes the next photo while the second
/// translates (with all processors) and the third encodes and publishes the last one. Between two threads waits at most one
/// photo, so that memory does not grow with the queue.
///
/// Every step that changes the disk is noted in the ledger before it is taken, or can be told from the disk afterwards, so that a
/// death at any moment leaves exactly one picture of each photo after the next start.
public final class Pipeline: Sendable {
    let ledger: Ledger
    let translator: any PhotoTranslating
    let logger: Logger
    let state: Monitor<PipelineState>
    let watchdog: Watchdog
    /// Asked to look at a file again that was not as the ledger says, and told that a file is taken away.
    let reexamine: @Sendable (InboxFile) -> Void
    let takenAway: @Sendable (InboxFile) -> Void
    /// Called when something has changed that the service's status tells.
    let statusChanged: @Sendable () -> Void

    public init(
        configuration: Configuration, ledger: Ledger, translator: any PhotoTranslating, logger: Logger,
        watchdog: Watchdog = Watchdog(interval: nil), reexamine: @escaping @Sendable (InboxFile) -> Void = { _ in }, takenAway: @escaping @Sendable (InboxFile) -> Void = { _ in },
        statusChanged: @escaping @Sendable () -> Void = {}
    ) {
        self.ledger = ledger
        self.translator = translator
        self.logger = logger
        self.watchdog = watchdog
        self.reexamine = reexamine
        self.takenAway = takenAway
        self.statusChanged = statusChanged
        state = Monitor(PipelineState(configuration: configuration))
    }

    public func start() {
        startThread("reading") { self.takeLoop() }
        startThread("translating") { self.translateLoop() }
        startThread("writing") { self.publishLoop() }
    }

    /// Something may be due: files were recorded, or deferred ones hurried.
    public func wake() { state.change { $0.generation += 1 } }

    public func pause(_ isPaused: Bool) { state.change { $0.isPaused = isPaused; $0.generation += 1 } }

    /// Photos in work finish with the configuration that they began with.
    public func apply(_ configuration: Configuration) { state.change { $0.configuration = configuration; $0.generation += 1 } }

    // MARK: Reading

    private func takeLoop() {
        while let entry = nextEntry() {
            watchdog.begin("reading")
            let item = read(entry)
            watchdog.end("reading")
            guard let item else {
                // It was dealt with: nothing of it is in work any more.
                state.change { $0.inWork[entry.id] = nil }
                statusChanged()
                continue
            }
            state.wait(for: { $0.decoded == nil }, then: { state in
                state.decoded = item
                state.inWork[entry.id]?.stage = .waiting
            })
            if entry.isSuspect { state.wait(for: { $0.inWork.isEmpty }) }
        }
        state.change { $0.hasTakerEnded = true }
    }

    /// Waits for the next photo that is due; nil when the service stops.
    private func nextEntry() -> LedgerEntry? {
        while true {
            let ready = state.wait(for: { $0.isStopping || !$0.isPaused && $0.decoded == nil && $0.blocked == nil }, then: { state in
                state.isStopping ? nil : (generation: state.generation, inboxes: state.configuration.inboxes.map(\.key))
            })
            guard let ready else { return nil }
            var wait = Double.infinity
            do {
                if let entry = try ledger.next(inboxes: ready.inboxes) {
                    // The service died with this one in work: it gets the house to itself, so that a next death can be told.
                    if entry.isSuspect { state.wait(for: { $0.isStopping || $0.inWork.isEmpty }) }
                    let isOurs = state.change { state in
                        guard !state.isStopping, !state.isPaused else { return false }
                        let now = Date()
                        state.inWork[entry.id] = WorkStatus(
                            file: entry.file, stage: .reading, started: now, progress: 0, stageStarted: now)
                        return true
                    }
                    if isOurs { return entry }
                    continue
                }
                // A clock that is set makes a time of day mean another wait: it is looked at again now and then.
                if let next = try ledger.nextDue(inboxes: ready.inboxes) { wait = min(Double(next - Ledger.now()) / 1000, 60) }
            } catch {
                logger.error("the ledger cannot be read: \(error)")
                _ = noteDamage(error)
                wait = 5
            }
            state.wait(seconds: wait, for: { $0.isStopping || $0.generation != ready.generation })
        }
    }

    /// Reads, claims and decodes a photo; nil where it was dealt with otherwise.
    private func read(_ entry: LedgerEntry) -> WorkItem? {
        let configuration = state.read(\.configuration)
        guard let inbox = configuration.inboxes.first(where: { $0.key == entry.file.inbox }) else { return nil }
        let source = inbox.inbox.appending(entry.file.path)
        do {
            let model = try translator.model(for: inbox.picture.style)
            guard let bytes = try readSource(entry, source, limit: configuration.limits.maxFileBytes) else { return nil }
            let hash = Array(SHA256.hash(data: bytes))
            let settings = inbox.picture.fingerprint
            if inbox.originals == .keep, try isStyledAlready(entry, hash: hash, settings: settings, model: model) { return nil }
            var item = WorkItem(
                entry: entry, inbox: inbox, source: source, hash: hash, model: model, started: Date(),
                content: .earlierPicture(BytePath.empty, entry.file.identity, .jpeg), dimensions: (0, 0))
            if inbox.duplicates == .reuse {
                waitForSameContent(entry.id, key: hash + model.hash + Array(settings.utf8))
                if state.read(\.isStopping) { return nil }
                if let earlier = try earlierPicture(hash: hash, settings: settings, model: model, except: entry.id),
                    let format = bytes.withUnsafeBytes(PhotoFormat.sniff)
                {
                    guard try ledger.claim(entry.id, hash: hash, settings: settings, model: model) else { return nil }
                    try FailurePoint.reached(.claimed)
                    item.content = .earlierPicture(earlier.path, earlier.identity, format)
                    return item
                }
            }
            guard try ledger.claim(entry.id, hash: hash, settings: settings, model: model) else { return nil }
            try FailurePoint.reached(.claimed)
            var limits = configuration.limits
            limits.truncated = inbox.picture.truncated
            let photo = try translator.decode(bytes, limits: limits)
            try FailurePoint.reached(.decoded)
            item.content = .decoded(photo)
            item.dimensions = (photo.width, photo.height)
            item.warnings = photo.warnings
            return item
        } catch {
            settle(entry, inbox, error)
            return nil
        }
    }

    /// The photo's bytes; nil where it is gone or no longer the file that was complete.
    private func readSource(_ entry: LedgerEntry, _ source: BytePath, limit: Int) throws -> [UInt8]? {
        do {
            let descriptor = try Files.openForReading(source)
            defer { close(descriptor) }
            let before = FileIdentity(try Files.status(of: descriptor, source))
            let bytes = before.isSameContent(as: entry.file.identity) ? try Files.read(descriptor, path: source, limit: limit) : []
            let after = FileIdentity(try Files.status(of: descriptor, source))
            if after.isSameContent(as: entry.file.identity), bytes.count == Int(after.size) { return bytes }
        } catch let error as SystemError where error.isMissing {}
        try withdraw(entry)
        return nil
    }

    /// The file is gone from the inbox or being written again: the ledger forgets this state of it, and the watcher looks anew.
    func withdraw(_ entry: LedgerEntry) throws {
        try ledger.forget(entry.id)
        reexamine(entry.file)
        logger.debug("withdrawn or changed before it was done: \(entry.file.path)", metadata: .photo(entry.file))
    }

    /// Where originals stay in the inbox, a file that was only touched has its picture already.
    private func isStyledAlready(_ entry: LedgerEntry, hash: [UInt8], settings: String, model: ModelIdentity) throws -> Bool {
        let earlier = try ledger.history(inbox: entry.file.inbox, path: entry.file.path).first { $0.id != entry.id && $0.disposal == .kept }
        guard let earlier, earlier.hash == hash, let output = earlier.output, try Files.statusIfPresent(of: output) != nil else { return false }
        try ledger.adoptIdentity(of: entry, for: earlier)
        return true
    }

    /// Waits for a photo in work with the same bytes, so that its picture can be copied.
    private func waitForSameContent(_ id: Int64, key: [UInt8]) {
        state.change { $0.inWork[id]?.contentKey = key }
        watchdog.end("reading")
        defer { watchdog.begin("reading") }
        state.wait(for: { state in
            state.isStopping || !state.inWork.contains { $0.key != id && $0.value.contentKey == key }
        })
    }

    private func earlierPicture(
        hash: [UInt8], settings: String, model: ModelIdentity, except id: Int64
    ) throws -> (path: BytePath, identity: FileIdentity)? {
        for earlier in try ledger.sameContent(hash: hash, settings: settings, modelHash: model.hash, except: id) {
            guard let output = earlier.output, let published = earlier.outputIdentity, let now = try Files.identity(of: output),
                now.isSameContent(as: published)
            else { continue }
            return (output, now)
        }
        return nil
    }

    // MARK: Translating

    private func translateLoop() {
        while true {
            let next = state.wait(for: { $0.decoded != nil || $0.hasTakerEnded }, then: { state -> WorkItem? in
                defer { state.decoded = nil }
                return state.decoded
            })
            guard var item = next else { break }
            if state.read(\.isStopping) {
                release(item.entry)
                continue
            }
            do {
                if case .decoded(let photo) = item.content {
                    item.content = .translated(try translate(photo, item))
                    try FailurePoint.reached(.translated)
                }
                state.wait(for: { $0.translated == nil }, then: { state in
                    state.translated = item
                    state.inWork[item.entry.id]?.stage = .waiting
                })
            } catch {
                settle(item.entry, item.inbox, error)
                state.change { $0.inWork[item.entry.id] = nil }
                statusChanged()
            }
        }
        state.change { $0.hasTranslatorEnded = true }
    }

    private func translate(_ photo: Photo, _ item: WorkItem) throws -> Photo {
        let id = item.entry.id
        state.change { state in
            state.inWork[id]?.stage = .translating
            state.inWork[id]?.stageStarted = Date()
        }
        statusChanged()
        watchdog.begin("translating")
        defer { watchdog.end("translating") }
        return try translator.translate(photo, model: item.model, settings: item.inbox.picture) { [state, watchdog] progress in
            watchdog.beat("translating")
            return state.change { state in
                state.inWork[id]?.progress = progress
                    return !state.isAbandoning
            }
        }
    }

    // MARK: Writing

    private func publishLoop() {
        while true {
            let next = state.wait(for: { $0.translated != nil || $0.hasTranslatorEnded }, then: { state -> WorkItem? in
                defer { state.translated = nil }
                return state.translated
            })
            guard let item = next else { break }
            state.change { $0.inWork[item.entry.id]?.stage = .writing }
            watchdog.begin("writing")
            do { try publish(item) } catch { settle(item.entry, item.inbox, error) }
            watchdog.end("writing")
            state.change { $0.inWork[item.entry.id] = nil }
            statusChanged()
        }
        state.change { $0.hasPublisherEnded = true }
    }
}
