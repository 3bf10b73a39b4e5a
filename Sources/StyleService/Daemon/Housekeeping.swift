import Foundation
import LinuxFiles
import Logging
import Publishing
import ServiceConfiguration
import ServiceControl
import Synchronization
import Threads

/// What is due now and then: old originals, failed photos and ledger rows go, and originals that could not be moved are
/// tried again.
final class Housekeeping: Sendable {
    private let ledger: Ledger
    private let pipeline: Pipeline
    private let logger: Logger
    private let isBusy = Mutex(false)
    /// Walking through all originals is not done more often than this.
    private static let walkInterval: TimeInterval = 3600
    private let lastWalk = Mutex(Date.distantPast)
    /// Decisions of a shared spool are as many as the photos that are kept, and each is read.
    private static let tidyInterval: TimeInterval = 86400
    private let lastTidy = Mutex(Date.distantPast)

    init(ledger: Ledger, pipeline: Pipeline, logger: Logger) {
        self.ledger = ledger
        self.pipeline = pipeline
        self.logger = logger
    }

    /// Works on a thread of its own; a run that is still at work is not joined by a second.
    func start(_ configuration: Configuration) {
        let mayStart = isBusy.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard mayStart else { return }
        do {
            try WorkerThread("housekeeping") {
                self.run(configuration)
                self.isBusy.withLock { $0 = false }
            }
        } catch {
            logger.warning("housekeeping is put off: \(error)")
            isBusy.withLock { $0 = false }
        }
    }

    func run(_ configuration: Configuration, now: Date = Date()) {
        do {
            try pipeline.retryDisposals()
            if let keep = configuration.keepHistory {
                let forgotten = try ledger.prune(before: LedgerTime(now) - keep)
                if forgotten > 0 {
                    logger.info("the ledger forgot \(counted(forgotten, "photo")) older than keep-history")
                }
            }
        } catch { logger.warning("housekeeping: \(error)") }
        let isTidyDue = lastTidy.withLock { last in
            guard now.timeIntervalSince(last) >= Self.tidyInterval else { return false }
            last = now
            return true
        }
        if isTidyDue {
            do { try pipeline.tidyDecisions() } catch { logger.warning("housekeeping of the shared spool: \(error)") }
        }
        let isWalkDue = lastWalk.withLock { last in
            guard now.timeIntervalSince(last) >= Self.walkInterval else { return false }
            last = now
            return true
        }
        guard isWalkDue else { return }
        if let keep = configuration.keepOriginals {
            remove(below: configuration.originals, olderThan: keep, now, "original")
        }
        if let keep = configuration.keepFailed {
            for inbox in configuration.inboxes { remove(below: inbox.failed, olderThan: keep, now, "failed photo") }
        }
    }

    /// Moving a file sets its change time: that is when it came here, whatever its modification time says.
    private func remove(below directory: BytePath, olderThan keep: Duration, _ now: Date, _ what: String) {
        let limit = Int64((now.timeIntervalSince1970 - keep.seconds) * 1e9)
        var removed = 0
        Files.walk(directory) { path, status in
            guard Files.isRegular(status), FileIdentity(status).changed < limit, !TemporaryFile.isTemporary(path.name)
            else { return }
            if (try? Files.unlink(path)) != nil { removed += 1 }
        }
        if removed > 0 { logger.info("removed \(counted(removed, what)) kept for \(Quantity.text(keep))") }
    }
}
