import Foundation
import Glibc
import Photos

extension Pipeline {
    /// Encodes, writes and publishes a picture, then deals with the original.
    func publish(_ item: WorkItem) throws {
        let entry = item.entry
        let picture = item.inbox.picture
        let format: PhotoFormat
        var bytes: [UInt8] = []
        switch item.content {
        case .translated(let photo), .decoded(let photo):
            format = picture.format.resolved(for: photo.format)
            bytes = try translator.encode(
                photo,
                options: EncodingOptions(format: format, quality: picture.quality, subsampling: picture.subsampling, metadata: picture.metadata))
            try FailurePoint.reached(.encoded)
        case .earlierPicture(_, _, let photoFormat):
            format = picture.format.resolved(for: photoFormat)
        }
        let name = pictureName(entry.file.path, item.inbox, format)
        let mark = SourceMark(
            entry.file.identity, hash: item.hash, modelHash: item.model.hash, settings: picture.fingerprint)
        let directory = item.inbox.outbox.appending(entry.file.path.parent)
        let published = try whileBlocked(entry.id) { () -> BytePath? in
            guard try isUnchanged(entry, at: item.source) else { return nil }
            let modified = item.inbox.keepModificationTime ? entry.file.identity.modified : nil
            let temporary: TemporaryFile
            if case .earlierPicture(let earlier, let identity, _) = item.content {
                guard let copy = try copyEarlier(earlier, identity, in: directory, modified: modified, mark: mark) else {
                    // It was taken away a moment ago: the photo is done anew.
                    try ledger.release(entry.id)
                    return nil
                }
                temporary = copy
            } else {
                temporary = try TemporaryFile.write(bytes, in: directory, modified: modified, mark: mark)
            }
            try FailurePoint.reached(.temporaryWritten)
            do { return try giveName(temporary, name, entry) } catch {
                temporary.discard()
                throw error
            }
        }
        guard let output = published else {
            if try ledger.entry(entry.id)?.state == .claimed { try whileBlocked(entry.id) { try withdraw(entry) } }
            return
        }
        try FailurePoint.reached(.published)
        let seconds = Date().timeIntervalSince(item.started)
        try whileBlocked(entry.id) {
            try Files.synchronizeDirectory(directory)
            try ledger.styled(entry.id, output: output, seconds: seconds)
        }
        try FailurePoint.reached(.styledRecorded)
        logStyled(item, output: output, seconds: seconds)
        state.change { state in
            state.styled += 1
            state.last = (printableName(entry), seconds, Date())
        }
        dispose(of: entry, in: item.inbox, isRecovering: false)
    }

    /// Gives a temporary file the first free name, which the ledger learns before it happens.
    private func giveName(_ temporary: TemporaryFile, _ name: OutputName, _ entry: LedgerEntry) throws -> BytePath {
        var number = 0
        while true {
            let target = temporary.path.parent.appending(name.candidate(number))
            number += 1
            if try Files.statusIfPresent(of: target) != nil { continue }
            try ledger.publishing(entry.id, temporary: temporary, output: target)
            try FailurePoint.reached(.publicationRecorded)
            do {
                try Files.renameWithoutReplacing(temporary.path, to: target)
                return target
            } catch let error as SystemError where error.code == EEXIST {}
        }
    }

    private func copyEarlier(
        _ path: BytePath, _ identity: FileIdentity, in directory: BytePath, modified: Int64?, mark: SourceMark
    ) throws -> TemporaryFile? {
        let descriptor: CInt
        do { descriptor = try Files.openForReading(path) } catch let error as SystemError where error.isMissing { return nil }
        defer { close(descriptor) }
        guard FileIdentity(try Files.status(of: descriptor, path)).isSameContent(as: identity) else { return nil }
        return try TemporaryFile.copy(of: descriptor, path, in: directory, modified: modified, mark: mark)
    }

    private func isUnchanged(_ entry: LedgerEntry, at source: BytePath) throws -> Bool {
        try Files.identity(of: source)?.isSameContent(as: entry.file.identity) ?? false
    }

    /// Repeats a step for as long as nothing can be written: the disk is full, the quota used up, or the file system read-only. All
    /// output pauses meanwhile, since the threads before this one wait for it.
    /// - Throws: `Failure.abandoned` when the service stops in the meantime. Before the start nobody waits: the error itself.
    func whileBlocked<Result>(_ id: Int64, _ step: () throws -> Result) throws -> Result {
        var isBlocked = false
        while true {
            do {
                let result = try step()
                if isBlocked {
                    state.change { state in
                        state.blocked = nil
                        state.generation += 1
                        state.inWork[id]?.stage = .writing
                    }
                    logger.notice("writing goes on", metadata: .event(.outputResumed))
                    statusChanged()
                }
                return result
            } catch {
                guard case .blocked(let reason) = Failure(error), !state.read(\.isStarting) else { throw error }
                if !isBlocked {
                    isBlocked = true
                    state.change { state in
                        state.blocked = reason
                        state.inWork[id]?.stage = .blocked
                    }
                    logger.error(
                        "writing pauses: \(reason). Nothing is lost; it goes on by itself as soon as there is room.",
                        metadata: .event(.outputPaused, reason: reason))
                    statusChanged()
                }
                if state.wait(seconds: 2, for: \.isStopping) {
                    state.change { $0.blocked = nil }
                    throw Failure.abandoned
                }
                for stage in ["reading", "writing"] { watchdog.beat(stage) }
            }
        }
    }

    /// Ends a photo's way after an error.
    func settle(_ entry: LedgerEntry, _ inbox: InboxConfiguration, _ error: any Error) {
        // What a damaged ledger says of this photo no longer matters.
        if noteDamage(error) { return }
        do {
            try whileBlocked(entry.id) {
                switch Failure(error) {
                case .abandoned:
                    try ledger.release(entry.id)
                    logger.notice(
                        "given back at stop, done after the next start: \(entry.file.path)", metadata: .photo(entry.file))
                case .permanent(let reason):
                    try fail(entry, inbox, reason: reason)
                case .passing(let reason), .blocked(let reason):
                    let due = try ledger.deferPhoto(entry, reason: reason)
                    logger.warning(
                        "put off for \(Int(due)) s: \(entry.file.path): \(reason)", metadata: .photo(entry.file, .photoDeferred, reason: reason))
                    state.change { $0.generation += 1 }
                }
            }
        } catch {
            _ = noteDamage(error)
            // Even that could not be written down; the next start finds the photo claimed and takes it up again.
            logger.error("\(entry.file.path): \(error)", metadata: .photo(entry.file))
        }
    }

    /// Tells the daemon where an error means that the ledger is damaged.
    /// - Returns: whether it does.
    func noteDamage(_ error: any Error) -> Bool {
        guard Ledger.isDamage(error) else { return false }
        state.change { $0.isLedgerDamaged = true }
        statusChanged()
        return true
    }

    func release(_ entry: LedgerEntry) {
        settle(entry, InboxConfiguration(key: entry.file.inbox, inbox: .empty, outbox: .empty, failed: .empty), Failure.abandoned)
        state.change { $0.inWork[entry.id] = nil }
    }

    func pictureName(_ photo: BytePath, _ inbox: InboxConfiguration, _ format: PhotoFormat) -> OutputName {
        OutputName(
            photo: photo.name, key: inbox.key, extensions: format.fileExtensions,
            photoExtensions: PhotoFormat.allCases.flatMap(\.fileExtensions))
    }

    func printableName(_ entry: LedgerEntry) -> String { entry.file.path.description }
}

extension OutputFormat {
    func resolved(for photo: PhotoFormat) -> PhotoFormat {
        switch self {
        case .same: photo
        case .jpeg: .jpeg
        case .png: .png
        }
    }
}
