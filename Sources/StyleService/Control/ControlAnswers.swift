import Foundation
import Glibc
import LinuxFiles
import Logging
import ModelLedger
import Publishing
import ServiceConfiguration
import ServiceControl
import StyleModels

/// What the service answers on the control socket.
struct ControlAnswers: Sendable {
    let ledger: Ledger
    let pipeline: Pipeline
    let watchers: InboxWatchers
    let models: ModelStore
    let archive: ModelArchive
    let configuration: CurrentConfiguration
    let logger: Logger
    /// The sentence for `systemctl status`.
    let sentence: @Sendable () -> String
    /// Reads the configuration again.
    let reload: @Sendable () -> Reloaded
    /// When the service began.
    let started: Date
    let reports: TrainingRuns
    let training: Training

    private var finder: FileFinder { FileFinder(ledger: ledger, configuration: configuration.value) }

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
                reply.explanation = try explainer.explain(file)
                return reply
            case .retry:
                if request.all == true { return try retries.all() }
                guard let file = request.file else { return .failure("retry needs a file, or --all") }
                return try retries.retry(file)
            case .redo:
                guard let file = request.file else { return .failure("redo needs a file") }
                return try retries.redo(file, style: request.style, strength: request.strength)
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
                reports.tell(report, from: process)
                return .success()
            case .models:
                guard let request = request.models else { return .failure("models needs what is to be done") }
                return try ModelAnswers(archive: archive, logger: logger, promoted: training.promoted).answer(request)
            case .retrain:
                guard let request = request.retrain else { return .failure("retrain needs what is to be done") }
                return try RetrainAnswers(training: training).answer(request)
            case .reload:
                let reloaded = reload()
                if !reloaded.problems.isEmpty {
                    return .failure(
                        "The configuration was refused; the last good one stays in use.", problems: reloaded.problems)
                }
                let keys = reloaded.needsRestart.map { "'\($0)'" }
                if keys.isEmpty { return .success("The new configuration is in use.") }
                return .success(
                    "The new configuration is in use, but for \(keys.joined(separator: ", ")): what that says is used "
                        + "after a restart "
                        + "(systemctl restart cyclegan-styled).")
            }
        } catch { return .failure("\(error)") }
    }

    private var explainer: FileExplainer {
        FileExplainer(ledger: ledger, pipeline: pipeline, watchers: watchers, finder: finder)
    }

    private var retries: PhotoRetries {
        PhotoRetries(ledger: ledger, pipeline: pipeline, models: models, finder: finder)
    }

    private func statusReport() throws -> StatusReport {
        let state = pipeline.state.read { $0 }
        let configuration = configuration.value
        let staying = try ledger.stayingOriginals()
        let counts = try ledger.counts()
        let recent = try ledger.throughput(since: .now - .seconds(3600))
        let now = Date()
        let activity: StatusReport.Activity =
            state.isStopping
            ? .stopping
            : state.isAllBlocked ? .blocked : state.isPaused ? .paused : state.isNothingMoving ? .idle : .styling
        return StatusReport(
            activity: activity, sentence: sentence(), processId: getpid(), startedAt: started,
            inboxes: configuration.inboxes.map { inbox in
                let snapshot = watchers.watcher(inbox.key)?.snapshot
                let waiting = snapshot?.waiting.map(\.standing) ?? []
                let unreadable = waiting.count { if case .unreadable = $0 { true } else { false } }
                let empty = waiting.count { $0 == .empty }
                return StatusReport.Inbox(
                    key: inbox.key, inbox: FileName(inbox.inbox), outbox: FileName(inbox.outbox),
                    style: inbox.picture.style,
                    state: snapshot.map { "\($0.state)" } ?? "stopped", settling: waiting.count - unreadable - empty,
                    empty: empty,
                    unreadable: unreadable + (snapshot?.unreadableDirectories.count ?? 0),
                    blocked: state.blockedInboxes[inbox.key],
                    stayingOriginals: staying[inbox.key]?.count ?? 0, stayingReason: staying[inbox.key]?.reason)
            },
            ready: counts[.ready] ?? 0, deferred: counts[.deferred] ?? 0,
            queueSecondsLeft: state.queueSecondsLeft(ready: counts[.ready] ?? 0, ledger, now: now),
            inWork: state.inWork.values.sorted { $0.started < $1.started }.map { work in
                StatusReport.Work(
                    file: FileName(work.file.path), inbox: work.file.inbox, stage: work.stage.rawValue,
                    percent: work.stage == .translating ? Int(work.progress * 100) : nil,
                    secondsLeft: work.remaining(now: now),
                    seconds: now.timeIntervalSince(work.started))
            },
            elsewhere: pipeline.sharing?.foreign.map { work, owner in
                StatusReport.Elsewhere(
                    file: work.file, inbox: work.inbox, host: owner.process.host, processId: owner.process.process)
            },
            styledLastHour: recent.photos,
            secondsPerPhoto: recent.photos == 0 ? nil : recent.seconds / Double(recent.photos),
            totals: Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) }),
            lastFailures: try ledger.latest([.failed, .quarantined], limit: 5).map { entry in
                StatusReport.Failure(
                    file: FileName(entry.file.path), inbox: entry.file.inbox, reason: entry.reason ?? "",
                    time: (entry.finished ?? entry.recorded).date)
            },
            training: reports.current().filter { !$0.run.bytePath.isInside(configuration.runs) },
            styles: try training.styleReports(), configurationFiles: configuration.files,
            refusedConfiguration: self.configuration.rejected,
            needsRestart: self.configuration.needsRestart)
    }
}
