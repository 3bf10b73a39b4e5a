import BackgroundProcess
import CalendarEvents
import Foundation
import LinuxFiles
import Logging
import ModelLedger
import Publishing
import ServiceConfiguration
import ServiceControl
import StyleModels
import Synchronization
import Threads

/// Trains the styles' models: one run at a time, when its time has come or a person wants it, in a child process that
/// gets what photos leave over.
///
/// All of it happens on one thread, which lives as long as the service: the kernel ends a run's process with the thread
/// that started it. Whatever is ended when, the ledger says which run is to be gone on with, and its directory how far
/// it is.
final class Training: Sendable {
    let ledger: Ledger
    let archive: ModelArchive
    let models: ModelStore
    let reports: TrainingRuns
    let logger: Logger
    let environment: TrainingEnvironment
    let state: Monitor<TrainingThreadState>
    /// Called when something has changed that the service's status tells.
    let changed: @Sendable () -> Void
    /// Called with a style and the model that was put to use for it.
    let promoted: @Sendable (String) -> Void
    private let thread = Mutex<WorkerThread?>(nil)

    init(
        _ configuration: Configuration, ledger: Ledger, archive: ModelArchive, models: ModelStore,
        reports: TrainingRuns,
        environment: TrainingEnvironment, logger: Logger, changed: @escaping @Sendable () -> Void,
        promoted: @escaping @Sendable (String) -> Void
    ) {
        (self.ledger, self.archive, self.models, self.reports) = (ledger, archive, models, reports)
        (self.environment, self.logger, self.changed, self.promoted) = (environment, logger, changed, promoted)
        state = Monitor(TrainingThreadState(configuration: configuration))
    }

    /// - Throws: `SystemError` where no more threads may be started.
    func start() throws {
        let started = try WorkerThread("training") { self.run() }
        thread.withLock { $0 = started }
    }

    func apply(_ configuration: Configuration) {
        state.change { state in
            state.configuration = configuration
            state.generation += 1
            // A style that is not configured any more is not trained to the end.
            if let active = state.active, configuration.style(active.run.style) == nil {
                state.givenUp.insert(active.run.style)
            }
        }
    }

    /// Something may have made a run due: images came.
    func wake() { state.change { $0.generation += 1 } }

    /// Ends the run's process after its iteration, or when the time is over. The next start goes on with it.
    func askToStop() { state.change { $0.isStopping = true } }

    /// Returns when the thread has ended.
    func join() { thread.withLock { $0 }?.join() }

    // MARK: The thread

    private var planner: RunPlanner {
        RunPlanner(ledger: ledger, models: models, configuration: state.read(\.configuration))
    }
    private var conclusion: RunConclusion {
        RunConclusion(ledger: ledger, archive: archive, models: models, logger: logger)
    }

    private func run() {
        defer { state.change { $0.hasEnded = true } }
        sweep()
        while !state.read(\.isStopping) {
            let generation = state.read(\.generation)
            do {
                if let run = try ledger.runningRuns().first {
                    carryOut(run)
                } else if let (order, style) = try next() {
                    begin(order, style)
                } else {
                    wait(secondsToNext(), generation)
                }
            } catch {
                logger.warning("training: \(error)")
                wait(30, generation)
            }
        }
    }

    private func wait(_ seconds: Double, _ generation: Int) {
        state.wait(seconds: seconds, for: { $0.isStopping || !$0.orders.isEmpty || $0.generation != generation })
    }

    private func sweep() {
        do { try conclusion.sweep(state.read(\.configuration)) } catch {
            logger.warning("training: directories of earlier runs stay: \(error)")
        }
    }

    // MARK: What is due

    /// Until a schedule elapses; a clock that is set makes it another time, so that it is looked at again now and then.
    private func secondsToNext() -> Double {
        let now = LedgerTime.now
        let waits = state.read(\.configuration).styles.compactMap { style -> Double? in
            guard let last = try? ledger.lastTrial(style.key, now: now),
                case .waits(let until)? = environment.schedule.standing(style, last: last, now: now)
            else { return nil }
            return until.timeIntervalSince(now.date)
        }
        return min(max(waits.min() ?? 60, 0.1), 60)
    }

    /// What a person ordered, then what has been due for longest. A scheduled run that has too little to learn from is
    /// noted as tried: the next elapse looks again.
    private func next() throws -> (RunOrder, StyleConfiguration)? {
        let configuration = state.read(\.configuration)
        if let order = state.change({ $0.orders.isEmpty ? nil : $0.orders.removeFirst() }),
            let style = configuration.style(order.style)
        {
            return (order, style)
        }
        for style in configuration.styles where try isFirstDue(style) {
            return (RunOrder(style: style.key, isForced: true), style)
        }
        let now = LedgerTime.now
        var due: [(since: Date, style: StyleConfiguration)] = []
        for style in configuration.styles {
            let last = try ledger.lastTrial(style.key, now: now)
            if case .due(let since)? = environment.schedule.standing(style, last: last, now: now) {
                due.append((since, style))
            }
        }
        for (_, style) in due.sorted(by: { $0.since < $1.since }) {
            guard let obstacle = try planner.obstacle(style, isForced: false) else {
                return (RunOrder(style: style.key), style)
            }
            try ledger.noteTrial(style.key, now)
            tellObstacle(style.key, obstacle)
        }
        return nil
    }

    /// A style that has no model is trained for the first time as soon as there is enough to learn from and no more
    /// comes, whatever its schedule says: its photos wait.
    private func isFirstDue(_ style: StyleConfiguration) throws -> Bool {
        guard style.retrain.when != nil, try models.identity(ofStyle: style.key) == nil,
            try ledger.runs(style: style.key, limit: 1).isEmpty, try planner.obstacle(style, isForced: true) == nil,
            let last = try ledger.lastDomainImage(style.key), state.read({ $0.obstacles[style.key] }) == nil
        else { return false }
        return (LedgerTime.now - last).seconds >= environment.quiet
    }

    private func tellObstacle(_ style: String, _ obstacle: String) {
        let isNew = state.change { $0.obstacles.updateValue(obstacle, forKey: style) != obstacle }
        guard isNew else { return }
        logger.info(
            "style \(style) is not trained this time: \(obstacle)",
            metadata: .training(style, .trainingPutOff, reason: obstacle))
    }

    private func begin(_ order: RunOrder, _ style: StyleConfiguration) {
        do {
            if let obstacle = try planner.obstacle(style, isForced: order.isForced) {
                return tellObstacle(style.key, obstacle)
            }
            let (run, remarks) = try planner.begin(order, style)
            try FailurePoint.reached(.runRecorded)
            state.change { $0.obstacles[style.key] = nil }
            let about = (["training of the style \(style.key) begins, \(run.mode.rawValue)"] + remarks).joined(
                separator: "; ")
            logger.notice("\(about) (\(run.directory))", metadata: .run(run, .trainingBegan))
        } catch {
            // Not tried again before the next elapse: what is wrong stays wrong until a person has looked.
            try? ledger.noteTrial(style.key)
            state.change { $0.obstacles[style.key] = "\(error)" }
            logger.error(
                "style \(style.key) cannot be trained: \(error)",
                metadata: .training(style.key, .trainingFailed, reason: "\(error)"))
        }
        changed()
    }

    // MARK: A run

    private func carryOut(_ run: RunEntry) {
        defer {
            state.change { $0.active = nil }
            changed()
        }
        state.change { state in
            state.active = .init(run: run)
            // Of an earlier run of the style, which had ended by itself.
            state.givenUp.remove(run.style)
        }
        guard let style = state.read(\.configuration).style(run.style) else {
            return giveUp(run)
        }
        var attempts = run.attempts
        while true {
            let reached = RunDirectory(run.directory).reached
            let work = RunWork(training: self, run: run, style: style)
            let end: RunWork.End
            do { end = try work.proceed() } catch { end = .failed("\(error)") }
            switch end {
            case .decided: return conclude(run)
            case .stopping: return
            case .givenUp: return giveUp(run)
            case .interrupted: continue
            case .failed(let reason):
                let hasCome = RunDirectory(run.directory).reached != reached
                attempts = hasCome ? 1 : attempts + 1
                try? ledger.setAttempts(run, attempts)
                if attempts >= environment.mostAttempts { return fail(run, reason) }
                let seconds = environment.pauseAfterFailure * Double(attempts)
                logger.warning(
                    "the training of \(run.style) \(reason); it goes on in \(durationText(seconds))",
                    metadata: .run(run, .trainingInterrupted, reason: reason))
                state.change { $0.active?.waits = "goes on in a moment: its process \(reason)" }
                let mustEnd = state.wait(seconds: seconds, for: { $0.isStopping || $0.givenUp.contains(run.style) })
                state.change { $0.active?.waits = nil }
                if mustEnd { return state.read(\.isStopping) ? () : giveUp(run) }
            }
        }
    }

    /// A disk that is full, or a ledger that is held, is waited for.
    private func conclude(_ run: RunEntry) {
        while !state.read(\.isStopping) {
            do {
                let keep =
                    state.read(\.configuration).style(run.style)?.retrain.keepModels
                    ?? RetrainConfiguration().keepModels
                let result = try conclusion.conclude(run, keepModels: keep)
                sweep()
                if result.isPromoted { promoted(run.style) }
                return
            } catch {
                guard case .blocked(let reason, _) = Failure(error) else { return fail(run, "\(error)") }
                state.change { $0.active?.waits = reason }
                logger.warning(
                    "the new model of \(run.style) waits: \(reason)", metadata: .event(.outputPaused, reason: reason))
                state.wait(seconds: 30, for: \.isStopping)
            }
        }
    }

    private func giveUp(_ run: RunEntry) {
        let isConfigured = state.read(\.configuration).style(run.style) != nil
        let reason = isConfigured ? "on request" : "the style is not configured any more"
        end(run, .stopped, reason)
        logger.notice(
            "the training of \(run.style) was given up: \(reason)",
            metadata: .run(run, .trainingStopped, reason: reason))
    }

    private func fail(_ run: RunEntry, _ reason: String) {
        end(run, .failed, reason)
        logger.error(
            "the training of \(run.style) failed: \(reason) (\(RunDirectory(run.directory).log))",
            metadata: .run(run, .trainingFailed, reason: reason))
    }

    private func end(_ run: RunEntry, _ how: RunEntry.State, _ reason: String) {
        do { try ledger.end(run, how, reason: reason) } catch { logger.warning("training: \(error)") }
        sweep()
    }
}

extension Logger.Metadata {
    /// The journal's fields for a style's training where there is no run.
    static func training(_ style: String, _ event: ServiceEvent, reason: String) -> Logger.Metadata {
        var fields: Logger.Metadata = .event(event, reason: reason)
        fields["CYCLEGAN_STYLE"] = .string(style)
        return fields
    }
}
