import Digests
import Logging
import Photos
import ServiceConfiguration
import StyleModels
import Synchronization
import SystemdKit
import Threads

/// Takes photos from the ledger and makes pictures of them, on three threads: one reads and decodes the next photo
/// while the second translates (with all processors) and the third encodes and publishes the last one. Between two
/// threads waits at most one photo, so that memory does not grow with the queue.
///
/// Every step that changes the disk is noted in the ledger before it is taken, or can be told from the disk afterwards,
/// so that a death at any moment leaves exactly one picture of each photo after the next start.
package final class Pipeline: Sendable {
    let ledger: Ledger
    let translator: any PhotoTranslating
    let logger: Logger
    /// Where the spool is shared with other services.
    let sharing: SpoolSharing?
    let state: Monitor<PipelineState>
    let disposing = Mutex(())
    let watchdog: Watchdog
    /// Asked to look at a file again that was not as the ledger says, and told that a file is taken away.
    let reexamine: @Sendable (InboxFile) -> Void
    let takenAway: @Sendable (InboxFile) -> Void
    /// Shown each photo of an inbox once it is decoded.
    let decoded: @Sendable (Photo, SHA256Digest, _ inbox: String) -> Void
    /// Called when something has changed that the service's status tells.
    let statusChanged: @Sendable () -> Void

    package init(
        configuration: Configuration, ledger: Ledger, translator: any PhotoTranslating, logger: Logger,
        sharing: SpoolSharing? = nil,
        watchdog: Watchdog = Watchdog(interval: nil), reexamine: @escaping @Sendable (InboxFile) -> Void = { _ in },
        takenAway: @escaping @Sendable (InboxFile) -> Void = { _ in },
        decoded: @escaping @Sendable (Photo, SHA256Digest, _ inbox: String) -> Void = { _, _, _ in },
        statusChanged: @escaping @Sendable () -> Void = {}
    ) {
        self.ledger = ledger
        self.translator = translator
        self.logger = logger
        self.sharing = sharing
        self.watchdog = watchdog
        self.reexamine = reexamine
        self.takenAway = takenAway
        self.decoded = decoded
        self.statusChanged = statusChanged
        state = Monitor(PipelineState(configuration: configuration, pace: Pace(note: try? ledger.note(Pace.noteName))))
    }

    /// - Throws: `SystemError` where no more threads may be started.
    package func start() throws {
        try WorkerThread("reading") { self.takeLoop() }
        try WorkerThread("translating") { self.translateLoop() }
        try WorkerThread("writing") { self.publishLoop() }
    }

    /// Something may be due: files were recorded, or deferred ones hurried.
    package func wake() {
        state.change { $0.generation += 1 }
        statusChanged()
    }

    package func pause(_ isPaused: Bool) {
        state.change {
            $0.isPaused = isPaused; $0.generation += 1
        }
    }

    /// Photos in work finish with the configuration that they began with.
    package func apply(_ configuration: Configuration) {
        state.change {
            $0.configuration = configuration; $0.generation += 1
        }
    }

    /// One line of the journal for each decision about a file.
    func debug(_ entry: LedgerEntry, _ text: @autoclosure () -> String) {
        logger.debug("\(entry.file.path): \(text())", metadata: .photo(entry.file))
    }
}
