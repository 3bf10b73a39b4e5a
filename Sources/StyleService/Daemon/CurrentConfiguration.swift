import Publishing
import ServiceConfiguration
import Synchronization

/// The configuration in use, which a reload exchanges while the service runs.
final class CurrentConfiguration: Sendable {
    private struct State {
        var value: Configuration
        var rejected: String?
        var needsRestart: [String] = []
    }

    private let state: Mutex<State>

    init(_ value: Configuration) { state = Mutex(State(value: value)) }

    var value: Configuration { state.withLock { $0.value } }

    /// The first problem of a configuration that was refused; nil once a good one is in use.
    var rejected: String? { state.withLock { $0.rejected } }

    /// Keys whose new value is used after a restart only.
    var needsRestart: [String] { state.withLock { $0.needsRestart } }

    func use(_ value: Configuration, needsRestart: [String]) {
        state.withLock { $0 = State(value: value, needsRestart: needsRestart) }
    }

    func reject(_ problem: String?) { state.withLock { $0.rejected = problem } }
}
