import Digests
import DirectoryWatching
import Foundation
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration
import ServiceControl

/// Tells what is known about a file.
struct FileExplainer {
    let ledger: Ledger
    let pipeline: Pipeline
    let watchers: InboxWatchers
    let finder: FileFinder

    /// Everything that is known about one file, and why it was, or was not, made into a picture.
    func explain(_ file: FileReference) throws -> Explanation {
        let found = try finder.find(file)
        if let path = found.place, FileFinder.mayBeThere(path), let (inbox, relative) = finder.location(path, \.inbox) {
            return try explainInbox(path, inbox, relative)
        }
        if let entry = found.entries.first { return explain(found, entry, file) }
        return explainUnknown(found, file)
    }

    /// A file that the ledger knows, and that does not lie in an inbox.
    private func explain(_ found: FileFinder.Found, _ entry: LedgerEntry, _ file: FileReference) -> Explanation {
        var result = Explanation(
            file: file.path ?? file.name, inbox: entry.file.inbox, state: entry.state.rawValue, sentences: [],
            history: found.entries.map(describe))
        let origin = "\(entry.file.path) of the inbox \(entry.file.inbox)"
        switch found.clue {
        case .content:
            result.sentences.append("It has the same content as \(origin), which the service knows.")
        case .name where file.sha256 != nil:
            result.sentences.append("By its name and size it is the picture of \(origin).")
        case .name:
            result.sentences.append("There is \(origin).")
        case .path where entry.output == found.place:
            result.sentences.append("This is the picture of \(entry.file.path) from the inbox \(entry.file.inbox).")
        case .path:
            result.sentences.append("This came as \(entry.file.path) into the inbox \(entry.file.inbox).")
        }
        result.sentences += sentences(entry)
        result.sentences += workSentences(entry)
        return result
    }

    private func explainUnknown(_ found: FileFinder.Found, _ file: FileReference) -> Explanation {
        var result = Explanation(file: file.path ?? file.name, inbox: nil, state: "unknown", sentences: [], history: [])
        let asked = found.place ?? file.path?.bytePath ?? file.name.bytePath
        guard file.exists == true || found.place != nil || (try? Files.statusIfPresent(of: asked)) ?? nil != nil else {
            result.sentences = ["There is no such file, and the ledger has never seen one of that name."]
            return result
        }
        if let (inbox, _) = finder.location(asked, \.outbox) ?? finder.location(asked, \.failed) {
            result.inbox = inbox.key
            result.sentences = [
                "It lies in a directory of the inbox \(inbox.key), but the ledger does not know it: it was put there "
                    + "by someone "
                    + "else, or longer ago than keep-history."
            ]
        } else {
            result.sentences = [
                "It lies in no inbox of this service, so it is not looked at"
                    + (file.sha256 == nil ? "." : ", and no photo with its content was ever dropped into one."),
                "The inboxes are: \(finder.configuration.inboxes.map { "\($0.inbox)" }.joined(separator: ", ")).",
            ]
        }
        return result
    }

    /// A file that lies in an inbox now.
    private func explainInbox(_ path: BytePath, _ inbox: InboxConfiguration, _ relative: BytePath) throws -> Explanation
    {
        let history = try ledger.history(inbox: inbox.key, path: relative)
        var result = Explanation(
            file: FileName(path), inbox: inbox.key, state: "unseen", sentences: [], history: history.map(describe))
        let identity = (try? Files.identity(of: path)) ?? nil
        if let latest = history.first, identity.map(latest.file.identity.isSameContent) ?? true {
            result.state = latest.disposal == .passedOver ? "not taken" : latest.state.rawValue
            result.sentences += sentences(latest)
            result.sentences += workSentences(latest)
            return result
        }
        let standing = watchers.watcher(inbox.key)?.standing(of: relative) ?? .unseen
        result.sentences.append("In the inbox \(inbox.key): \(standing).")
        switch standing {
        case .settling, .incomplete, .companion: result.state = PhotoState.settling.rawValue
        case .reported: result.state = PhotoState.seen.rawValue
        case .empty, .unreadable, .inUnreadable: result.state = "waiting"
        case .ignored, .excluded, .nested, .refused: result.state = "not taken"
        case .unseen, .outside: break
        }
        if case .reported = standing, let reason = watchers.sidecarReason(inbox.key, relative) {
            result.state = "not taken"
            result.sentences.append("It is no photo: \(reason).")
        }
        if !history.isEmpty {
            result.sentences.append("An earlier file of this name was done before; see the history.")
        }
        return result
    }

    private func workSentences(_ entry: LedgerEntry) -> [String] {
        if let work = pipeline.state.read({ $0.inWork[entry.id] }) {
            return [
                "It is in work: \(work.stage.rawValue)"
                    + (work.stage == .translating ? ", \(Int(work.progress * 100)) % done." : ".")
            ]
        }
        return entry.state == .ready ? [waitingReason(entry)] : []
    }

    private func waitingReason(_ entry: LedgerEntry) -> String {
        let state = pipeline.state.read { $0 }
        if let blocked = state.blockedLedger ?? state.blockedInboxes[entry.file.inbox] {
            return "It waits, since nothing can be written: \(blocked)."
        }
        if state.isPaused { return "It waits, since the service is paused; cyclegan-style resume goes on." }
        if let owner = pipeline.sharing?.foreign.first(where: { $0.work.isAbout(entry) })?.owner {
            return "It is in work elsewhere, by the service on \(owner.shown)."
        }
        let ready = (try? ledger.counts([.ready])[.ready]) ?? 0
        return "It waits for its turn; \(counted(ready, "photo is", "photos are")) ready."
    }

    private func sentences(_ entry: LedgerEntry) -> [String] {
        var result: [String] = []
        switch entry.state {
        case .seen, .settling, .ready: result.append("It is complete and ready since \(time(entry.recorded)).")
        case .claimed: result.append("It was taken in work at \(time(entry.claimed ?? entry.recorded)).")
        case .styled:
            if entry.isAnew { result.append("It was made anew, on request.") }
            result.append(
                "It was styled at \(time(entry.finished ?? entry.recorded))"
                    + (entry.elsewhere.map { " by the service on \($0)," } ?? "")
                    + (entry.model.map { " by the model \($0)" } ?? "")
                    + (entry.seconds.map { String(format: " in %.1f s", $0) } ?? "") + ".")
            if let output = entry.output {
                let isThere = (try? Files.statusIfPresent(of: output)) != nil
                result.append("Its picture is \(output)" + (isThere ? "." : ", which has been taken away since."))
            }
        case .deferred:
            result.append(
                "It was put off after \(counted(entry.attempts, "try", "tries")), until \(time(entry.nextTry)): "
                    + "\(entry.reason ?? "")."
            )
            result.append("Try it at once: cyclegan-style retry \(shellQuoted(place(entry)))")
        case .failed where entry.disposal == .passedOver: result.append("It is no photo: \(entry.reason ?? "").")
        case .failed: result.append("It failed at \(time(entry.finished ?? entry.recorded)): \(entry.reason ?? "").")
        case .quarantined: result.append("It is quarantined: \(entry.reason ?? "").")
        }
        switch entry.disposal {
        case .archived: result.append("The original is archived as \(entry.destination.map(\.description) ?? "?").")
        case .deleted: result.append("The original was deleted, as configured.")
        case .kept: result.append("The original stays in the inbox, as configured.")
        case .setAside:
            result.append("The file is in \(entry.destination.map(\.description) ?? "?"), its reason beside it.")
            if let destination = entry.destination {
                result.append("Try it again: cyclegan-style retry \(shellQuoted(destination))")
            }
        case .kept where entry.state == .failed || entry.state == .quarantined:
            result.append(
                "The file stays in the inbox, as configured. Try it again: cyclegan-style retry "
                    + "\(shellQuoted(place(entry)))"
            )
        case .broughtBack: result.append("It was brought back into the inbox since.")
        case .passedOver: result.append("It stays in the inbox and is no failure.")
        case .gone: result.append("The original was taken away or replaced before the service could move it.")
        case .pending:
            result.append(
                entry.stays.map { "The original stays in the inbox: \($0). It is tried again by itself." }
                    ?? "The original is still to be moved.")
        case nil: break
        }
        return result
    }

    private func time(_ time: LedgerTime) -> String { timeText(time.date, seconds: true) }

    /// Where a photo was dropped.
    private func place(_ entry: LedgerEntry) -> BytePath {
        finder.inbox(entry.file.inbox).map { $0.inbox.appending(entry.file.path) } ?? entry.file.path
    }

    private func describe(_ entry: LedgerEntry) -> Explanation.Entry {
        Explanation.Entry(
            id: entry.id, inbox: entry.file.inbox, file: FileName(entry.file.path), state: entry.state.rawValue,
            attempts: entry.attempts,
            reason: entry.reason, recordedAt: entry.recorded.date, finishedAt: entry.finished?.date,
            nextTryAt: entry.state == .deferred ? entry.nextTry.date : nil, model: entry.model,
            modelSha256: entry.modelHash?.description, settings: entry.settings, sha256: entry.hash?.description,
            output: entry.output.map(FileName.init), original: entry.destination.map(FileName.init),
            originalState: entry.disposal?.rawValue, seconds: entry.seconds)
    }
}
