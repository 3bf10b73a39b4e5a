import Crypto
import Foundation
import Photos

extension Pipeline {
    /// Moves, keeps or deletes the original of a photo that is done with, as configured. A failure here loses nothing: the picture
    /// is published, the original stays where it is, and the step is tried again.
    ///
    /// - Parameter isRecovering: the service died after the photo was done, so that the original may have been moved already.
    func dispose(of entry: LedgerEntry, in inbox: InboxConfiguration, isRecovering: Bool) {
        do {
            try whileBlocked(entry.id) {
                guard let current = try ledger.entry(entry.id), current.disposal == .pending else { return }
                switch current.state {
                case .styled: try disposeStyled(current, inbox, isRecovering: isRecovering)
                case .failed, .quarantined: try setAside(current, inbox, isRecovering: isRecovering)
                default: break
                }
            }
        } catch {
            if case .abandoned = Failure(error) { return }
            logger.warning(
                "the original stays in the inbox for now: \(error)", metadata: .photo(entry.file, .originalStays, reason: "\(error)"))
        }
    }

    private func disposeStyled(_ entry: LedgerEntry, _ inbox: InboxConfiguration, isRecovering: Bool) throws {
        let source = inbox.inbox.appending(entry.file.path)
        switch inbox.originals {
        case .keep:
            try ledger.disposed(entry.id, .kept)
        case .delete:
            takenAway(entry.file)
            let wasThere = try FileMover.remove(source, expected: entry.file.identity)
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
            return Array(SHA256.hash(data: bytes)) == hash
        }
        takenAway(entry.file)
        let moved = try FileMover.move(
            source, expected: entry.file.identity, into: directory, as: name, reusing: isRecovering ? isThisPhoto : nil)
        if moved != nil || !isRecovering { return moved }
        // The move had happened before the service died: the file is one of those that have the name.
        var number = 0
        while let found = try Files.identity(of: directory.appending(name.candidate(number))) {
            let candidate = directory.appending(name.candidate(number))
            if found.isSameFile(as: entry.file.identity) || found.size == entry.file.identity.size && isThisPhoto(candidate) { return candidate }
            number += 1
        }
        return nil
    }

    /// Notes that a photo cannot be done, and moves it to the failed directory with its reason beside it.
    func fail(_ entry: LedgerEntry, _ inbox: InboxConfiguration, state: PhotoState = .failed, reason: String) throws {
        try ledger.failed(entry.id, state: state, reason: reason)
        try FailurePoint.reached(.failureRecorded)
        logger.warning(
            "failed: \(entry.file.path): \(reason)",
            metadata: .photo(entry.file, state == .failed ? .photoFailed : .photoQuarantined, reason: reason))
        self.state.change { $0.failed += 1 }
        dispose(of: entry, in: inbox, isRecovering: false)
    }

    private func setAside(_ entry: LedgerEntry, _ inbox: InboxConfiguration, isRecovering: Bool) throws {
        let source = inbox.inbox.appending(entry.file.path)
        let directory = inbox.failed.appending(entry.file.path.parent)
        let destination = try moveOriginal(entry, source, into: directory, isRecovering: isRecovering)
        try FailurePoint.reached(.failedMoved)
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
        let time = Date(timeIntervalSince1970: Double(entry.finished ?? Ledger.now()) / 1000)
            .formatted(.iso8601.dateSeparator(.dash).dateTimeSeparator(.space).timeSeparator(.colon))
        let hash = entry.hash.map(hexadecimal)
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

    private static func shellQuoted(_ path: BytePath) -> String {
        let text = path.description
        let isPlain = text.utf8.allSatisfy { $0 > 0x7F || "-_./+,:=@%".utf8.contains($0) || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
        return isPlain ? text : "'\(text.replacing("'", with: "'\\''"))'"
    }
}
