import Foundation
import Glibc
import Leases
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration

extension Pipeline {
    /// Encodes, writes and publishes a picture, then deals with the original. What is encoded stays so in `item`, for
    /// another attempt.
    ///
    /// - Throws: `Failure.blocked` where the outbox cannot be written at present.
    func publish(_ item: inout WorkItem) throws {
        let entry = item.entry
        let picture = item.inbox.picture
        let finished = try encoded(&item)
        let format =
            switch finished {
            case .encoded(let encoded): encoded.format
            case .earlier(let earlier): earlier.format
            }
        let name = pictureName(entry.file.path, item.inbox, format)
        let mark = SourceMark(
            entry.file.identity, hash: item.hash, modelHash: item.model.hash, settings: picture.fingerprint)
        let directory = item.inbox.outbox.appending(entry.file.path.parent)
        let published = try whileBlocked(entry.id) { () -> BytePath? in
            if try sharing?.decision(entry.id) != nil { return try complete(entry, item.inbox) }
            guard try isUnchanged(entry, at: item.source) else { return nil }
            let modified = item.inbox.keepModificationTime ? entry.file.identity.modified : nil
            let temporary: TemporaryFile
            switch finished {
            case .earlier(let earlier):
                guard
                    let copy = try copy(
                        earlier, in: directory, name: sharing?.temporaryName(entry.id), modified: modified, mark: mark)
                else {
                    // It was taken away a moment ago: the photo is done anew.
                    try ledger.release(entry.id)
                    return nil
                }
                temporary = copy
            case .encoded(let encoded):
                temporary = try TemporaryFile.write(
                    encoded.bytes, in: directory, name: sharing?.temporaryName(entry.id), modified: modified, mark: mark
                )
            }
            try FailurePoint.reached(.temporaryWritten)
            do {
                guard isShared(entry) else { return try giveName(temporary, name, entry) }
                try decide(temporary, name, item)
            } catch {
                temporary.discard()
                throw error
            }
            return try complete(entry, item.inbox)
        }
        guard let output = published else {
            if try ledger.entry(entry.id)?.state == .claimed { try whileBlocked(entry.id) { try withdraw(entry) } }
            return
        }
        try FailurePoint.reached(.published)
        let seconds = Date().timeIntervalSince(item.started)
        // The picture has its name: whatever the disk says now, another attempt would make a second one.
        do { try Files.synchronizeDirectory(directory) } catch {
            logger.warning(
                "\(output) is published, but may not outlive a power failure: \(error)", metadata: .photo(entry.file))
        }
        try whileBlocked(entry.id) { try ledger.styled(entry.id, output: output, seconds: seconds) }
        try FailurePoint.reached(.styledRecorded)
        logStyled(item, finished, output: output, seconds: seconds)
        let news = state.change { state -> String? in
            state.styled += 1
            switch finished {
            case .encoded(let encoded):
                state.tally.count(.styled, inbox: entry.file.inbox)
                state.tally.wrote(bytes: encoded.bytes.count)
            case .earlier(let earlier):
                state.tally.count(.reused, inbox: entry.file.inbox)
                state.tally.wrote(bytes: Int(clamping: earlier.identity.size))
            }
            state.last = (printableName(entry), seconds, Date())
            if !item.wasParked { state.pace.published(began: item.translated ?? item.started) }
            return state.pace.takeNews()
        }
        // For the next start; nothing depends on it that a failure would spoil.
        if let news { try? ledger.setNote(Pace.noteName, news) }
        dispose(of: entry, in: item.inbox, isRecovering: false)
    }

    /// The item's picture, which stays in it.
    private func encoded(_ item: inout WorkItem) throws -> FinishedPicture {
        switch item.content {
        case .finished(let picture): return picture
        case .decoded(let photo), .translated(let photo):
            let picture = item.inbox.picture
            var options = EncodingOptions(
                format: picture.format.resolved(for: photo), quality: picture.quality, subsampling: picture.subsampling,
                metadata: picture.metadata)
            let maker = "cyclegan-styled \(Version.current), model \(item.model.name) \(item.model.hash)"
            options.notes = [PhotoText(keyword: Array("Software".utf8), text: Array(maker.utf8))]
            let encoded = EncodedPicture(
                bytes: try translator.encode(photo, options: options), format: options.format, width: photo.width,
                height: photo.height)
            item.content = .finished(.encoded(encoded))
            try FailurePoint.reached(.encoded)
            return .encoded(encoded)
        }
    }

    /// Gives a temporary file the first free name, which the ledger learns before it happens.
    private func giveName(_ temporary: TemporaryFile, _ name: OutputName, _ entry: LedgerEntry) throws -> BytePath {
        var number = 0
        while true {
            let target = temporary.path.parent.appending(name.candidate(number))
            number += 1
            if try Files.statusIfPresent(of: target) != nil {
                debug(entry, "\(target) is taken")
                continue
            }
            try ledger.publishing(entry.id, temporary: temporary, output: target)
            try FailurePoint.reached(.publicationRecorded)
            do {
                try Files.renameWithoutReplacing(temporary.path, to: target)
                return target
            } catch let error as SystemError where error.code == EEXIST {}
        }
    }

    private func copy(
        _ earlier: EarlierPicture, in directory: BytePath, name: [UInt8]?, modified: Int64?, mark: SourceMark
    ) throws -> TemporaryFile? {
        let file: Descriptor
        do { file = try Descriptor.forReading(earlier.path) } catch let error as SystemError where error.isMissing {
            return nil
        }
        guard try file.identity().isSameContent(as: earlier.identity) else { return nil }
        return try TemporaryFile.copy(of: file, in: directory, name: name, modified: modified, mark: mark)
    }

    private func isUnchanged(_ entry: LedgerEntry, at source: BytePath) throws -> Bool {
        try Files.identity(of: source)?.isSameContent(as: entry.file.identity) ?? false
    }

    /// Repeats a step for as long as the ledger cannot be written: its disk is full, the quota used up, the file system
    /// read-only, or another program holds it. Nothing else is done meanwhile, since the threads before this one wait
    /// for it.
    /// - Throws: `Failure.abandoned` when the service stops in the meantime; what the step throws for another reason.
    ///   Before the start nobody waits: the error itself.
    func whileBlocked<Result>(_ id: Int64, _ step: () throws -> Result) throws -> Result {
        var isBlocked = false
        while true {
            do {
                let result = try step()
                if isBlocked { unblock(id) }
                return result
            } catch {
                guard case .blocked(let reason, isLedger: true) = Failure(error), state.read(\.phase) != .recovering
                else {
                    if isBlocked { unblock(id) }
                    throw error
                }
                if !isBlocked {
                    isBlocked = true
                    state.change { state in
                        state.blockedLedger = reason
                        state.inWork[id]?.stage = .blocked
                    }
                    logger.error(
                        "writing pauses: \(reason). Nothing is lost; it goes on by itself as soon as there is room.",
                        metadata: .event(.outputPaused, reason: reason))
                    statusChanged()
                }
                if state.wait(seconds: 2, for: \.isStopping) {
                    state.change { $0.blockedLedger = nil }
                    throw Failure.abandoned
                }
                for stage in ["reading", "writing"] { watchdog.beat(stage) }
            }
        }
    }

    private func unblock(_ id: Int64) {
        state.change { state in
            state.blockedLedger = nil
            state.generation += 1
            state.inWork[id]?.stage = .writing
        }
        logger.notice("writing goes on", metadata: .event(.outputResumed))
        statusChanged()
    }

    /// Ends a photo's way after an error.
    func settle(_ entry: LedgerEntry, _ inbox: InboxConfiguration, _ error: any Error) {
        // What a damaged ledger says of this photo no longer matters.
        if noteDamage(error) { return }
        let isLost = state.read { $0.lostLeases.contains(entry.id) }
        writeDown(entry) {
            switch isLost ? .elsewhere : Failure(error) {
            case .abandoned:
                try giveBack(entry)
            case .elsewhere:
                try giveToOthers(entry)
            case .permanent(let reason):
                do { try fail(entry, inbox, reason: reason) } catch is LeaseLost { try giveToOthers(entry) }
            case .passing(let reason), .blocked(let reason, _):
                let due = try ledger.deferPhoto(entry, reason: reason)
                logger.warning(
                    "put off for \(Int(due.seconds)) s: \(entry.file.path): \(reason)",
                    metadata: .photo(entry.file, .photoDeferred, reason: reason))
                state.change { state in
                    state.generation += 1
                    state.tally.count(.deferred, inbox: entry.file.inbox)
                }
            }
        }
    }

    /// A photo that was not begun when the service stopped.
    func release(_ entry: LedgerEntry) {
        writeDown(entry) { try giveBack(entry) }
        leave(entry.id)
    }

    private func giveBack(_ entry: LedgerEntry) throws {
        try ledger.release(entry.id)
        logger.notice("given back at stop, done after the next start: \(entry.file.path)", metadata: .photo(entry.file))
    }

    /// Writes down what became of a photo, however long that takes.
    private func writeDown(_ entry: LedgerEntry, _ step: () throws -> Void) {
        do { try whileBlocked(entry.id, step) } catch {
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

    func pictureName(_ photo: BytePath, _ inbox: InboxConfiguration, _ format: PhotoFormat) -> OutputName {
        OutputName(
            photo: photo.name, key: inbox.key, extensions: format.fileExtensions,
            photoExtensions: PhotoFormat.allCases.flatMap(\.fileExtensions))
    }

    func printableName(_ entry: LedgerEntry) -> String { entry.file.path.description }
}

extension OutputFormat {
    func resolved(for photo: Photo) -> PhotoFormat {
        switch self {
        case .same: photo.format.written(hasAlpha: photo.alpha != nil)
        case .jpeg: .jpeg
        case .png: .png
        }
    }
}
