import Digests
import Foundation
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration
import StyleModels
import Synchronization
import SystemdKit
import Threads

/// The first thread: takes what is due, reads, claims and decodes it.
extension Pipeline {
    func takeLoop() {
        while let entry = nextEntry() {
            watchdog.begin("reading")
            let item = read(entry)
            watchdog.end("reading")
            guard let item else {
                // It was dealt with: nothing of it is in work any more.
                leave(entry.id)
                statusChanged()
                continue
            }
            state.wait(
                for: { $0.decoded == nil },
                then: { state in
                    state.decoded = item
                    state.inWork[entry.id]?.stage = .waiting
                })
            if entry.isSuspect { state.wait(for: { $0.isNothingMoving }) }
        }
        state.change { $0.ended = .taking }
    }

    /// Waits for the next photo that is due; nil when the service stops.
    private func nextEntry() -> LedgerEntry? {
        while true {
            let ready = state.wait(
                for: { $0.isStopping || $0.mayBegin },
                then: { state in
                    state.isStopping ? nil : (generation: state.generation, inboxes: state.openInboxes)
                })
            guard let ready else { return nil }
            var wait = Double.infinity
            do {
                let (away, look) = photosElsewhere()
                if let entry = try ledger.next(inboxes: ready.inboxes, except: away) {
                    // The service died with this one in work: it gets the house to itself, so that a next death can be
                    // told.
                    if entry.isSuspect { state.wait(for: { $0.isStopping || $0.isNothingMoving }) }
                    let isOurs = state.change { state in
                        guard !state.isStopping, !state.isPaused, state.blockedInboxes[entry.file.inbox] == nil else {
                            return false
                        }
                        let now = Date()
                        state.inWork[entry.id] = WorkStatus(
                            file: entry.file, stage: .reading, started: now, progress: 0, stageStarted: now)
                        return true
                    }
                    if isOurs { return entry }
                    continue
                }
                // A clock that is set makes a time of day mean another wait: it is looked at again now and then.
                if let next = try ledger.nextDue(inboxes: ready.inboxes) { wait = min((next - .now).seconds, 60) }
                if let look { wait = min(wait, max(0, (look - .now).seconds)) }
            } catch {
                logger.error("the ledger cannot be read: \(error)")
                _ = noteDamage(error)
                wait = 5
            }
            state.wait(seconds: wait, for: { $0.isStopping || $0.generation != ready.generation })
        }
    }

    /// The rows whose photos other services have in work, and when the first of them is to be looked at again.
    private func photosElsewhere() -> (rows: [Int64], look: ContinuousClock.Instant?) {
        guard sharing != nil else { return ([], nil) }
        return state.change { state in
            let now = ContinuousClock.now
            state.elsewhere = state.elsewhere.filter { $0.value.nextLook > now }
            return (Array(state.elsewhere.keys), state.elsewhere.values.map(\.nextLook).min())
        }
    }

    /// Reads, claims and decodes a photo; nil where it was dealt with otherwise.
    private func read(_ entry: LedgerEntry) -> WorkItem? {
        let configuration = state.read(\.configuration)
        guard var inbox = configuration.inboxes.first(where: { $0.key == entry.file.inbox }) else { return nil }
        inbox.picture.style = entry.ownStyle ?? inbox.picture.style
        inbox.picture.strength = entry.ownStrength ?? inbox.picture.strength
        let source = entry.source ?? inbox.inbox.appending(entry.file.path)
        do {
            if isShared(entry), try !takeLease(entry, inbox) { return nil }
            let model = try translator.model(for: inbox.picture.style)
            guard let bytes = try readSource(entry, source, limit: configuration.limits.maxFileBytes) else {
                return nil
            }
            state.change { $0.tally.read(bytes: bytes.count) }
            let hash = SHA256.hash(bytes)
            try noteReturns(of: entry, hash: hash)
            let settings = inbox.picture.fingerprint
            if inbox.originals == .keep, !entry.isAnew {
                if isShared(entry), try adoptTouched(entry, inbox, hash: hash) { return nil }
                if try isStyledAlready(entry, inbox, hash: hash) { return nil }
            }
            let started = Date()
            func item(_ content: WorkItem.Content, warnings: [String] = []) -> WorkItem {
                WorkItem(
                    entry: entry, inbox: inbox, source: source, hash: hash, model: model, started: started,
                    content: content,
                    warnings: warnings)
            }
            if inbox.duplicates == .reuse, !entry.isAnew {
                waitForSameContent(entry.id, key: hash.bytes + model.hash.bytes + Array(settings.utf8))
                if state.read(\.isStopping) { return nil }
                if let earlier = try earlierPicture(hash, settings, model, except: entry.id) {
                    guard try ledger.claim(entry.id, hash: hash, settings: settings, model: model) else { return nil }
                    try FailurePoint.reached(.claimed)
                    debug(
                        entry,
                        "the same bytes were styled before with the same model and settings; copies \(earlier.path)")
                    return item(.finished(.earlier(earlier)))
                }
            }
            guard try ledger.claim(entry.id, hash: hash, settings: settings, model: model) else { return nil }
            try FailurePoint.reached(.claimed)
            debug(entry, "in work, \(bytes.count) bytes, SHA-256 \(hash)")
            var limits = configuration.limits
            limits.truncated = inbox.picture.truncated
            let photo = try translator.decode(bytes, limits: limits)
            try FailurePoint.reached(.decoded)
            if !entry.isAnew { decoded(photo, hash, inbox.key) }
            debug(entry, "decoded, \(photo.width)x\(photo.height), to be styled by \(model.name) (\(settings))")
            return item(.decoded(photo), warnings: photo.warnings)
        } catch let error as PhotoError where [.notAPhoto, .unsupported].contains(error.kind) && entry.source == nil {
            passOver(entry, inbox, error)
            return nil
        } catch {
            settle(entry, inbox, error)
            return nil
        }
    }

    /// What is no photo is a failure, unless it may lie where it lies: beside the photo that it belongs to, or among
    /// files that stay.
    private func passOver(_ entry: LedgerEntry, _ inbox: InboxConfiguration, _ error: PhotoError) {
        let sidecar = Sidecar.reason(entry.file.path) { photo in
            (try? Files.statusIfPresent(of: inbox.inbox.appending(photo))) ?? nil != nil
                || (try? ledger.history(inbox: inbox.key, path: photo, limit: 1).isEmpty) == false
        }
        guard sidecar != nil || inbox.originals == .keep && error.kind == .notAPhoto else {
            return settle(entry, inbox, error)
        }
        let reason = sidecar.map { "\(error.reason); \($0)" } ?? error.reason
        do { try whileBlocked(entry.id) { try ledger.passedOver(entry.id, reason: reason) } } catch {
            settle(entry, inbox, error)
        }
        logger.info(
            "left alone: \(entry.file.path): \(reason)", metadata: .photo(entry.file, .fileRefused, reason: reason))
    }

    /// The photo's bytes; nil where it is gone or no longer the file that was complete.
    private func readSource(_ entry: LedgerEntry, _ source: BytePath, limit: Int) throws -> [UInt8]? {
        do {
            let file = try Descriptor.forReading(source)
            let before = try file.identity()
            guard before.size <= limit || !before.isSameContent(as: entry.file.identity) else {
                throw Failure.permanent(
                    "the file is larger than limits.max-file-bytes allows; raise that value if such files are expected")
            }
            try AddressSpace.require(Int(clamping: before.size), for: "reading the file")
            let bytes = before.isSameContent(as: entry.file.identity) ? try file.readAll(limit: limit) : []
            let after = try file.identity()
            if after.isSameContent(as: entry.file.identity), bytes.count == Int(after.size) { return bytes }
        } catch let error as SystemError where error.isMissing {}
        try withdraw(entry)
        return nil
    }

    /// The file is gone from the inbox or being written again: the ledger forgets this state of it, and the watcher
    /// looks anew.
    func withdraw(_ entry: LedgerEntry) throws {
        try ledger.forget(entry.id)
        reexamine(entry.file)
        logger.debug("withdrawn or changed before it was done: \(entry.file.path)", metadata: .photo(entry.file))
    }

    /// A failed photo that a person has moved back by hand is no longer one that failed.
    private func noteReturns(of entry: LedgerEntry, hash: SHA256Digest) throws {
        for earlier in try ledger.failedBefore(entry, hash: hash) {
            guard let place = earlier.destination, try Files.statusIfPresent(of: place) == nil else { continue }
            try ledger.disposed(earlier.id, .broughtBack)
            forgetFailure(earlier)
        }
    }

    /// A failure that is being tried again is not counted a second time.
    func forgetFailure(_ entry: LedgerEntry) {
        guard let finished = entry.finished else { return }
        state.change { if finished.date >= $0.started { $0.failed = max(0, $0.failed - 1) } }
    }

    /// Where originals stay in the inbox, a file that was only touched has its picture already.
    private func isStyledAlready(_ entry: LedgerEntry, _ inbox: InboxConfiguration, hash: SHA256Digest) throws -> Bool {
        guard let earlier = try ledger.earlierKept(entry), earlier.hash == hash, let output = earlier.output,
            try Files.statusIfPresent(of: output) != nil
        else { return false }
        if isShared(entry) { try shareTouched(entry, earlier, inbox) }
        try ledger.adoptIdentity(of: entry, for: earlier)
        debug(entry, "only touched: \(output) is its picture")
        return true
    }

    /// Waits for a photo in work with the same bytes, so that its picture can be copied.
    private func waitForSameContent(_ id: Int64, key: [UInt8]) {
        state.change { $0.inWork[id]?.contentKey = key }
        watchdog.end("reading")
        defer { watchdog.begin("reading") }
        state.wait(for: { state in
            state.isStopping
                || !state.inWork.contains { $0.key != id && $0.value.contentKey == key && $0.value.stage != .blocked }
        })
    }

    /// A picture is called by the format it was written in.
    static func format(ofPicture path: BytePath) -> PhotoFormat? {
        path.name.lastIndex(of: UInt8(ascii: ".")).flatMap {
            PhotoFormat(fileExtension: String(decoding: path.name[($0 + 1)...], as: UTF8.self))
        }
    }

    private func earlierPicture(
        _ hash: SHA256Digest, _ settings: String, _ model: ModelIdentity, except id: Int64
    ) throws -> EarlierPicture? {
        for earlier in try ledger.sameContent(hash: hash, settings: settings, modelHash: model.hash, except: id) {
            guard let output = earlier.output, let published = earlier.outputIdentity,
                let now = try Files.identity(of: output),
                now.isSameContent(as: published), let format = Self.format(ofPicture: output)
            else { continue }
            return EarlierPicture(path: output, identity: now, format: format)
        }
        return nil
    }
}
