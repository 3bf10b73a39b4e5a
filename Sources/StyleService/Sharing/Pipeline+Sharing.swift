import Digests
import Foundation
import Leases
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration
import StyleModels

/// What the pipeline does otherwise where its spool is shared with services of other machines: it takes a photo's lease
/// first, and what becomes of a photo is decided for all of them before it is done.
extension Pipeline {
    /// Whether others may have this row's photo in work. What a person wants made anew is in this ledger alone.
    func isShared(_ entry: LedgerEntry) -> Bool { sharing != nil && !entry.isAnew }

    /// Takes a photo's lease.
    /// - Returns: whether it is to be worked on; if not, it was dealt with.
    func takeLease(_ entry: LedgerEntry, _ inbox: InboxConfiguration) throws -> Bool {
        guard let sharing else { return true }
        let claim = try whileBlocked(entry.id) { try sharing.claim(entry.id, entry.file, in: inbox.inbox) }
        switch claim {
        case .ours(let owners):
            state.change { _ = $0.lostLeases.remove(entry.id) }
            if let owner = owners.last { logTakenOver(entry, owner) }
            for name in sharing.temporariesOfPredecessors(entry.id) {
                try? Files.unlinkIfPresent(inbox.outbox.appending(entry.file.path.parent).appending(name))
            }
            guard entry.deaths >= Self.allowedDeaths else { return true }
            try fail(entry, inbox, state: .quarantined, reason: Self.deathReason(entry.deaths))
        case .decided(let decision, let shared): try adopt(decision, shared, entry, inbox)
        case .elsewhere(let owner):
            debug(entry, "in work elsewhere" + (owner.map { ", by \($0.shown)" } ?? ""))
            noteElsewhere(entry.id, owner)
        case .gone: try withdraw(entry)
        }
        return false
    }

    private func noteElsewhere(_ id: Int64, _ owner: LeaseOwner?) {
        guard let sharing else { return }
        state.change {
            $0.elsewhere[id] = PipelineState.Elsewhere(owner: owner?.shown, nextLook: .now + sharing.interval)
            // The reading thread may sleep, and must know when to look again.
            $0.generation += 1
        }
    }

    /// Nothing of a photo is in work any more.
    func leave(_ id: Int64) {
        sharing?.release(id)
        state.change { state in
            state.inWork[id] = nil
            state.lostLeases.remove(id)
        }
    }

    /// Another service has a photo that was in work here.
    func giveToOthers(_ entry: LedgerEntry) throws {
        try ledger.release(entry.id)
        noteElsewhere(entry.id, nil)
        logger.warning(
            "taken over by another service, since its lease was not renewed in time: \(entry.file.path)",
            metadata: .photo(entry.file, .leaseLost))
    }

    private func logTakenOver(_ entry: LedgerEntry, _ owner: LeaseOwner) {
        // The service itself, before it was started again.
        if owner.service == sharing?.leases.owner.service { return }
        logger.notice(
            "taken over from \(owner.shown), which has not renewed its lease: \(entry.file.path)",
            metadata: .photo(entry.file, .leaseTakenOver, reason: owner.shown))
    }

    // MARK: Decisions

    /// Decides, for all services, that a picture is this photo's: from then on it only has to get its name.
    func decide(_ temporary: TemporaryFile, _ name: OutputName, _ item: WorkItem) throws {
        let entry = item.entry, directory = temporary.path.parent
        var number = 0
        while try Files.statusIfPresent(of: directory.appending(name.candidate(number))) != nil { number += 1 }
        let target = directory.appending(name.candidate(number))
        try ledger.publishing(entry.id, temporary: temporary, output: target)
        try FailurePoint.reached(.publicationRecorded)
        // Its temporary name must outlive a power failure that the decision outlives.
        try Files.synchronizeDirectory(directory)
        try sharing?.decide(
            entry.id, entry.file,
            SharedDecision(
                styled: entry.file.path.parent.appending(target.name), temporary.identity,
                temporary: temporary.path.lastComponent,
                hash: item.hash, model: item.model, settings: item.inbox.picture.fingerprint))
        try FailurePoint.reached(.decided)
    }

    /// Decides, for all services, that there will be no picture. May be tried again where the ledger could not be
    /// written after it.
    func decideFailure(_ entry: LedgerEntry, _ failure: PhotoState, _ reason: String) throws {
        guard let sharing, isShared(entry) else { return }
        if let (_, decision) = try sharing.decision(entry.id), decision.photoState != .styled { return }
        try sharing.decide(entry.id, entry.file, SharedDecision(failed: failure, reason: reason))
    }

    /// Gives the picture that was decided on its name, if it has none yet. Several services may do this one after the
    /// other, also while one of them sleeps in the middle of it: the temporary name is what is linked from, and whoever
    /// has linked it removes it, so that there is nothing to link from any more.
    /// - Returns: the picture's path.
    func complete(_ entry: LedgerEntry, _ inbox: InboxConfiguration) throws -> BytePath {
        guard let sharing, let (_, decision) = try sharing.decision(entry.id), let picture = decision.picture?.bytePath
        else { throw Failure.passing("it is decided that it has a picture, and not which") }
        var target = inbox.outbox.appending(picture)
        guard let temporary = decision.temporary.map({ target.parent.appending($0.bytePath) }) else { return target }
        try sharing.check(entry.id)
        guard try Files.identity(of: temporary)?.inode == decision.pictureInode else { return target }
        let name = pictureName(entry.file.path, inbox, Self.format(ofPicture: target) ?? .jpeg)
        var number = 0
        while true {
            do {
                try Files.link(temporary, to: target)
                break
            } catch let error as SystemError where error.code == EEXIST {
                if try Files.identity(of: target)?.inode == decision.pictureInode { break }
                debug(entry, "\(target) is taken")
                while try Files.statusIfPresent(of: target) != nil {
                    target = target.parent.appending(name.candidate(number))
                    number += 1
                }
                // Which sees to it that the lease is still this service's.
                try sharing.rename(entry.id, entry.file, to: entry.file.path.parent.appending(target.name))
            } catch let error as SystemError where error.isGone {
                // Another has done it a moment ago.
                return target
            }
        }
        // Never is there a moment in which the disk has neither name.
        try Files.synchronizeDirectory(target.parent)
        try Files.unlinkIfPresent(temporary)
        return target
    }

    /// Brings a photo to its end about which another service, or an earlier run of this one, has decided.
    private func adopt(
        _ decision: Decision, _ shared: SharedDecision, _ entry: LedgerEntry, _ inbox: InboxConfiguration
    ) throws {
        if let inode = shared.pictureInode, try ledger.wasDealtWith(entry, picture: inode) {
            // This service had come to the end, but for forgetting what it decided.
            try sharing?.forgetDecision(entry.id)
            return try withdraw(entry)
        }
        let owner = decision.record.owner
        let host = owner.service == sharing?.leases.owner.service ? nil : owner.process.host
        try whileBlocked(entry.id) {
            switch shared.photoState {
            case .styled:
                let output = try complete(entry, inbox)
                try? Files.synchronizeDirectory(output.parent)
                if inbox.originals == .keep, let earlier = try ledger.earlierKept(entry),
                    earlier.hash?.description == shared.sha256
                {
                    // Only touched: one row for one picture.
                    return try ledger.adoptIdentity(of: entry, for: earlier)
                }
                try ledger.adoptStyled(entry.id, shared, output: output, by: host)
                logger.info(
                    "styled\(host.map { " by \($0)" } ?? ""): \(entry.file.path) as \(output)",
                    metadata: .photo(entry.file))
            case .failed, .quarantined, .seen, .settling, .ready, .claimed, .deferred:
                try ledger.failed(entry.id, state: shared.photoState, reason: shared.reason ?? "unknown")
                try ledger.doneElsewhere(entry.id, by: host)
            }
        }
        dispose(of: entry, in: inbox, isRecovering: true)
    }

    /// Where originals stay in the inbox: a file that was only touched since another service has made its picture needs
    /// no second one.
    /// - Returns: whether it is such a file.
    func adoptTouched(_ entry: LedgerEntry, _ inbox: InboxConfiguration, hash: SHA256Digest) throws -> Bool {
        guard let sharing, var earlier = try sharing.earlierDecision(entry.file, hash: hash),
            let picture = earlier.picture?.bytePath,
            try Files.statusIfPresent(of: inbox.outbox.appending(picture)) != nil
        else { return false }
        earlier.temporary = nil
        try sharing.decide(entry.id, entry.file, earlier)
        guard let (decision, shared) = try sharing.decision(entry.id) else { return false }
        try adopt(decision, shared, entry, inbox)
        debug(entry, "only touched: \(picture) is its picture")
        return true
    }

    /// The same where this ledger alone knows of the picture.
    func shareTouched(_ entry: LedgerEntry, _ earlier: LedgerEntry, _ inbox: InboxConfiguration) throws {
        guard let sharing, let hash = earlier.hash, let settings = earlier.settings, let model = earlier.modelHash,
            let picture = earlier.output?.relative(to: inbox.outbox)
        else { return }
        let identity = ModelIdentity(name: earlier.model ?? "", path: "", hash: model)
        try sharing.decide(
            entry.id, entry.file,
            SharedDecision(
                styled: picture, earlier.outputIdentity, temporary: nil, hash: hash, model: identity, settings: settings
            ))
    }

    // MARK: Originals

    /// Takes the lease of a photo that is done with, for as long as its original is dealt with.
    /// - Returns: whether it was taken for that alone; nil where another service deals with it.
    func borrowLease(_ entry: LedgerEntry, _ inbox: InboxConfiguration) throws -> Bool? {
        guard let sharing, isShared(entry) else { return false }
        if sharing.has(entry.id) {
            try sharing.check(entry.id)
            return false
        }
        switch try sharing.claim(entry.id, entry.file, in: inbox.inbox) {
        case .ours, .gone: break
        case .decided(_, let decision):
            // What is decided is forgotten with the original: its picture must have its name alone by then.
            if decision.photoState == .styled {
                do { _ = try complete(entry, inbox) } catch {
                    sharing.release(entry.id)
                    throw error
                }
            }
        case .elsewhere: return nil
        }
        return true
    }

    /// The name under which an original is put aside before it is deleted; nil where no other service can be at it.
    func asideName(_ entry: LedgerEntry, of source: BytePath) -> BytePath? {
        guard isShared(entry) else { return nil }
        return source.parent.appending("\(TemporaryFile.prefix)\(entry.file.leaseKey).removing")
    }

    /// Forgets, for all services, that a photo failed, since a person wants it tried again.
    /// - Returns: false where another service has it in work.
    func forgetDecision(on entry: LedgerEntry, in inbox: InboxConfiguration) throws -> Bool {
        guard let sharing, isShared(entry) else { return true }
        defer { sharing.release(entry.id) }
        switch try sharing.claim(entry.id, entry.file, in: inbox.inbox) {
        case .elsewhere: return false
        case .ours, .gone: return true
        case .decided(_, let decision):
            if decision.photoState != .styled { try sharing.forgetDecision(entry.id) }
            return true
        }
    }

    // MARK: What others have left

    /// Takes up a photo whose lease nobody renews, also where this ledger has not heard of it yet.
    func takeUp(_ lease: ForeignLease) {
        do {
            let work = lease.record.flatMap { SharedWork(text: $0.text) }
            if let work {
                let inboxes = state.read(\.configuration.inboxes)
                guard let inbox = inboxes.first(where: { $0.key == work.inbox }) else { return }
                let file = work.photo(in: inbox.inbox)
                // In this order: the watcher may record it at the same moment.
                if try !ledger.isWaiting(file) { try ledger.record([file]) }
                if try ledger.isWaiting(file) { return wake() }
            }
            // Nothing is left to be done but to remove it.
            guard let sharing, case .taken(let taken) = try sharing.leases.acquire(lease.key, text: "") else { return }
            sharing.leases.release(taken)
        } catch { logger.debug("a lease that nobody renews could not be taken up: \(error)") }
    }

    /// Forgets what was decided about photos that have left their inbox.
    func tidyDecisions() throws {
        guard let sharing else { return }
        let inboxes = state.read(\.configuration.inboxes)
        var forgotten = 0
        for key in try sharing.leases.decidedKeys() {
            if state.read(\.isStopping) { return }
            guard let decision = try? sharing.leases.decision(key), let work = SharedWork(text: decision.record.text),
                let inbox = inboxes.first(where: { $0.key == work.inbox }),
                (try? Files.status(ofTarget: inbox.inbox)) != nil
            else { continue }
            let path = inbox.inbox.appending(work.file.bytePath)
            try? Files.refresh(path.parent)
            if let found = try Files.identity(of: path) {
                // One that was only touched is known by what was decided before, until that is decided anew.
                let now = InboxFile(inbox: work.inbox, path: work.file.bytePath, identity: found)
                if now.leaseKey == key { continue }
                if try sharing.leases.decision(now.leaseKey) == nil { continue }
            }
            // Whoever has it in work forgets it himself, or whoever takes it over.
            guard try sharing.leases.isFree(key) else { continue }
            // One that was not brought to its end is taken up.
            if let temporary = work.decision?.temporary, let picture = work.decision?.picture?.bytePath,
                try Files.statusIfPresent(of: inbox.outbox.appending(picture.parent).appending(temporary.bytePath))
                    != nil
            {
                if try !ledger.record([work.photo(in: inbox.inbox)]).isEmpty { wake() }
                continue
            }
            guard case .taken(let lease) = try sharing.leases.acquire(key, text: decision.record.text) else { continue }
            defer { sharing.leases.release(lease) }
            if lease.replaced.isEmpty, let latest = try sharing.leases.decision(key), latest.inode == decision.inode {
                try sharing.leases.forget(latest)
                forgotten += 1
            }
        }
        if forgotten > 0 { logger.info("forgot what was decided about \(forgotten) photos that have left their inbox") }
    }

    /// Whether a temporary file that is not this run's may be another service's, which needs it still.
    func isOfOthers(_ path: BytePath, _ changed: Int64, now: Int64?) -> Bool {
        guard let sharing else { return false }
        if let key = TemporaryFile.leaseKey(path.name) {
            // What cannot be told is left alone.
            do { return try !sharing.leases.isFree(key) || sharing.leases.decision(key) != nil } catch { return true }
        }
        // A copy of an original, a reason: written in moments. By the file system's own clock.
        return now.map { $0 - changed < Self.ageOfLeftovers } ?? true
    }

    /// Nanoseconds.
    private static let ageOfLeftovers: Int64 = 3600 * 1_000_000_000
}
