import DirectoryWatching
import Foundation
import Glibc
import Logging
import Synchronization
import SystemdKit

/// The service: watches inboxes, keeps the ledger, runs the pipeline, answers on the control socket and tells systemd.
public final class StyleDaemon: Sendable {
    /// What may be exchanged while the service runs.
    struct Shared {
        var configuration: Configuration
        /// The first problem of a configuration that was refused.
        var rejected: String?
    }

    let configurationPath: String?
    let ledger: Ledger
    let pipeline: Pipeline
    let watchers: InboxWatchers
    let models: ModelStore
    let logger: Logger
    let notifier: ServiceNotifier
    let training = TrainingRuns()
    let shared: Mutex<Shared>
    let started = Date()
    private let levels: JournalLogHandler.Configuration?
    private let lock: StateLock
    private let recorder: Recorder
    private let watchdog: Watchdog
    private let housekeeping: Housekeeping
    private let reloading = Mutex(())

    /// Takes hold of the state directory, opens the ledger and brings what the last run left in work to a safe state.
    ///
    /// - Parameters:
    ///   - configurationPath: read again at a reload; nil for the default file.
    ///   - levels: the log handlers' shared level, which follows the configuration.
    /// - Throws: `StateLocked`, `SystemError`, `DatabaseError`; `StoppedAtStart` when asked to stop while it waits for room on the disk.
    public init(
        configuration: Configuration, configurationPath: String?, models: ModelStore, translator: any PhotoTranslating, logger: Logger,
        levels: JournalLogHandler.Configuration? = nil
    ) throws {
        self.configurationPath = configurationPath
        self.models = models
        self.logger = logger
        self.levels = levels
        let notifier = ServiceNotifier()
        self.notifier = notifier
        shared = Mutex(Shared(configuration: configuration))
        lock = try Self.waitingForRoom(notifier, logger) { try StateLock(configuration.lock) }
        let ledger = try Self.waitingForRoom(notifier, logger) { try Ledger(configuration.ledger) }
        self.ledger = ledger

        let watchdog = Watchdog(notifier: notifier) { worker, silent in
            logger.critical("\(worker) has made no progress for \(Int(silent.seconds)) s; the service manager will restart the service")
        }
        self.watchdog = watchdog
        // The pipeline and the watchers know each other only through these two closures.
        let route = Route()
        let pipeline = Pipeline(
            configuration: configuration, ledger: ledger, translator: translator, logger: logger, watchdog: watchdog,
            reexamine: { route.watchers.withLock { $0 }?.reexamine($0) }, takenAway: { file in route.watchers.withLock { $0 }?.forget(file) },
            statusChanged: SignalInbox.tellNews)
        self.pipeline = pipeline
        recorder = Recorder(ledger: ledger, logger: logger, recorded: { pipeline.wake() }, failed: { _ = pipeline.noteDamage($0) })
        watchers = InboxWatchers(recorder: recorder, logger: logger, changed: SignalInbox.tellNews)
        route.watchers.withLock { [watchers] in $0 = watchers }
        housekeeping = Housekeeping(ledger: ledger, pipeline: pipeline, logger: logger)
    }

    private final class Route: Sendable {
        let watchers = Mutex<InboxWatchers?>(nil)
    }

    /// Takes over the signals that systemd sends: call this first thing in `main`.
    public static func openSignalInbox() { SignalInbox.open() }

    // MARK: Running

    /// Repeats a step of the start for as long as nothing can be written. A service that gave up would be started again a few times,
    /// and then not be there when there is room.
    private static func waitingForRoom<Result>(_ notifier: ServiceNotifier, _ logger: Logger, _ step: () throws -> Result) throws -> Result {
        var isWaiting = false
        while true {
            do { return try step() } catch {
                guard case .blocked(let reason) = Failure(error) else { throw error }
                if !isWaiting {
                    logger.error(
                        "the start waits: \(reason). It goes on by itself as soon as there is room.", metadata: .event(.outputPaused, reason: reason))
                }
                isWaiting = true
                notifier.extendTimeout(.seconds(30))
                notifier.status("Waiting to start, nothing can be written: \(reason)")
                for event in SignalInbox.wait(seconds: 2) where event == .signal(SIGTERM) || event == .signal(SIGINT) { throw StoppedAtStart() }
            }
        }
    }

    /// Works until SIGTERM or SIGINT. Runs on the main thread.
    /// - Throws: `LedgerDamaged` where only the next start can go on.
    public func run() throws {
        let configuration = shared.withLock { $0.configuration }
        if let aside = ledger.setAside {
            logger.error(
                "the ledger was damaged and is set aside as \(aside); a new one is made from the directories", metadata: .event(.ledgerRebuilt))
        }
        if try ledger.isIncomplete {
            notifier.extendTimeout(.seconds(600))
            try Self.waitingForRoom(notifier, logger) {
                try pipeline.rebuild()
                try ledger.setIncomplete(false)
            }
        }
        prepareDirectories(configuration)
        try Self.waitingForRoom(notifier, logger) { try pipeline.recover() }
        if try ledger.note("paused") != nil { pipeline.pause(true) }
        recorder.start()
        pipeline.start()
        let control = openControlSocket(configuration)
        try watchers.apply(configuration)
        watchers.waitUntilWatching()
        watchdog.start()
        notifier.ready(status: sentence())
        let inboxes = configuration.inboxes.map { "\($0.key) (\($0.inbox), style \($0.picture.style))" }
        logger.notice("ready: \(inboxes.joined(separator: ", "))")
        startThread("sweeping") { [pipeline] in pipeline.sweepTemporaries() }
        housekeeping.start(configuration)
        waitForSignals()
        stop()
        control?.stop()
        if pipeline.state.read(\.isLedgerDamaged) { throw LedgerDamaged() }
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
            let server = try ControlServer(path) { [weak self] request, process in
                self?.answer(request, from: process) ?? .failure("the service is stopping")
            }
            server.start()
            return server
        } catch {
            logger.warning("no control socket, so that cyclegan-style status and its like cannot reach this service: \(error)")
            return nil
        }
    }

    /// Sleeps until something is to be done: a signal, a new status sentence, the next housekeeping.
    private func waitForSignals() {
        let clock = ContinuousClock()
        var nextSentence = clock.now, hasNews = false
        var nextHousekeeping = clock.now + housekeepingInterval
        while true {
            var wake = nextHousekeeping
            if hasNews { wake = min(wake, nextSentence) }
            if !pipeline.state.read(\.inWork.isEmpty) { wake = min(wake, clock.now + .seconds(2)) }
            for event in SignalInbox.wait(seconds: (wake - clock.now).seconds) {
                switch event {
                case .signal(SIGHUP): _ = reload()
                case .signal: return
                case .news: hasNews = true
                case .timeout: hasNews = hasNews || !pipeline.state.read(\.inWork.isEmpty)
                }
            }
            if pipeline.state.read(\.isLedgerDamaged) { return }
            if hasNews, clock.now >= nextSentence {
                notifier.status(sentence())
                nextSentence = clock.now + .seconds(1)
                hasNews = false
            }
            if clock.now >= nextHousekeeping {
                housekeeping.start(shared.withLock { $0.configuration })
                nextHousekeeping = clock.now + housekeepingInterval
            }
        }
    }

    private var housekeepingInterval: Duration { max(.seconds(60), shared.withLock { $0.configuration.rescan }) }

    func sentence() -> String {
        let counts = (try? ledger.counts([.ready, .deferred])) ?? [:]
        return StatusSentence(
            state: pipeline.state.read { $0 },
            inboxStates: watchers.states().sorted { $0.key < $1.key }.map { key, state in
                if case .waiting = state { return (key, "\(state)", true) }
                return (key, "\(state)", false)
            },
            queued: counts[.ready] ?? 0, deferred: counts[.deferred] ?? 0, rejected: shared.withLock { $0.rejected }
        ).text
    }

    // MARK: Reloading

    /// Reads the configuration again. A bad one changes nothing.
    /// - Returns: what is wrong with it, or nothing.
    func reload() -> [String] {
        reloading.withLock { _ in
            notifier.reloading(status: "Reading the configuration again")
            defer { notifier.ready(status: sentence()) }
            let old = shared.withLock { $0.configuration }
            do {
                let new = try Configuration.load(configurationPath)
                try new.checkModels(models)
                let fixed = new.changesThatNeedRestart(from: old)
                prepareDirectories(new)
                levels?.level = new.logLevel.level
                pipeline.apply(new)
                try watchers.apply(new)
                shared.withLock { $0 = Shared(configuration: new) }
                logger.notice("configuration loaded", metadata: .event(.configurationLoaded))
                for key in fixed { logger.warning("'\(key)' changed; the new value is used after a restart") }
                return []
            } catch {
                let problems = (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
                shared.withLock { $0.rejected = problems.first }
                logger.error(
                    "the configuration was refused, the last good one stays in use:\n\(problems.joined(separator: "\n"))",
                    metadata: .event(.configurationRejected, reason: problems.joined(separator: "\n")))
                return problems
            }
        }
    }

    // MARK: Stopping

    /// Finishes the photo in work if that needs less than `stop-within`, else gives it up; whatever is not published stays in its inbox.
    private func stop() {
        let configuration = shared.withLock { $0.configuration }
        let clock = ContinuousClock()
        let deadline = clock.now + configuration.stopWithin
        pipeline.state.change { $0.isStopping = true }
        notifier.stopping(status: sentence())
        watchers.stop()
        recorder.stop()
        while true {
            notifier.extendTimeout(.seconds(10))
            let patience = min(1, max((deadline - clock.now).seconds, 0.1))
            if pipeline.state.wait(seconds: patience, for: \.hasPublisherEnded) { break }
            let (now, left) = (Date(), (deadline - clock.now).seconds)
            let isTooSlow = pipeline.state.read { state in
                state.inWork.values.contains { ($0.remaining(now: now) ?? 0) > max(0, left) }
            }
            if left <= 0 || isTooSlow { pipeline.state.change { $0.isAbandoning = true } }
            // Something that cannot be interrupted, such as a decoder or a dead network file system: the next start takes it up.
            if left <= -10 {
                logger.warning("stopping with a photo in work that could not be given up; it begins anew at the next start")
                break
            }
        }
        watchdog.stop()
        do { try ledger.close() } catch { logger.warning("the ledger could not be closed: \(error)") }
        logger.notice("stopped")
    }
}

/// The ledger turned out damaged while the service worked with it.
public struct LedgerDamaged: Error, Sendable, CustomStringConvertible {
    public var description: String { "the ledger is damaged; the next start sets it aside and makes a new one from the directories" }
}

/// The service was asked to stop before it had begun.
public struct StoppedAtStart: Error, Sendable {}
