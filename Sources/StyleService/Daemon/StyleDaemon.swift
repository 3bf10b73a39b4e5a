import CLinux
import DirectoryWatching
import Foundation
import Glibc
import LinuxFiles
import Logging
import ModelLedger
import Photos
import Publishing
import ServiceConfiguration
import ServiceControl
import StyleModels
import Synchronization
import SystemdKit
import Threads

/// The service: watches inboxes, keeps the ledger, runs the pipeline, answers on the control socket and tells systemd.
package final class StyleDaemon: Sendable {
    private let configurationPath: String?
    let ledger: Ledger
    let pipeline: Pipeline
    let watchers: InboxWatchers
    private let models: ModelStore
    private let archive: ModelArchive
    private let logger: Logger
    private let notifier: ServiceNotifier
    private let configuration: CurrentConfiguration
    private let started = Date()
    private let levels: JournalLogHandler.Configuration?
    private let lock: StateLock
    private let recorder: Recorder
    private let watchdog: Watchdog
    private let housekeeping: Housekeeping
    private let metrics: MetricsExporter
    private let intake: DomainIntake
    private let training: Training
    private let reports: TrainingRuns
    private let learned: LearnedPhotos
    private let sharing: SpoolSharing?
    private let reloading = Mutex(())

    /// Takes hold of the state directory, opens the ledger and brings what the last run left in work to a safe state.
    ///
    /// - Parameters:
    ///   - configurationPath: read again at a reload; nil for the default file.
    ///   - levels: the log handlers' shared level, which follows the configuration.
    ///   - trainer: the program that trains, and how patient the service is with it.
    /// - Throws: `StateLocked`, `SystemError`, `DatabaseError`; `StoppedAtStart` when asked to stop while it waits for
    ///   room on the disk.
    package init(
        configuration: Configuration, configurationPath: String?, models: ModelStore, translator: any PhotoTranslating,
        logger: Logger,
        levels: JournalLogHandler.Configuration? = nil, trainer: TrainingEnvironment = .installed
    ) throws {
        self.configurationPath = configurationPath
        self.models = models
        self.logger = logger
        self.levels = levels
        let notifier = ServiceNotifier()
        self.notifier = notifier
        self.configuration = CurrentConfiguration(configuration)
        lock = try Self.waitingForRoom(notifier, logger) { try StateLock(configuration.lock) }
        let ledger = try Self.waitingForRoom(notifier, logger) { try Ledger(configuration.ledger) }
        self.ledger = ledger
        let sharing = try Self.waitingForRoom(notifier, logger) {
            configuration.sharedSpool
                ? try SpoolSharing(configuration, service: try ledger.serviceIdentity()) : nil
        }
        self.sharing = sharing
        let archive = try Self.waitingForRoom(notifier, logger) {
            try ModelArchive(database: ledger.database, directory: configuration.models.appending("sha256"))
        }
        self.archive = archive
        models.follow { style in try archive.current(style).map(archive.path) }

        let watchdog = Watchdog(notifier: notifier) { worker, silent in
            logger.critical(
                """
                \(worker) has made no progress for \(Int(silent.seconds)) s; the service manager will restart the \
                service
                """)
        }
        self.watchdog = watchdog
        let keeping = DomainGuard()
        let learned = LearnedPhotos(ledger: ledger, keeping: keeping, logger: logger)
        self.learned = learned
        // The pipeline and the watchers know each other only through these two closures.
        let route = Route()
        let pipeline = Pipeline(
            configuration: configuration, ledger: ledger, translator: translator, logger: logger, sharing: sharing,
            watchdog: watchdog,
            reexamine: { route.watchers.withLock { $0 }?.reexamine($0) },
            takenAway: { file in route.watchers.withLock { $0 }?.forget(file) },
            decoded: { [configuration = self.configuration] photo, hash, inbox in
                learned.add(photo, hash, inbox: inbox, configuration.value)
            },
            statusChanged: SignalInbox.tellNews)
        self.pipeline = pipeline
        recorder = Recorder(
            ledger: ledger, logger: logger, recorded: { pipeline.wake() }, failed: { _ = pipeline.noteDamage($0) })
        watchers = InboxWatchers(recorder: recorder, logger: logger, changed: SignalInbox.tellNews)
        route.watchers.withLock { [watchers] in $0 = watchers }
        housekeeping = Housekeeping(ledger: ledger, pipeline: pipeline, logger: logger)
        metrics = MetricsExporter(logger: logger)
        let reports = TrainingRuns()
        self.reports = reports
        let training = Training(
            configuration, ledger: ledger, archive: archive, models: models, reports: reports,
            environment: Self.trainingEnvironment(trainer, self.configuration, ledger, pipeline), logger: logger,
            changed: SignalInbox.tellNews,
            promoted: { [configuration = self.configuration] style in
                Restyling(ledger: ledger, models: models, pipeline: pipeline, logger: logger)
                    .begin(style, configuration.value)
            })
        self.training = training
        intake = DomainIntake(
            configuration, ledger: ledger, keeping: keeping, logger: logger, changed: { training.wake() })
    }

    private static func trainingEnvironment(
        _ trainer: TrainingEnvironment, _ configuration: CurrentConfiguration, _ ledger: Ledger, _ pipeline: Pipeline
    ) -> TrainingEnvironment {
        var environment = trainer
        environment.socket = ControlSocket.path(state: configuration.value.state)
        environment.queue = { ((try? ledger.counts([.ready])[.ready]) ?? 0) + pipeline.state.read(\.inWork.count) }
        environment.patience = { configuration.value.stopWithin.seconds }
        return environment
    }

    private final class Route: Sendable {
        let watchers = Mutex<InboxWatchers?>(nil)
    }

    /// Takes over the signals that systemd sends: call this first thing in `main`.
    package static func openSignalInbox() {
        // Its threads hold large buffers that come from a pool, and small ones: one heap for each would keep memory for
        // nothing.
        CLinux_limitHeaps(2, 1 << 20)
        SignalInbox.open()
    }

    // MARK: Running

    /// Repeats a step of the start for as long as nothing can be written. A service that gave up would be started again
    /// a few times, and then not be there when there is room.
    private static func waitingForRoom<Result>(
        _ notifier: ServiceNotifier, _ logger: Logger, _ step: () throws -> Result
    ) throws -> Result {
        var isWaiting = false
        while true {
            do { return try step() } catch {
                guard case .blocked(let reason, _) = Failure(error) else { throw error }
                if !isWaiting {
                    logger.error(
                        "the start waits: \(reason). It goes on by itself as soon as there is room.",
                        metadata: .event(.outputPaused, reason: reason))
                }
                isWaiting = true
                notifier.extendTimeout(.seconds(30))
                notifier.status("Waiting to start, nothing can be written: \(reason)")
                for event in SignalInbox.wait(seconds: 2) where event == .signal(SIGTERM) || event == .signal(SIGINT) {
                    throw StoppedAtStart()
                }
            }
        }
    }

    /// Works until SIGTERM or SIGINT. Runs on the main thread.
    /// - Throws: `LedgerDamaged` where only the next start can go on.
    package func run() throws {
        let configuration = configuration.value
        if let aside = ledger.setAside {
            logger.error(
                "the ledger was damaged and is set aside as \(aside); a new one is made from the directories",
                metadata: .event(.ledgerRebuilt))
        }
        if try ledger.isIncomplete {
            notifier.extendTimeout(.seconds(600))
            try Self.waitingForRoom(notifier, logger) {
                try pipeline.rebuild()
                try ledger.setIncomplete(false)
            }
        }
        prepareDirectories(configuration)
        try sharing?.start(
            logger: logger,
            lost: { [pipeline] rows in pipeline.state.change { $0.lostLeases.formUnion(rows) } },
            expired: { [pipeline] in pipeline.takeUp($0) })
        try Self.waitingForRoom(notifier, logger) { try pipeline.recover() }
        try Self.waitingForRoom(notifier, logger) { try recoverModels() }
        if try ledger.note("paused") != nil { pipeline.pause(true) }
        try recorder.start()
        try pipeline.start()
        let control = openControlSocket(configuration)
        try watchers.apply(configuration)
        try intake.start()
        try intake.apply(configuration)
        try training.start()
        watchers.waitUntilWatching()
        watchdog.start()
        notifier.ready(status: sentence())
        let inboxes = configuration.inboxes.map { "\($0.key) (\($0.inbox), style \($0.picture.style))" }
        logger.notice("ready: \(inboxes.joined(separator: ", "))")
        for format in PhotoFormat.allCases {
            guard let library = format.missingLibrary else { continue }
            logger.notice("built without \(library): \(format.name) photos are refused")
        }
        try WorkerThread("sweeping") { [pipeline] in pipeline.sweepTemporaries() }
        housekeeping.start(configuration)
        waitForSignals()
        stop()
        control?.stop()
        if pipeline.state.read(\.isLedgerDamaged) { throw LedgerDamaged() }
    }

    private func recoverModels() throws {
        let recovery = try archive.recover()
        for loss in recovery.losses {
            let now = loss.now.map { "model \($0.short)" } ?? "the model that ships"
            logger.error(
                "the file of model \(loss.lost.short) of the style '\(loss.style)' is gone; \(now) is used instead",
                metadata: .model(loss.lost, style: loss.style, .modelLost))
        }
        if !recovery.adopted.isEmpty {
            let names = recovery.adopted.map(\.short).joined(separator: ", ")
            logger.warning(
                "the ledger knew nothing of the models \(names); they are listed again, and none of them is in use")
        }
    }

    private func prepareDirectories(_ configuration: Configuration) {
        for directory in configuration.workDirectories where directory.isMade {
            do { try Files.makeDirectory(directory.path) } catch {
                logger.warning("\(directory.key): \(error); it is tried again when it is needed")
            }
        }
    }

    private func openControlSocket(_ configuration: Configuration) -> ControlServer? {
        let path = ControlSocket.path(state: configuration.state)
        do {
            let answers = ControlAnswers(
                ledger: ledger, pipeline: pipeline, watchers: watchers, models: models, archive: archive,
                configuration: self.configuration, logger: logger, sentence: { [weak self] in self?.sentence() ?? "" },
                reload: { [weak self] in self?.reload() ?? Reloaded(problems: ["the service is stopping"]) },
                started: started, reports: reports, training: training)
            let server = try ControlServer(path) { answers.answer($0, from: $1) }
            try server.start()
            return server
        } catch {
            logger.warning(
                "no control socket, so that cyclegan-style status and its like cannot reach this service: \(error)")
            return nil
        }
    }

    /// Sleeps until something is to be done: a signal, a new status sentence, the next housekeeping.
    private func waitForSignals() {
        let clock = ContinuousClock()
        var nextSentence = clock.now, hasNews = false
        var nextHousekeeping = clock.now + housekeepingInterval
        var rest: ContinuousClock.Instant? = clock.now + Self.restAfter
        var nextMetrics = clock.now
        while true {
            var wake = nextHousekeeping
            if configuration.value.metrics != nil { wake = min(wake, nextMetrics) }
            if let rest { wake = min(wake, rest) }
            if hasNews { wake = min(wake, nextSentence) }
            if isWorking { wake = min(wake, clock.now + .seconds(2)) }
            for event in SignalInbox.wait(seconds: (wake - clock.now).seconds) {
                switch event {
                case .signal(SIGHUP): _ = reload()
                case .signal: return
                case .news: hasNews = true
                case .timeout: hasNews = hasNews || isWorking
                }
            }
            if pipeline.state.read(\.isLedgerDamaged) { return }
            if hasNews, clock.now >= nextSentence {
                notifier.status(sentence())
                nextSentence = clock.now + .seconds(1)
                nextMetrics = clock.now
                hasNews = false
            }
            if clock.now >= nextMetrics {
                exportMetrics()
                nextMetrics = clock.now + Self.metricsInterval
            }
            if !pipeline.state.read(\.isNothingMoving) {
                rest = clock.now + Self.restAfter
            } else if let due = rest, clock.now >= due {
                rest = nil
                pipeline.translator.rest()
                CLinux_trimHeap()
            }
            if clock.now >= nextHousekeeping {
                housekeeping.start(configuration.value)
                intake.lookAgain()
                nextHousekeeping = clock.now + housekeepingInterval
            }
        }
    }

    /// The file of metrics is never older than this while the service runs: an old one shows that it does not.
    private static let metricsInterval = Duration.seconds(30)

    /// Writes the file of metrics, where one is wanted; removes it where none is any more.
    private func exportMetrics() {
        let configuration = configuration.value
        guard let path = configuration.metrics else { return metrics.remove() }
        let counts = (try? ledger.counts([.ready, .deferred])) ?? [:]
        let state = pipeline.state.read { $0 }
        let text = MetricsText(
            tally: state.tally, ready: counts[.ready] ?? 0, deferred: counts[.deferred] ?? 0,
            inWork: state.inWork.count,
            inboxes: configuration.inboxes.map { inbox in
                let model = try? models.identity(for: inbox.picture.style)
                return MetricsText.Inbox(
                    key: inbox.key, model: inbox.picture.style, modelHash: model.map { "\($0.hash)" })
            },
            trainings: reports.current(), started: started
        ).text
        metrics.write(text, to: path)
    }
    /// Whether there is progress to tell.
    private var isWorking: Bool {
        !pipeline.state.read(\.inWork.isEmpty) || training.state.read { $0.active?.isPaused == false }
    }

    /// How long there must be nothing to do until memory is given back.
    private static let restAfter = Duration.seconds(10)

    private var housekeepingInterval: Duration { max(.seconds(60), configuration.value.rescan) }

    func sentence() -> String {
        let counts = (try? ledger.counts([.ready, .deferred])) ?? [:]
        let state = pipeline.state.read { $0 }
        return StatusSentence(
            state: state,
            inboxStates: watchers.states().sorted { $0.key < $1.key }.map { key, state in
                if case .waiting = state { return (key, "\(state)", true) }
                return (key, "\(state)", false)
            },
            queued: counts[.ready] ?? 0, deferred: counts[.deferred] ?? 0,
            secondsLeft: state.queueSecondsLeft(ready: counts[.ready] ?? 0, ledger),
            staying: ((try? ledger.stayingOriginals()) ?? [:]).values.reduce(0) { $0 + $1.count },
            training: training.headline,
            rejected: configuration.rejected, needsRestart: configuration.needsRestart
        ).text
    }

    // MARK: Reloading

    /// Reads the configuration again. A bad one changes nothing.
    func reload() -> Reloaded {
        reloading.withLock { _ in
            notifier.reloading(status: "Reading the configuration again")
            defer { notifier.ready(status: sentence()) }
            let old = configuration.value
            do {
                var new = try Configuration.load(configurationPath)
                models.base = new.spool
                defer { models.base = configuration.value.spool }
                try new.checkModels(models)
                let fixed = new.keepWhatNeedsRestart(of: old)
                prepareDirectories(new)
                levels?.level = new.logLevel.level
                pipeline.apply(new)
                try watchers.apply(new)
                configuration.use(new, needsRestart: fixed)
                learned.reset()
                try intake.apply(new)
                training.apply(new)
                logger.notice("configuration loaded", metadata: .event(.configurationLoaded))
                for key in fixed { logger.warning("'\(key)' changed; the new value is used after a restart") }
                return Reloaded(needsRestart: fixed)
            } catch {
                let problems = (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
                configuration.reject(problems.first)
                logger.error(
                    """
                    the configuration was refused, the last good one stays in use:
                    \(problems.joined(separator: "\n"))
                    """,
                    metadata: .event(.configurationRejected, reason: problems.joined(separator: "\n")))
                return Reloaded(problems: problems)
            }
        }
    }

    // MARK: Stopping

    /// Finishes the photo in work if that needs less than `stop-within`, else gives it up; whatever is not published
    /// stays in its inbox.
    private func stop() {
        let configuration = configuration.value
        let clock = ContinuousClock()
        let deadline = clock.now + configuration.stopWithin
        pipeline.state.change { $0.phase = .stopping }
        notifier.stopping(status: sentence())
        training.askToStop()
        watchers.stop()
        intake.stop()
        recorder.stop()
        while true {
            notifier.extendTimeout(.seconds(10))
            let patience = min(1, max((deadline - clock.now).seconds, 0.1))
            if pipeline.state.wait(seconds: patience, for: { $0.hasEnded(.publishing) }) { break }
            let (now, left) = (Date(), (deadline - clock.now).seconds)
            let isTooSlow = pipeline.state.read { state in
                state.inWork.values.contains { ($0.remaining(now: now) ?? 0) > max(0, left) }
            }
            if left <= 0 || isTooSlow { pipeline.state.change { $0.phase = .abandoning } }
            // Something that cannot be interrupted, such as a decoder or a dead network file system: the next start
            // takes it up.
            if left <= -10 {
                logger.warning(
                    "stopping with a photo in work that could not be given up; it begins anew at the next start")
                break
            }
        }
        // Its process has had its warning at the beginning.
        while !training.state.wait(seconds: 1, for: \.hasEnded), (deadline - clock.now).seconds > -10 {
            notifier.extendTimeout(.seconds(10))
        }
        sharing?.stop()
        watchdog.stop()
        metrics.remove()
        do { try ledger.close() } catch { logger.warning("the ledger could not be closed: \(error)") }
        logger.notice("stopped")
    }
}

/// What a reload came to.
struct Reloaded {
    /// What is wrong with the configuration; it changed nothing then.
    var problems: [String] = []
    /// Keys whose new value is used after a restart only.
    var needsRestart: [String] = []
}

/// The ledger turned out damaged while the service worked with it.
package struct LedgerDamaged: Error, Sendable, CustomStringConvertible {
    package var description: String {
        "the ledger is damaged; the next start sets it aside and makes a new one from the directories"
    }
}

/// The service was asked to stop before it had begun.
package struct StoppedAtStart: Error, Sendable {}
