import Glibc
import LinuxFiles
import Publishing
import ServiceControl
import Synchronization

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

    /// The latest of one run.
    func report(of run: BytePath) -> TrainingReport? { current().first { $0.run.bytePath == run } }

    /// A process of another user may not be signalled, which shows that it is there. 0 stands for one outside this
    /// namespace.
    private static func isGone(_ process: pid_t) -> Bool { process > 0 && kill(process, 0) != 0 && errno == ESRCH }
}
