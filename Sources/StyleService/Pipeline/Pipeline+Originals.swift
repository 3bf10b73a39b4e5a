import Digests
import Foundation
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration

extension Pipeline {
    /// Moves, keeps or deletes the original of a photo that is done with, as configured. A failure here loses nothing
    /// and concerns nobody else: the picture is published, the original stays where it is, the ledger says why, and the
    /// step is tried again.
    ///
    /// - Parameter isRecovering: the step was begun before, so that the original may have been moved already.
    /// - Returns: whether nothing is left to be done.
    @discardableResult
    func dispose(of entry: LedgerEntry, in inbox: InboxConfiguration, isRecovering: Bool) -> Bool {
        // The writing thread and the housekeeping must not move the same original at once.
        disposing.withLock { _ in
            do {
                guard let isBorrowed = try borrowLease(entry, inbox) else {
                    // Whoever has it deals with it; it is looked at again.
                    state.change { $0.hasStuckOriginals = true }
                    return false
                }
                defer { if isBorrowed { sharing?.release(entry.id) } }
                try whileBlocked(entry.id) {
                    guard let current = try ledger.entry(entry.id), current.disposal == .pending else { return }
                    switch current.state {
                    case .styled: try disposeStyled(current, inbox, isRecovering: isRecovering)
                    case .failed, .quarantined: try disposeFailed(current, inbox, isRecovering: isRecovering)
                    default: break
                    }
                    let disposal = try ledger.entry(entry.id)?.disposal
                    debug(entry, "its original: \(disposal?.rawValue ?? "unknown")")
                    // One that stays in its inbox is not to be done again by others either.
                    if disposal != .kept { try sharing?.forgetDecision(entry.id) }
                }
                return true
            } catch {
                switch Failure(error) {
                case .abandoned: break
                case .elsewhere: state.change { $0.hasStuckOriginals = true }
                default: noteStays(entry, error)
                }
                return false
            }
        }
    }

    /// Writes down why an original stays, once for each reason.
    private func noteStays(_ entry: LedgerEntry, _ error: any Error) {
        var reason = "\(error)"
        if let error = error as? SystemError, error.code == EROFS {
            reason +=
                "; if only the service finds it read-only, the unit needs the drop-in that cyclegan-styled "
                + "--check-config "
                + "prints, and a restart"
        }
        state.change { $0.hasStuckOriginals = true }
        if (try? ledger.entry(entry.id))??.stays == reason { return }
        try? ledger.stays(entry.id, reason)
        logger.warning(
            "the original stays in the inbox for now: \(entry.file.path): \(reason)",
            metadata: .photo(entry.file, .originalStays, reason: reason))
        statusChanged()
    }

    /// Tries again to move the originals that stayed.
    /// - Returns: whether one was moved.
    func retryOriginals() -> Bool {
        var isAnyMoved = false
        state.change { $0.hasStuckOriginals = false }
        // Each that stays says so again.
        do { isAnyMoved = try retryDisposals() > 0 } catch {
            logger.warning("originals could not be looked at: \(error)")
        }
        if isAnyMoved { statusChanged() }
        return isAnyMoved
    }

    private func disposeStyled(_ entry: LedgerEntry, _ inbox: InboxConfiguration, isRecovering: Bool) throws {
        let source = inbox.inbox.appending(entry.file.path)
        // A photo made anew from its archived original: that stays where it is.
        if let archived = entry.source { return try ledger.disposed(entry.id, .archived, destination: archived) }
        switch inbox.originals {
        case .keep:
            try ledger.disposed(entry.id, .kept)
        case .delete:
            if try Files.identity(of: source) != nil { try source.parent.checkWritable() }
            takenAway(entry.file)
            let aside = asideName(entry, of: source)
            let wasThere =
                try aside.map {
                    try FileMover.remove(source, expected: entry.file.identity, throughNameOfItsOwn: $0)
                } ?? FileMover.remove(source, expected: entry.file.identity)
            try FailurePoint.reached(.originalMoved)
            try ledger.disposed(entry.id, wasThere || isRecovering ? .deleted : .gone)
        case .archive:
            let directory = state.read(\.configuration).originals.appending(entry.file.path.parent)
            let destination = try moveOriginal(entry, source, into: directory, isRecovering: isRecovering)
            try FailurePoint.reached(.originalMoved)
            try ledger.disposed(entry.id, destination == nil ? .gone : .archived, destination: destination)
        }
        try FailurePoint.reached(.disposalRecorded)
    }

    private func moveOriginal(
        _ entry: LedgerEntry, _ source: BytePath, into directory: BytePath, isRecovering: Bool
    ) throws -> BytePath? {
        let name = OutputName(keeping: entry.file.path.name)
        func isThisPhoto(_ candidate: BytePath) -> Bool {
            guard let hash = entry.hash, let bytes = try? Files.read(candidate) else { return false }
            return SHA256.hash(bytes) == hash
        }
        // What the ledger has noted of an earlier attempt needs no more than a look.
        let copy = entry.destination.flatMap { entry.hash == nil || isThisPhoto($0) ? $0 : nil }
        if try Files.identity(of: source) != nil { try source.parent.checkWritable() }
        takenAway(entry.file)
        let moved = try FileMover.move(
            source, expected: entry.file.identity, into: directory, as: name, copy: copy,
            reusing: isRecovering ? isThisPhoto : nil, noteCopy: { try ledger.copied(entry.id, to: $0) })
        if moved != nil || !isRecovering { return moved }
        // The move had happened before the service died: the file is one of those that have the name.
        var number = 0
        while let found = try Files.identity(of: directory.appending(name.candidate(number))) {
            let candidate = directory.appending(name.candidate(number))
            if found.isSameFile(as: entry.file.identity)
                || found.size == entry.file.identity.size && isThisPhoto(candidate)
            {
                return candidate
            }
            number += 1
        }
        return nil
    }

    /// Notes that a photo cannot be done, and moves it to the failed directory with its reason beside it.
    func fail(_ entry: LedgerEntry, _ inbox: InboxConfiguration, state: PhotoState = .failed, reason: String) throws {
        try decideFailure(entry, state, reason)
        try ledger.failed(entry.id, state: state, reason: reason)
        try FailurePoint.reached(.failureRecorded)
        logger.warning(
            "failed: \(entry.file.path): \(reason)",
            metadata: .photo(entry.file, state == .failed ? .photoFailed : .photoQuarantined, reason: reason))
        self.state.change { pipeline in
            pipeline.failed += 1
            pipeline.tally.count(state == .quarantined ? .quarantined : .failed, inbox: entry.file.inbox)
        }
        dispose(of: entry, in: inbox, isRecovering: false)
    }

    private func disposeFailed(_ entry: LedgerEntry, _ inbox: InboxConfiguration, isRecovering: Bool) throws {
        if let archived = entry.source { return try ledger.disposed(entry.id, .archived, destination: archived) }
        // Nothing ever leaves such an inbox; the ledger, the journal and cyclegan-style explain have the reason.
        if inbox.originals == .keep { return try ledger.disposed(entry.id, .kept) }
        try setAside(entry, inbox, isRecovering: isRecovering)
    }

    private func setAside(_ entry: LedgerEntry, _ inbox: InboxConfiguration, isRecovering: Bool) throws {
        let source = inbox.inbox.appending(entry.file.path)
        let directory = inbox.failed.appending(entry.file.path.parent)
        let destination = try moveOriginal(entry, source, into: directory, isRecovering: isRecovering)
        try FailurePoint.reached(.failedMoved)
        // Another service that took the photo over writes the reason itself.
        if let sharing, sharing.has(entry.id) { try sharing.check(entry.id) }
        guard let destination else { return try ledger.disposed(entry.id, .gone) }
        let reasonName = OutputName(keeping: destination.name)
        let taken = directory.appending(reasonName.candidate(0, suffix: ReasonFile.suffix))
        if try !isRecovering || Files.statusIfPresent(of: taken) == nil {
            _ = try TemporaryFile.write(Array(ReasonFile.text(entry, movedTo: destination).utf8), in: directory)
                .publish(as: reasonName, suffix: ReasonFile.suffix)
        }
        try FailurePoint.reached(.reasonWritten)
        try ledger.disposed(entry.id, .setAside, destination: destination)
        try FailurePoint.reached(.disposalRecorded)
    }
}

/// The text beside a photo that could not be done.
enum ReasonFile {
    static let suffix = ".reason.txt"

    static func text(_ entry: LedgerEntry, movedTo destination: BytePath) -> String {
        let time = (entry.finished ?? .now).date
            .formatted(.iso8601.dateSeparator(.dash).dateTimeSeparator(.space).timeSeparator(.colon))
        let hash = entry.hash?.description
        return """
            \(BytePath(bytes: destination.name)) could not be turned into a picture.

            Why:      \(entry.reason ?? "unknown")
            When:     \(time)
            Inbox:    \(entry.file.inbox), as \(entry.file.path)
            Size:     \(entry.file.identity.size) bytes
            SHA-256:  \(hash ?? "not computed: the file was not read to its end")

            The file itself is unchanged. Once the cause is removed, try it again with
                cyclegan-style retry \(shellQuoted(destination))
            or by moving it back into the inbox.

            """
    }
}
