import DirectoryWatching
import Foundation
import Glibc
import Photos

extension StyleDaemon {
    /// Answers one request of the control socket.
    /// - Parameter process: who asks.
    func answer(_ request: ControlRequest, from process: pid_t) -> ControlReply {
        do {
            switch request.command {
            case .status:
                var reply = ControlReply.success()
                reply.status = try statusReport()
                return reply
            case .explain:
                guard let file = request.file else { return .failure("explain needs a file") }
                var reply = ControlReply.success()
                reply.explanation = try explain(file.bytePath)
                return reply
            case .retry:
                if request.all == true { return try retryAll() }
                guard let file = request.file else { return .failure("retry needs a file, or --all") }
                return try retry(file.bytePath)
            case .pause, .resume:
                let isPaused = request.command == .pause
                try ledger.setNote("paused", isPaused ? "by cyclegan-style pause" : nil)
                pipeline.pause(isPaused)
                SignalInbox.tellNews()
                logger.notice(isPaused ? "paused: photos in work are finished, no other is begun" : "resumed")
                return .success(
                    isPaused
                        ? "Paused, also after a restart, until cyclegan-style resume. Photos in work are finished."
                        : "Resumed.")
            case .training:
                guard let report = request.report else { return .failure("training needs a report") }
                training.tell(report, from: process)
                return .success()
            case .reload:
                let problems = reload()
                return problems.isEmpty
                    ? .success("The new configuration is in use.")
                    : .failure("The configuration was refused; the last good one stays in use.", problems: problems)
            }
        } catch { return .failure("\(error)") }
    }

    func statusReport() throws -> StatusReport {
        let state = pipeline.state.read { $0 }
        let (configuration, rejected) = shared.withLock { ($0.configuration, $0.rejected) }
        let counts = try ledger.counts()
        let recent = try ledger.throughput(since: Ledger.now() - 3_600_000)
        let now = Date()
        let activity: StatusReport.Activity =
            state.isStopping ? .stopping : state.blocked != nil ? .blocked : state.isPaused ? .paused : state.inWork.isEmpty ? .idle : .styling
        return StatusReport(
            activity: activity, sentence: sentence(), processId: getpid(), startedAt: started,
            inboxes: configuration.inboxes.map { inbox in
                let snapshot = watchers.watcher(inbox.key)?.snapshot
                return StatusReport.Inbox(
                    key: inbox.key, inbox: FileName(inbox.inbox), outbox: FileName(inbox.outbox), style: inbox.picture.style,
                    state: snapshot.map { "\($0.state)" } ?? "stopped", settling: snapshot?.waiting.count ?? 0)
            },
            ready: counts[.ready] ?? 0, deferred: counts[.deferred] ?? 0,
            inWork: state.inWork.values.sorted { $0.started < $1.started }.map { work in
                StatusReport.Work(
                    file: FileName(work.file.path), inbox: work.file.inbox, stage: work.stage.rawValue,
                    percent: work.stage == .translating ? Int(work.progress * 100) : nil, secondsLeft: work.remaining(now: now),
                    seconds: now.timeIntervalSince(work.started))
            },
            styledLastHour: recent.photos, secondsPerPhoto: recent.photos == 0 ? nil : recent.seconds / Double(recent.photos),
            totals: Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) }),
            lastFailures: try ledger.latest([.failed, .quarantined], limit: 5).map { entry in
                StatusReport.Failure(
                    file: FileName(entry.file.path), inbox: entry.file.inbox, reason: entry.reason ?? "",
                    time: Date(milliseconds: entry.finished ?? entry.recorded))
            },
            training: training.current(), configurationFiles: configuration.files, refusedConfiguration: rejected)
    }

    // MARK: Trying again

    private func retryAll() throws -> ControlReply {
        var moved = 0, problems: [String] = []
        for entry in try ledger.latest([.failed, .quarantined], limit: 1_000_000) where entry.disposal == .setAside {
            guard let destination = entry.destination, (try? Files.statusIfPresent(of: destination)) != nil else { continue }
            do { moved += try bringBack(destination, entry.file.inbox, entry.file.path) == nil ? 0 : 1 } catch { problems.append("\(error)") }
        }
        let hurried = try ledger.hurry()
        pipeline.wake()
        let message = "\(moved) failed photos moved back into their inboxes, \(hurried) that were put off are due now."
        return problems.isEmpty ? .success(message) : .failure(message, problems: problems)
    }

    /// A failed photo goes back into its inbox; one that was put off becomes due.
    private func retry(_ file: BytePath) throws -> ControlReply {
        for path in candidates(for: file) {
            if let (inbox, relative) = location(path, \.inbox) {
                let entry = try ledger.history(inbox: inbox.key, path: relative, limit: 1).first
                if let entry, entry.state == .deferred {
                    try ledger.hurry(entry.id)
                    pipeline.wake()
                    return .success("\(relative) is due now.")
                }
                if let entry, let destination = entry.destination, entry.state == .failed || entry.state == .quarantined,
                    let back = try bringBack(destination, inbox.key, relative)
                {
                    return .success("\(destination) is back in the inbox as \(back).")
                }
            }
            if let (inbox, relative) = location(path, \.failed), try Files.statusIfPresent(of: path) != nil {
                let original = try ledger.entries(withFile: path).first?.file.path ?? relative
                if let back = try bringBack(path, inbox.key, original) { return .success("\(path) is back in the inbox as \(back).") }
            }
        }
        return .failure("\(file) is neither a failed photo nor one that was put off; cyclegan-style explain says more about it")
    }

    private func bringBack(_ path: BytePath, _ key: String, _ relative: BytePath) throws -> BytePath? {
        let inboxes = shared.withLock { $0.configuration.inboxes }
        guard let inbox = inboxes.first(where: { $0.key == key }), let identity = try Files.identity(of: path) else { return nil }
        let known = try ledger.entries(withFile: path).filter { $0.destination == path && $0.disposal == .setAside }
        let moved = try FileMover.move(
            path, expected: identity, into: inbox.inbox.appending(relative.parent), as: OutputName(keeping: relative.name))
        let reason = OutputName(keeping: path.name).candidate(0, suffix: ReasonFile.suffix)
        try? Files.unlinkIfPresent(path.parent.appending(reason))
        if moved != nil {
            // It may fail again at once and get the same place: these rows are no longer about the file there.
            for entry in known { try ledger.disposed(entry.id, .broughtBack) }
        }
        return moved
    }

    // MARK: Finding a file

    /// The absolute paths that a person may mean.
    func candidates(for file: BytePath) -> [BytePath] {
        if file.isAbsolute { return [file.normalized] }
        let inboxes = shared.withLock { $0.configuration.inboxes }
        return inboxes.flatMap { [$0.inbox, $0.failed, $0.outbox] }.map { $0.appending(file).normalized }
    }

    /// The inbox whose directory of a kind holds a path, and the path below that directory. What lies in an outbox inside an inbox
    /// lies in the outbox.
    func location(_ path: BytePath, _ directory: KeyPath<InboxConfiguration, BytePath>) -> (InboxConfiguration, BytePath)? {
        let configuration = shared.withLock { $0.configuration }
        for inbox in configuration.inboxes {
            for root in [inbox[keyPath: directory], Files.resolved(inbox[keyPath: directory])] {
                guard let relative = path.relative(to: root), !relative.isEmpty else { continue }
                if directory != \.inbox || configuration.isPhotoPath(relative, in: inbox) { return (inbox, relative) }
            }
        }
        return nil
    }
}

extension Date {
    init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
