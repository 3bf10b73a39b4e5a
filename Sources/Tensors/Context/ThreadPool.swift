import COpenBLAS
import CTensorKernels
import Glibc
import LinuxFiles
import Synchronization

/// A fixed set of threads for numerical work; the calling thread takes part. Never Swift's cooperative pool, which such
/// work would starve. The threads end with the pool.
package final class ThreadPool: Sendable {
    /// How many work, the caller among them.
    package let count: Int
    private let crew: Crew

    /// As many as the processors that affinity and the cgroup's quota leave us, unless a number is given.
    /// OpenBLAS is set to one thread: it runs inside ours.
    init(_ count: Int? = nil) {
        self.count = count ?? Processors.usable
        openblas_set_num_threads(1)
        crew = Crew(threads: self.count)
    }

    deinit { crew.stop() }

    /// Calls `body` once for every index below `count`, on all threads; returns when all are done. Which thread runs an
    /// index is not determined: results must not depend on it. Not to be nested.
    package func forEach(_ count: Int, _ body: (Int) -> Void) { crew.forEach(count, body) }

    /// Calls `body` with parts of 0..<count, on all threads.
    func inChunks(_ count: Int, atLeast smallest: Int = 8, _ body: (Range<Int>) -> Void) {
        let chunk = max(smallest, (count + 4 * self.count - 1) / (4 * self.count))
        forEach((count + chunk - 1) / chunk) { i in body(i * chunk..<min(count, (i + 1) * chunk)) }
    }

    /// Calls `body` with the output channels of each packed panel, on all threads.
    func forEachPanel(_ outputChannels: Int, _ body: (Range<Int>) -> Void) {
        let width = Int(CTK_PANEL)
        forEach((outputChannels + width - 1) / width) { panel in
            body(panel * width..<min(outputChannels, (panel + 1) * width))
        }
    }
}

/// What a pool's threads share: they outlive the pool by a moment.
/// Safe to share: the loop at hand and `stopping` are read and written with the mutex held, or while `busy` says that
/// every other thread waits; the rest is atomic or constant.
private final class Crew: @unchecked Sendable {
    private let threads: Int
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private let idle: UnsafeMutablePointer<pthread_cond_t>
    private let generation = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let busy = Atomic<Int>(0)
    private var count = 0
    private var body: ((Int) -> Void)?
    private var stopping = false
    /// One parallel loop at a time: callers on different threads queue here.
    private let turn: UnsafeMutablePointer<pthread_mutex_t>

    init(threads: Int) {
        precondition(threads > 0, "a pool needs at least one thread")
        self.threads = threads
        mutex = .allocate(capacity: 1)
        turn = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_mutex_init(turn, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(idle, nil)
        for _ in 1..<threads { start() }
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_mutex_destroy(turn)
        pthread_cond_destroy(wake)
        pthread_cond_destroy(idle)
        mutex.deallocate()
        turn.deallocate()
        wake.deallocate()
        idle.deallocate()
    }

    /// Ends the threads; no loop runs any more.
    func stop() {
        pthread_mutex_lock(mutex)
        stopping = true
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
    }

    /// As the pool's.
    func forEach(_ count: Int, _ body: (Int) -> Void) {
        if count <= 1 || threads == 1 {
            for i in 0..<count { body(i) }
            return
        }
        pthread_mutex_lock(turn)
        defer { pthread_mutex_unlock(turn) }
        withoutActuallyEscaping(body) { body in
            pthread_mutex_lock(mutex)
            self.body = body
            self.count = count
            next.store(0, ordering: .relaxed)
            busy.store(threads - 1, ordering: .relaxed)
            generation.add(1, ordering: .sequentiallyConsistent)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
            work(body, count)
            // Spin for about as long as a sleep and a wake would cost, then sleep.
            var spins = 0
            while busy.load(ordering: .acquiring) > 0 && spins < 20_000 { spins += 1 }
            if busy.load(ordering: .acquiring) > 0 {
                pthread_mutex_lock(mutex)
                while busy.load(ordering: .acquiring) > 0 { pthread_cond_wait(idle, mutex) }
                pthread_mutex_unlock(mutex)
            }
            self.body = nil
        }
    }

    private func work(_ body: (Int) -> Void, _ count: Int) {
        while true {
            let i = next.add(1, ordering: .relaxed).oldValue
            if i >= count { return }
            body(i)
        }
    }

    /// Works on the loop at hand; entered with the mutex held. A function of its own, so that its reference to the
    /// loop's body is gone when it returns: the body must not outlive the loop.
    @inline(never)
    private func takePart() {
        let body = self.body!, count = self.count
        pthread_mutex_unlock(mutex)
        work(body, count)
    }

    private func start() {
        let crew = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                let crew = Unmanaged<Crew>.fromOpaque(argument!).takeRetainedValue()
                crew.run()
                return nil
            }, crew.toOpaque())
        precondition(failed == 0, "no thread could be started: \(String(cString: strerror(failed)))")
        pthread_detach(thread)
    }

    private func run() {
        var seen = 0
        while true {
            var spins = 0
            while generation.load(ordering: .acquiring) == seen && spins < 4_000 { spins += 1 }
            pthread_mutex_lock(mutex)
            while generation.load(ordering: .acquiring) == seen && !stopping { pthread_cond_wait(wake, mutex) }
            if stopping {
                pthread_mutex_unlock(mutex)
                return
            }
            seen = generation.load(ordering: .acquiring)
            takePart()
            if busy.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                pthread_mutex_lock(mutex)
                pthread_cond_signal(idle)
                pthread_mutex_unlock(mutex)
            }
        }
    }
}
