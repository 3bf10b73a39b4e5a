import Digests
import Glibc
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration
import ServiceControl

extension Pipeline {
    /// How often the service may die with one photo alone in work before that photo is set aside.
    static let allowedDeaths = 3

    /// Brings what the last run left in work to a safe state: before `start()`.
    ///
    /// A photo whose picture has its final name (told by the inode that the ledger noted before the rename), or lies
    /// complete under its temporary one, is finished. Every other begins anew; if the service keeps dying with it alone
    /// in work, it is quarantined.
    ///
    /// - Throws: `Failure.blocked` where nothing can be written; what was done before is done, and the rest when it is
    ///   called again.
    package func recover() throws {
        state.change { $0.phase = .recovering }
        defer { state.change { $0.phase = .running } }
        let configuration = state.read(\.configuration)
        var interrupted: [LedgerEntry] = [], pending: [LedgerEntry] = []
        for entry in try ledger.unfinished() {
            if entry.state != .claimed {
                pending.append(entry)
            } else if try !isShared(entry) && finishPublication(entry) {
                pending.append(entry)
            } else {
                interrupted.append(entry)
            }
        }
        for entry in interrupted {
            try ledger.died(entry.id, alone: interrupted.count == 1)
            let inbox = configuration.inboxes.first { $0.key == entry.file.inbox }
            let deaths = entry.deaths + (interrupted.count == 1 ? 1 : 0)
            // Of a shared spool's photo it is decided under its lease.
            guard deaths >= Self.allowedDeaths, let inbox, !isShared(entry) else {
                logger.notice(
                    "was in work when the last run ended, begins anew: \(entry.file.path)", metadata: .photo(entry.file)
                )
                continue
            }
            try fail(
                entry, inbox, state: .quarantined, reason: Self.deathReason(deaths))
        }
        for entry in pending {
            guard let inbox = configuration.inboxes.first(where: { $0.key == entry.file.inbox }) else { continue }
            dispose(of: entry, in: inbox, isRecovering: true)
        }
    }

    static func deathReason(_ deaths: Int) -> String {
        "the service died \(deaths) times while it worked on this photo alone; it is not tried again by itself"
    }

    /// - Returns: whether the picture is published now. An outbox that cannot be used now leaves the photo to begin
    ///   anew, and does not keep the other inboxes from starting.
    private func finishPublication(_ entry: LedgerEntry) throws -> Bool {
        do { return try tryToFinishPublication(entry) } catch let error as SystemError {
            logger.warning("\(entry.file.path) begins anew: \(error)", metadata: .photo(entry.file))
            return false
        }
    }

    private func tryToFinishPublication(_ entry: LedgerEntry) throws -> Bool {
        guard let output = entry.output, let expected = entry.outputIdentity else { return false }
        if let current = try Files.identity(of: output), current.isSameContent(as: expected) {
            try Files.synchronizeDirectory(output.parent)
            try ledger.styled(entry.id, output: output, seconds: nil)
            return true
        }
        guard let temporary = entry.temporary, let current = try Files.identity(of: temporary),
            current.isSameContent(as: expected)
        else {
            return false
        }
        // The ledger noted it after it was complete and durable: only its name was missing.
        do { try Files.renameWithoutReplacing(temporary, to: output) } catch let error as SystemError
            where error.code == EEXIST
        {
            return false
        }
        try Files.synchronizeDirectory(output.parent)
        try ledger.styled(entry.id, output: output, seconds: nil)
        return true
    }

    /// Tries again to move originals that could not be moved.
    /// - Returns: how many were.
    @discardableResult
    package func retryDisposals() throws -> Int {
        let (configuration, busy) = state.read { ($0.configuration, Set($0.inWork.keys)) }
        var moved = 0
        for entry in try ledger.unfinished() where entry.state != .claimed && !busy.contains(entry.id) {
            if state.read(\.isStopping) { break }
            guard let inbox = configuration.inboxes.first(where: { $0.key == entry.file.inbox }) else { continue }
            if dispose(of: entry, in: inbox, isRecovering: true) { moved += 1 }
        }
        return moved
    }

    /// Removes the temporary files of runs that died, in every directory that the service writes.
    package func sweepTemporaries() {
        let configuration = state.read(\.configuration)
        let directories = Set(
            configuration.inboxes.flatMap { [$0.inbox, $0.outbox, $0.failed] } + [configuration.originals])
        let now = try? sharing?.leases.fileSystemTime()
        let removed = directories.reduce(0) { count, directory in
            count
                + TemporaryFile.sweep(directory) { path, status in
                    isOfOthers(path, FileIdentity(status).changed, now: now)
                }
        }
        if removed > 0 { logger.info("removed \(counted(removed, "temporary file")) of earlier runs") }
    }

    /// Fills a ledger that is new, as after a damaged one was set aside: photos in their inboxes that have their
    /// picture in the outbox are taken as done, so that they are not all done again. Those that do not stay in the
    /// inbox are moved out of it by `recover()`.
    package func rebuild() throws {
        let configuration = state.read(\.configuration)
        for inbox in configuration.inboxes {
            var adopted = 0
            try Files.walk(inbox.inbox) { path, status in
                guard Files.isRegular(status), let relative = path.relative(to: inbox.inbox),
                    configuration.isPhotoPath(relative, in: inbox)
                else { return }
                let file = InboxFile(inbox: inbox.key, path: relative, identity: FileIdentity(status))
                guard let picture = try picture(of: file, at: path, inbox),
                    try ledger.history(inbox: inbox.key, path: relative, limit: 1).isEmpty
                else { return }
                try ledger.adopt(file, picture, disposal: inbox.originals == .keep ? .kept : .pending)
                adopted += 1
            }
            if adopted > 0 {
                logger.notice("found the pictures of \(counted(adopted, "photo")) of the inbox \(inbox.key)")
            }
        }
    }

    /// The picture in the outbox that was made from a file. What the picture carries about its photo tells; where the
    /// file system keeps no such marks, a photo that stays in its inbox counts as done if its picture is not older.
    private func picture(of file: InboxFile, at path: BytePath, _ inbox: InboxConfiguration) throws -> FoundPicture? {
        for format in PhotoFormat.written {
            let name = pictureName(file.path, inbox, format)
            let directory = inbox.outbox.appending(file.path.parent)
            var number = 0
            while let status = try Files.statusIfPresent(of: directory.appending(name.candidate(number))) {
                let found = FoundPicture(
                    path: directory.appending(name.candidate(number)), identity: FileIdentity(status))
                number += 1
                guard Files.isRegular(status) else { continue }
                if let mark = SourceMark.read(found.path) {
                    if mark.isOf(file.identity) { return found.with(mark) }
                    guard inbox.originals == .keep, mark.size == file.identity.size, let bytes = try? Files.read(path)
                    else { continue }
                    if SHA256.hash(bytes) == mark.hash { return found.with(mark) }
                } else if inbox.originals == .keep, number == 1, found.identity.changed >= file.identity.changed {
                    return found
                }
            }
        }
        return nil
    }
}

/// A picture that was there before the ledger was.
struct FoundPicture {
    var path: BytePath
    var identity: FileIdentity
    var mark: SourceMark?

    func with(_ mark: SourceMark) -> FoundPicture { FoundPicture(path: path, identity: identity, mark: mark) }
}
