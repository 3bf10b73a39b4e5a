import CalendarEvents
import Foundation
import LinuxFiles
import ServiceConfiguration
import ServiceControl

extension Training {
    /// How the training of each style stands.
    func styleReports() throws -> [StyleReport] { try state.read(\.configuration).styles.map { try report($0) } }

    func report(_ style: StyleConfiguration, now: LedgerTime = .now) throws -> StyleReport {
        let (active, obstacle, isOrdered) = state.read { state in
            (
                state.active.flatMap { $0.run.style == style.key ? $0 : nil }, state.obstacles[style.key],
                state.orders.contains { $0.style == style.key }
            )
        }
        let planner = RunPlanner(ledger: ledger, models: models, configuration: state.read(\.configuration))
        let (paintings, photos) = try planner.counts(style.key)
        let run = try active?.run ?? ledger.runs(style: style.key, limit: 1).first
        let progress = active.flatMap { reports.report(of: $0.run.directory) }
        var next: Date?
        switch environment.schedule.standing(style, last: try ledger.lastTrial(style.key, now: now), now: now) {
        case .waits(let until): next = until
        case .due(let since): next = since
        case .never, nil: break
        }
        let activity: StyleReport.Activity =
            if let active {
                active.isPaused
                    ? .paused : active.waits != nil ? .waiting : progress?.examined != nil ? .examining : .training
            } else {
                isOrdered || run?.state == .running ? .waiting : .idle
            }
        return StyleReport(
            style: style.key, activity: activity,
            sentence: sentence(activity, active, progress, obstacle, isScheduled: style.retrain.when != nil),
            paintings: paintings.images, photos: photos.images, new: paintings.new + photos.new, next: next,
            run: run.map { run in
                .init(
                    directory: run.directory, began: run.began.date, ended: run.ended?.date, state: run.state.rawValue,
                    reason: run.reason, modelSha256: run.model?.description)
            }, progress: progress)
    }

    private func sentence(
        _ activity: StyleReport.Activity, _ active: TrainingThreadState.Active?, _ progress: TrainingReport?,
        _ obstacle: String?,
        isScheduled: Bool
    ) -> String {
        switch activity {
        case .training: "training" + (progress.map { ", \(Self.text($0))" } ?? "")
        case .examining: "comparing the new model with the one in use" + (progress.map { ", \(Self.text($0))" } ?? "")
        case .paused: "training is paused while the queue is long"
        case .waiting: "training " + (active?.waits ?? "waits for its turn")
        case .idle:
            obstacle.map { "not trained: \($0)" } ?? (isScheduled ? "waits for its time" : "is trained on request only")
        }
    }

    private static func text(_ report: TrainingReport) -> String {
        if let examined = report.examined, let all = report.toExamine { return "\(examined) of \(all) images" }
        let iterations = "iteration \(report.iteration)" + (report.total.map { " of \($0)" } ?? "")
        return iterations + (report.secondsLeft.map { ", \(durationText($0)) left" } ?? "")
    }

    /// For the service's one sentence; nil where nothing is trained.
    var headline: String? {
        guard let active = state.read(\.active) else { return nil }
        let style = active.run.style
        if active.isPaused { return "training of \(style) paused" }
        if let waits = active.waits { return "training of \(style) \(waits)" }
        return "training \(style)" + (reports.report(of: active.run.directory).map { " (\(Self.text($0)))" } ?? "")
    }
}
