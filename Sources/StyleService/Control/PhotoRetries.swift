import Digests
import Foundation
import LinuxFiles
import Publishing
import ServiceConfiguration
import ServiceControl
import StyleModels

/// Trying failed photos again, and making finished ones anew.
struct PhotoRetries {
    let ledger: Ledger
    let pipeline: Pipeline
    let models: ModelStore
    let finder: FileFinder

    /// Everything that failed or was put off.
    func all() throws -> ControlReply {
        var moved = 0, problems: [String] = []
        for entry in try ledger.latest([.failed, .quarantined], limit: 1_000_000) {
            do { moved += try tryAgain(entry) == nil ? 0 : 1 } catch { problems.append("\(entry.file.path): \(error)") }
        }
        let hurried = try ledger.hurry()
        pipeline.wake()
        let message =
            "\(counted(moved, "failed photo")) tried again, \(hurried) put off before \(hurried == 1 ? "is" : "are") "
            + "due now."
        return problems.isEmpty ? .success(message) : .failure(message, problems: problems)
    }

    /// A failed photo goes back into its inbox; one that was put off becomes due.
    func retry(_ file: FileReference) throws -> ControlReply {
        let found = try finder.find(file)
        for entry in found.entries {
            switch entry.state {
            case .deferred:
                try ledger.hurry(entry.id)
                pipeline.wake()
                return .success("\(entry.file.path) is due now.")
            case .failed, .quarantined:
                if let message = try tryAgain(entry) { return .success(message) }
            default: continue
            }
        }
        // One that the ledger has forgotten, or that somebody put there.
        for path in found.paths {
            guard let (inbox, relative) = finder.location(path, \.failed), let identity = try Files.identity(of: path)
            else { continue }
            if let back = try bringBack(path, identity, to: relative, in: inbox) {
                return .success("\(path) is back in the inbox as \(back).")
            }
        }
        guard let entry = found.entries.first else { return .failure("\(file.shown): the service knows no such photo") }
        let remedy =
            entry.state == .styled ? "cyclegan-style redo makes it anew" : "cyclegan-style explain says more about it"
        return .failure(
            "\(file.shown) is neither a failed photo nor one that was put off, but \(entry.state.rawValue); \(remedy)")
    }

    /// - Returns: what was done; nil where the photo is not there any more.
    private func tryAgain(_ entry: LedgerEntry) throws -> String? {
        guard let inbox = finder.inbox(entry.file.inbox) else { return nil }
        switch entry.disposal {
        case .kept, .archived, .pending:
            // It lies where it lay when it failed.
            let place = entry.source ?? inbox.inbox.appending(entry.file.path)
            guard try Files.identity(of: place)?.isSameContent(as: entry.file.identity) == true else { return nil }
            if try !pipeline.forgetDecision(on: entry, in: inbox) {
                return "\(entry.file.path) is in work elsewhere at this moment."
            }
            try ledger.tryAgain(entry.id)
            pipeline.forgetFailure(entry)
            pipeline.wake()
            return "\(entry.file.path) is ready again."
        case .setAside:
            guard let place = entry.destination, let identity = try Files.identity(of: place),
                let back = try bringBack(place, identity, to: entry.file.path, in: inbox)
            else { return nil }
            return "\(place) is back in the inbox as \(back)."
        default: return nil
        }
    }

    private func bringBack(
        _ path: BytePath, _ identity: FileIdentity, to relative: BytePath, in inbox: InboxConfiguration
    ) throws -> BytePath? {
        let known = try ledger.entries(withFile: path).filter { $0.destination == path && $0.disposal == .setAside }
        let moved = try FileMover.move(
            path, expected: identity, into: inbox.inbox.appending(relative.parent),
            as: OutputName(keeping: relative.name))
        guard moved != nil else { return nil }
        let reason = OutputName(keeping: path.name).candidate(0, suffix: ReasonFile.suffix)
        try? Files.unlinkIfPresent(path.parent.appending(reason))
        // It may fail again at once and get the same place: these rows are no longer about the file there.
        for entry in known {
            try ledger.disposed(entry.id, .broughtBack)
            pipeline.forgetFailure(entry)
        }
        return moved
    }

    /// Makes a finished photo anew, with the model that its style stands for today. The earlier picture stays.
    func redo(_ file: FileReference, style: String?, strength: Double?) throws -> ControlReply {
        if let style { _ = try models.file(for: style) }
        if let strength, !(0...1).contains(strength) { return .failure("a strength lies between 0 and 1") }
        let found = try finder.find(file)
        guard let entry = found.entries.first(where: { $0.state == .styled }) ?? found.entries.first else {
            return .failure("\(file.shown): the service knows no such photo; drop it into an inbox")
        }
        guard entry.state == .styled else {
            let isFailed = entry.state == .failed || entry.state == .quarantined
            return .failure(
                "\(file.shown) is \(entry.state.rawValue), not done"
                    + (isFailed ? "; cyclegan-style retry tries it again" : ""))
        }
        guard let inbox = finder.inbox(entry.file.inbox) else {
            return .failure("\(file.shown) came into the inbox \(entry.file.inbox), which is not configured any more")
        }
        if try ledger.isBeingMadeAnew(entry) { return .failure("\(entry.file.path) is to be made anew already") }
        let dropped = inbox.inbox.appending(entry.file.path)
        let place = entry.destination ?? dropped
        guard let identity = try Files.identity(of: place), try isOriginal(place, of: entry) else {
            let why = entry.disposal == .deleted ? "was deleted, as configured" : "is not there any more (\(place))"
            return .failure("the original of \(entry.file.path) \(why); drop the photo again")
        }
        try ledger.makeAnew(
            entry, identity: identity, source: place == dropped ? nil : place, style: style, strength: strength)
        pipeline.wake()
        let with = [style.map { "style \($0)" }, strength.map { "strength \($0)" }].compactMap(\.self).joined(
            separator: ", ")
        return .success(
            "\(entry.file.path) is queued to be made anew" + (with.isEmpty ? "" : " with \(with)")
                + "; its picture gets a name of its own beside the earlier one.")
    }

    private func isOriginal(_ path: BytePath, of entry: LedgerEntry) throws -> Bool {
        guard let hash = entry.hash else { return true }
        return SHA256.hash(try Files.read(path)) == hash
    }
}
