import Glibc
import Synchronization

/// Gives the service manager a sign of life only while the work is alive: every worker that has begun something must
/// have reported progress within its allowance. A timer that pings regardless would hide a worker that hangs.
public final class Watchdog: Sendable {
    private struct Worker {
        var last: ContinuousClock.Instant
        /// nil where nobody asks for signs of life.
        var allowance: Duration?
        var told = false
    }

    private struct Contents {
        var workers: [String: Worker] = [:]
        var thread: pthread_t?
        var stopped = false
    }

    private let notifier: ServiceNotifier
    private let interval: Duration
    private let onStuck: @Sendable (_ worker: String, _ silent: Duration) -> Void
    private let contents = Mutex(Contents())
    /// A pipe whose written end wakes the thread when it is to stop.
    private let wakeup: (read: CInt, write: CInt)

    /// - Parameters:
    ///   - interval: how often the manager wants a sign of life; nil where it wants none, and then nothing is sent.
    ///   - onStuck: called once for each worker that has fallen silent.
    public init(
        notifier: ServiceNotifier = ServiceNotifier(), interval: Duration? = ServiceNotifier.watchdogInterval,
        onStuck: @escaping @Sendable (_ worker: String, _ silent: Duration) -> Void = { _, _ in }
    ) {
        self.notifier = notifier
        self.interval = interval ?? .zero
        self.onStuck = onStuck
        var ends: [CInt] = [-1, -1]
        // Without a pipe (no descriptors left) stopping takes until the next sign of life.
        if pipe(&ends) == 0 {
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        wakeup = (ends[0], ends[1])
    }

    deinit {
        stop()
        for end in [wakeup.read, wakeup.write] where end >= 0 { close(end) }
    }

    /// A worker begins something and will report progress at least every `allowance` (default: the manager's interval).
    public func begin(_ who: String, allowance: Duration? = nil) {
        let worker = Worker(last: .now, allowance: allowance ?? (interval > .zero ? interval : nil))
        contents.withLock { $0.workers[who] = worker }
    }

    /// A worker has made progress.
    public func beat(_ who: String) {
        contents.withLock { contents in
            contents.workers[who]?.last = .now
            contents.workers[who]?.told = false
        }
    }

    /// A worker is idle again.
    public func end(_ who: String) {
        contents.withLock { $0.workers[who] = nil }
    }

    /// The busy workers that have been silent for longer than they may, and for how long.
    public func silent(at now: ContinuousClock.Instant = .now) -> [String: Duration] {
        contents.withLock { contents in
            contents.workers.compactMapValues { worker in
                guard let allowance = worker.allowance, now - worker.last > allowance else { return nil }
                return now - worker.last
            }
        }
    }

    /// Begins to send, three times an interval, on a thread of its own.
    public func start() {
        guard interval > .zero else { return }
        contents.withLock { contents in
            guard contents.thread == nil, !contents.stopped else { return }
            var thread = pthread_t()
            let own = Unmanaged.passUnretained(self).toOpaque()
            // Unretained: `deinit` joins the thread before the object goes.
            let result = pthread_create(&thread, nil, { argument in
                Unmanaged<Watchdog>.fromOpaque(argument!).takeUnretainedValue().run()
                return nil
            }, own)
            if result == 0 { contents.thread = thread }
        }
    }

    public func stop() {
        let thread = contents.withLock { contents in
            contents.stopped = true
            defer { contents.thread = nil }
            return contents.thread
        }
        guard let thread else { return }
        _ = write(wakeup.write, "x", 1)
        pthread_join(thread, nil)
    }

    private func run() {
        let milliseconds = CInt(max(1, min(Int64(interval / .milliseconds(3)), 3_600_000)))
        while !contents.withLock({ $0.stopped }) {
            let silent = silent()
            if silent.isEmpty { notifier.watchdog() } else { tell(silent) }
            var source = pollfd(fd: wakeup.read, events: Int16(POLLIN), revents: 0)
            poll(&source, 1, milliseconds)
        }
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
