import Foundation
import Glibc
import Synchronization

/// How a training run stands, as the process that trains tells the service, for `status`.
public struct TrainingReport: Codable, Sendable, Equatable {
    /// The run's directory.
    public var run: FileName
    /// Iterations made, and those of the whole run where they are known.
    public var iteration: Int
    public var total: Int?
    public var losses: [String: Double]
    public var imagesPerSecond: Double
    public var secondsLeft: Double?

    public init(run: BytePath, iteration: Int, total: Int?, losses: [String: Double], imagesPerSecond: Double, secondsLeft: Double?) {
        self.run = FileName(run)
        self.iteration = iteration
        self.total = total
        self.losses = losses
        self.imagesPerSecond = imagesPerSecond
        self.secondsLeft = secondsLeft
    }
}

/// Tells a running service now and then how a training goes: where there is a service and it may be asked, and without a word where
/// not. The training never waits for it.
public final class TrainingReporter: Sendable {
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
    public init(candidates: [BytePath] = ControlSocket.candidates(), interval: Duration = .seconds(5)) {
        self.candidates = candidates
        self.interval = interval
    }

    public func tell(_ report: @autoclosure () -> TrainingReport) {
        let isDue = state.withLock { state in
            guard !state.isTelling, state.last.map({ .now - $0 >= interval }) ?? true else { return false }
            (state.isTelling, state.last) = (true, .now)
            return true
        }
        guard isDue else { return }
        let request = ControlRequest(.training, report: report())
        startThread("reporting") { [self] in
            _ = try? ControlSocket.ask(request, at: candidates, timeout: 5)
            state.withLock { $0.isTelling = false }
        }
    }
}

/// What the service knows of trainings: the latest report of each, until its process is gone or silent.
final class TrainingRuns: Sendable {
    private struct Run {
        var report: TrainingReport
        var process: pid_t
        var told: ContinuousClock.Instant
    }

    /// A step of a large network on a small machine takes its time, and so does a checkpoint.
    static let patience = Duration.seconds(600)
    /// Whoever may use the socket may train, but not fill the memory.
    private static let most = 16

    private let runs = Mutex<[Run]>([])

    func tell(_ report: TrainingReport, from process: pid_t, now: ContinuousClock.Instant = .now) {
        runs.withLock { runs in
            runs.removeAll { $0.report.run == report.run }
            runs.append(Run(report: report, process: process, told: now))
            if runs.count > Self.most { runs.removeFirst() }
        }
    }

    func current(now: ContinuousClock.Instant = .now) -> [TrainingReport] {
        runs.withLock { runs in
            runs.removeAll { now - $0.told > Self.patience || Self.isGone($0.process) }
            return runs.map(\.report)
        }
    }

    /// A process of another user may not be signalled, which shows that it is there. 0 stands for one outside this namespace.
    private static func isGone(_ process: pid_t) -> Bool { process > 0 && kill(process, 0) != 0 && errno == ESRCH }
}
