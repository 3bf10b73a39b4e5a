import Foundation
import LinuxFiles
import Logging
import Publishing
import ServiceControl
import Synchronization
import Threads

/// Writes the files that are complete into the ledger, many in one transaction where many come at once.
final class Recorder: Sendable {
    private struct State {
        var files: [InboxFile] = []
        var isStopping = false
    }

    private let thread = Mutex<WorkerThread?>(nil)

    private let state = Monitor(State())
    private let ledger: Ledger
    private let logger: Logger
    private let recorded: @Sendable () -> Void
    private let failed: @Sendable (any Error) -> Void

    init(
        ledger: Ledger, logger: Logger, recorded: @escaping @Sendable () -> Void,
        failed: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.ledger = ledger
        self.logger = logger
        self.recorded = recorded
        self.failed = failed
    }

    /// - Throws: `SystemError` where no more threads may be started.
    func start() throws {
        let started = try WorkerThread("recording") { self.run() }
        thread.withLock { $0 = started }
    }

    func add(_ file: InboxFile) { state.change { $0.files.append(file) } }

    /// Whether a file that stays in its inbox was done as it is. Where the ledger cannot be asked, it is looked at once
    /// more.
    func isDone(_ file: InboxFile) -> Bool { (try? ledger.isKept(file)) ?? false }

    /// Whether a photo of that name was ever seen.
    func isKnown(_ inbox: String, _ path: BytePath) -> Bool {
        (try? ledger.history(inbox: inbox, path: path, limit: 1).isEmpty) == false
    }

    /// Returns when everything that was added is written, or cannot be.
    func stop() {
        state.change { $0.isStopping = true }
        thread.withLock { $0 }?.join()
    }

    private func run() {
        while true {
            let (files, isStopping) = state.wait(
                for: { !$0.files.isEmpty || $0.isStopping },
                then: { state in
                    defer { state.files = [] }
                    return (state.files, state.isStopping)
                })
            if !files.isEmpty, !record(files) { break }
            if isStopping, files.isEmpty { break }
        }
    }

    /// Tries until it works; a file that could not be recorded is still in its inbox, so that giving up at a stop loses
    /// nothing.
    private func record(_ files: [InboxFile]) -> Bool {
        var isComplaining = false
        while true {
            do {
                let new = try ledger.record(files)
                for file in files {
                    logger.debug(
                        "\(new.contains(file) ? "ready" : "known already, nothing to do"): \(file.path)",
                        metadata: .photo(file))
                }
                if !new.isEmpty {
                    try FailurePoint.reached(.recorded)
                    recorded()
                }
                return true
            } catch {
                if !isComplaining {
                    logger.error(
                        "\(counted(files.count, "file waits", "files wait")): the ledger cannot be written: \(error)")
                }
                isComplaining = true
                failed(error)
                if state.wait(seconds: 2, for: \.isStopping) { return false }
            }
        }
    }
}
