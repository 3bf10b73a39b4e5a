import LinuxFiles
import Synchronization
import Threads

/// Tells a running service now and then how a training goes: where there is a service and it may be asked, and without
/// a word where not. The training never waits for it.
package final class TrainingReporter: Sendable {
    private struct State {
        var last: ContinuousClock.Instant?
        var isTelling = false
    }

    private let candidates: [BytePath]
    private let interval: Duration
    private let state = Mutex(State())

    /// - Parameters:
    ///   - candidates: control sockets, in the order in which they are tried.
    ///   - interval: the least time between two reports.
    package init(candidates: [BytePath] = ControlSocket.candidates(), interval: Duration = .seconds(5)) {
        self.candidates = candidates
        self.interval = interval
    }

    package func tell(_ report: @autoclosure () -> TrainingReport) {
        let isDue = state.withLock { state in
            guard !state.isTelling, state.last.map({ .now - $0 >= interval }) ?? true else { return false }
            (state.isTelling, state.last) = (true, .now)
            return true
        }
        guard isDue else { return }
        let request = ControlRequest(.training, report: report())
        let thread = try? WorkerThread("reporting") { [self] in
            _ = try? ControlSocket.ask(request, at: candidates, timeout: 5)
            state.withLock { $0.isTelling = false }
        }
        if thread == nil { state.withLock { $0.isTelling = false } }
    }
}
