import Foundation
import Photos

extension Pipeline {
    /// How often the service may die with one photo alone in work before that photo is set aside.
    static let allowedDeaths = 3

    /// Brings what the last run left in work to a safe state: before `start()`.
    ///
    /// A photo whose picture has its final name (told by the inode that the ledger noted before the rename), or lies complete under its
    /// temporary one, is finished. Every other begins anew; if the service keeps dying with it alone in work, it is quarantined.
    public func recover() throws {
        let configuration = state.read(\.configuration)
        var interrupted: [LedgerEntry] = [], pending: [LedgerEntry] = []
        for entry in try ledger.unfinished() {
            if entry.state != .claimed {
                pending.append(entry)
            } else if try finishPublication(entry) {
                pending.append(entry)
            } else {
                interrupted.append(entry)
            }
        }
        for entry in interrupted {
            try ledger.died(entry.id, alone: interrupted.count == 1)
            let inbox = configuration.inboxes.first { $0.key == entry.file.inbox }
            let deaths = entry.deaths + (interrupted.count == 1 ? 1 : 0)
            guard deaths >= Self.allowedDeaths, let inbox else {
                logger.notice("was in work when the last run ended, begins anew: \(entry.file.path)", metadata: .photo(entry.file))
                continue
            }
            try fail(
                entry, inbox, state: .quarantined,
                reason: "the service died \(deaths) times while it worked on this photo alone; it is not tried again by itself")
        }
        for entry in pending {
            guard let inbox = configuration.inboxes.first(where: { $0.key == entry.file.inbox }) else { continue }
            dispose(of: entry, in: inbox, isRecovering: true)
        }
    }

    /// - Returns: whether the picture is published now.
    private func finishPublication(_ entry: LedgerEntry) throws -> Bool {
        guard let output = entry.output, let expected = entry.outputIdentity else { return false }
        if let current = try Files.identity(of: output), current.isSameContent(as: expected) {
            try Files.synchronizeDirectory(output.parent)
            try ledger.styled(entry.id, output: output, seconds: nil)
            return true
        }
        guard let temporary = entry.temporary, let current = try Files.identity(of: temporary), current.isSameContent(as: expected) else {
            return false
        }
        // The ledger noted it after it was complete and durable: only its name was missing.
        do { try Files.renameWithoutReplacing(temporary, to: output) } catch let error as SystemError where error.code == EEXIST {
            return false
        }
        try Files.synchronizeDirectory(output.parent)
        try ledger.styled(entry.id, output: output, seconds: nil)
        return true
    }

    /// Tries again to move originals that could not be moved.
    public func retryDisposals() throws {
        let (configuration, busy) = state.read { ($0.configuration, Set($0.inWork.keys)) }
        for entry in try ledger.unfinished() where entry.state != .claimed && !busy.contains(entry.id) {
            guard let inbox = configuration.inboxes.first(where: { $0.key == entry.file.inbox }) else { continue }
            dispose(of: entry, in: inbox, isRecovering: true)
        }
    }

    /// Removes the temporary files of runs that died, in every directory that the service writes.
    public func sweepTemporaries() {
        let configuration = state.read(\.configuration)
        let directories = Set(configuration.inboxes.flatMap { [$0.outbox, $0.failed] } + [configuration.originals])
        let removed = directories.reduce(0) { $0 + TemporaryFile.sweep($1) }
        if removed > 0 { logger.info("removed \(removed) temporary files of earlier runs") }
    }

    /// After a damaged ledger was set aside: files that stay in their inbox and have their picture in the outbox are taken as done,
    /// so that they are not all done again. A picture that is older than its photo does not count.
    public func rebuild() throws {
        for inbox in state.read(\.configuration).inboxes where inbox.originals == .keep {
            var adopted = 0
            try Files.walk(inbox.inbox) { path, status in
                guard Files.isRegular(status), let relative = path.relative(to: inbox.inbox) else { return }
                for format in PhotoFormat.allCases {
                    let name = OutputName(
                        photo: relative.name, key: inbox.key, extensions: format.fileExtensions,
                        photoExtensions: PhotoFormat.allCases.flatMap(\.fileExtensions))
                    let output = inbox.outbox.appending(relative.parent).appending(name.candidate(0))
                    guard let picture = try Files.statusIfPresent(of: output), Files.isRegular(picture),
                        FileIdentity(picture).changed >= FileIdentity(status).changed
                    else { continue }
                    try ledger.adopt(InboxFile(inbox: inbox.key, path: relative, identity: FileIdentity(status)), output: output)
                    adopted += 1
                    break
                }
            }
            if adopted > 0 { logger.notice("found the pictures of \(adopted) photos of the inbox \(inbox.key)") }
        }
    }
}
