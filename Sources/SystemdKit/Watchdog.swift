import Synchronization
import Threads

/// Gives the service manager a sign of life only while the work is alive: every worker that has begun something must
/// have reported progress within its allowance. A timer that pings regardless would hide a worker that hangs.
package final class Watchdog: Sendable {
    private struct Worker {
        var last: ContinuousClock.Instant
        /// nil where nobody asks for signs of life.
        var allowance: Duration?
        var told = false
    }

    private struct Contents {
        var workers: [String: Worker] = [:]
        var thread: WorkerThread?
    }

    private let notifier: ServiceNotifier
    private let interval: Duration
    private let onStuck: @Sendable (_ worker: String, _ silent: Duration) -> Void
    private let contents = Mutex(Contents())
    private let isStopped = Monitor(false)

    /// - Parameters:
    ///   - interval: how often the manager wants a sign of life; nil where it wants none, and then nothing is sent.
    ///   - onStuck: called once for each worker that has fallen silent.
    package init(
        notifier: ServiceNotifier = ServiceNotifier(), interval: Duration? = ServiceNotifier.watchdogInterval,
        onStuck: @escaping @Sendable (_ worker: String, _ silent: Duration) -> Void = { _, _ in }
    ) {
        self.notifier = notifier
        self.interval = interval ?? .zero
        self.onStuck = onStuck
    }

    deinit { stop() }

    /// A worker begins something and will report progress at least every `allowance` (default: the manager's interval).
    package func begin(_ who: String, allowance: Duration? = nil) {
        let worker = Worker(last: .now, allowance: allowance ?? (interval > .zero ? interval : nil))
        contents.withLock { $0.workers[who] = worker }
    }

    /// A worker has made progress.
    package func beat(_ who: String) {
        contents.withLock { contents in
            contents.workers[who]?.last = .now
            contents.workers[who]?.told = false
        }
    }

    /// A worker is idle again.
    package func end(_ who: String) {
        contents.withLock { $0.workers[who] = nil }
    }

    /// The busy workers that have been silent for longer than they may, and for how long.
    package func silent(at now: ContinuousClock.Instant = .now) -> [String: Duration] {
        contents.withLock { contents in
            contents.workers.compactMapValues { worker in
                guard let allowance = worker.allowance, now - worker.last > allowance else { return nil }
                return now - worker.last
            }
        }
    }

    /// Begins to send, three times an interval, on a thread of its own. Without one (no more may be started) the
    /// manager hears nothing, and restarts the service.
    package func start() {
        guard interval > .zero else { return }
        contents.withLock { contents in
            guard contents.thread == nil, !isStopped.read(\.self) else { return }
            // The thread does not keep the object: `deinit` ends it.
            contents.thread = try? WorkerThread("watchdog") {
                [weak self, isStopped, seconds = interval / .seconds(3)] in
                repeat { self?.look() } while !isStopped.wait(seconds: seconds, for: \.self)
            }
        }
    }

    package func stop() {
        isStopped.change { $0 = true }
        let thread = contents.withLock { contents in
            defer { contents.thread = nil }
            return contents.thread
        }
        thread?.join()
    }

    private func look() {
        let silent = silent()
        if silent.isEmpty { notifier.watchdog() } else { tell(silent) }
    }

    private func tell(_ silent: [String: Duration]) {
        let news = contents.withLock { contents in
            silent.filter { name, _ in
                guard contents.workers[name]?.told == false else { return false }
                contents.workers[name]?.told = true
                return true
            }
        }
        for (name, duration) in news { onStuck(name, duration) }
    }
}
