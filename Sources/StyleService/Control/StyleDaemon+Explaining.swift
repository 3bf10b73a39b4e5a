import DirectoryWatching
import Foundation
import Photos

extension StyleDaemon {
    /// Everything that is known about one file, and why it was, or was not, made into a picture.
    func explain(_ file: BytePath) throws -> Explanation {
        let paths = candidates(for: file)
        let path = try paths.first { try Files.statusIfPresent(of: $0) != nil }
            ?? paths.first { try isKnown($0) } ?? paths.first ?? file
        if let (inbox, relative) = location(path, \.inbox) { return try explainInbox(path, inbox, relative) }
        let entries = try ledger.entries(withFile: path)
        var result = Explanation(file: FileName(path), inbox: entries.first?.file.inbox, state: "unknown", sentences: [], history: entries.map(describe))
        if let entry = entries.first {
            result.state = entry.state.rawValue
            result.sentences.append(entry.output == path ? "This is the picture of \(entry.file.path) from the inbox \(entry.file.inbox)." : "This came as \(entry.file.path) into the inbox \(entry.file.inbox).")
            result.sentences += sentences(entry)
        } else if let (inbox, _) = location(path, \.outbox) {
            result.inbox = inbox.key
            result.sentences.append("It lies in the outbox of \(inbox.key), but the ledger does not know it: it was put there by someone else, or longer ago than keep-history.")
        } else {
            let inboxes = shared.withLock { $0.configuration.inboxes.map { "\($0.inbox)" } }
            result.sentences.append("It lies in no inbox of this service, so it is not looked at. The inboxes are: \(inboxes.joined(separator: ", ")).")
        }
        return result
    }

    private func isKnown(_ path: BytePath) throws -> Bool {
        if let (inbox, relative) = location(path, \.inbox) { return try !ledger.history(inbox: inbox.key, path: relative, limit: 1).isEmpty }
        return try !ledger.entries(withFile: path).isEmpty
    }

    private func explainInbox(_ path: BytePath, _ inbox: InboxConfiguration, _ relative: BytePath) throws -> Explanation {
        let history = try ledger.history(inbox: inbox.key, path: relative)
        var result = Explanation(file: FileName(path), inbox: inbox.key, state: "unseen", sentences: [], history: history.map(describe))
        let identity = try Files.identity(of: path)
        if let latest = history.first, identity == nil || latest.file.identity.isSameContent(as: identity!) {
            result.state = latest.state.rawValue
            result.sentences += sentences(latest)
            if let work = pipeline.state.read({ $0.inWork[latest.id] }) {
                result.sentences.append("It is in work: \(work.stage.rawValue)" + (work.stage == .translating ? ", \(Int(work.progress * 100)) % done." : "."))
            } else if latest.state == .ready {
                result.sentences.append(waitingReason())
            }
            return result
        }
        guard identity != nil else {
            result.sentences.append("There is no such file in the inbox, and the ledger has never seen one of that name.")
            return result
        }
        let standing = watchers.watcher(inbox.key)?.standing(of: relative) ?? .unseen
        result.sentences.append("In the inbox \(inbox.key): \(standing).")
        switch standing {
        case .settling, .incomplete, .companion: result.state = PhotoState.settling.rawValue
        case .reported: result.state = PhotoState.seen.rawValue
        case .empty, .unreadable: result.state = "waiting"
        case .ignored, .excluded, .nested, .refused: result.state = "not taken"
        case .unseen, .outside: break
        }
        if !history.isEmpty { result.sentences.append("An earlier file of this name was done before; see the history.") }
        return result
    }

    private func waitingReason() -> String {
        let state = pipeline.state.read { $0 }
        if let blocked = state.blocked { return "It waits, since nothing can be written: \(blocked)." }
        if state.isPaused { return "It waits, since the service is paused; cyclegan-style resume goes on." }
        let ready = (try? ledger.counts([.ready])[.ready]) ?? 0
        return "It waits for its turn; \(ready) photos are ready."
    }

    private func sentences(_ entry: LedgerEntry) -> [String] {
        var result: [String] = []
        switch entry.state {
        case .seen, .settling, .ready: result.append("It is complete and ready since \(time(entry.recorded)).")
        case .claimed: result.append("It was taken in work at \(time(entry.claimed ?? entry.recorded)).")
        case .styled:
            result.append("It was styled at \(time(entry.finished ?? entry.recorded))" + (entry.model.map { " by the model \($0)" } ?? "") + (entry.seconds.map { String(format: " in %.1f s", $0) } ?? "") + ".")
            if let output = entry.output {
                let isThere = (try? Files.statusIfPresent(of: output)) != nil
                result.append("Its picture is \(output)" + (isThere ? "." : ", which has been taken away since."))
            }
        case .deferred:
            result.append("It was put off after \(entry.attempts) tries, until \(time(entry.nextTry)): \(entry.reason ?? "").")
            result.append("cyclegan-style retry tries it at once.")
        case .failed: result.append("It failed at \(time(entry.finished ?? entry.recorded)): \(entry.reason ?? "").")
        case .quarantined: result.append("It is quarantined: \(entry.reason ?? "").")
        }
        switch entry.disposal {
        case .archived: result.append("The original is archived as \(entry.destination.map(\.description) ?? "?").")
        case .deleted: result.append("The original was deleted, as configured.")
        case .kept: result.append("The original stays in the inbox, as configured.")
        case .setAside: result.append("The file is in \(entry.destination.map(\.description) ?? "?"), its reason beside it; cyclegan-style retry brings it back.")
        case .broughtBack: result.append("It was brought back into the inbox since.")
        case .gone: result.append("The original was taken away or replaced before the service could move it.")
        case .pending: result.append("The original is still to be moved.")
        case nil: break
        }
        return result
    }

    private func time(_ milliseconds: Int64) -> String {
        Date(milliseconds: milliseconds).formatted(.iso8601.dateTimeSeparator(.space))
    }

    private func describe(_ entry: LedgerEntry) -> Explanation.Entry {
        Explanation.Entry(
            id: entry.id, inbox: entry.file.inbox, file: FileName(entry.file.path), state: entry.state.rawValue, attempts: entry.attempts,
            reason: entry.reason, recordedAt: Date(milliseconds: entry.recorded), finishedAt: entry.finished.map { Date(milliseconds: $0) },
            nextTryAt: entry.state == .deferred ? Date(milliseconds: entry.nextTry) : nil, model: entry.model,
            modelSha256: entry.modelHash.map(hexadecimal), settings: entry.settings, sha256: entry.hash.map(hexadecimal),
            output: entry.output.map(FileName.init), original: entry.destination.map(FileName.init),
            originalState: entry.disposal?.rawValue, seconds: entry.seconds)
    }
}
