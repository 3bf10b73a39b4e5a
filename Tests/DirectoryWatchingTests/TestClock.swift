import Glibc
import LinuxFiles
import Synchronization

@testable import DirectoryWatching

/// Time that passes when a test says so. Situations are about what comes before what; on a clock of their own they mean
/// the same on a machine of any speed.
final class TestClock: Sendable {
    private let time = Mutex(KernelClock.monotonic)

    var now: Int64 { time.withLock { $0 } }

    func advance(_ duration: Duration) {
        time.withLock { $0 += duration.inNanoseconds }
    }
}

/// Holds a thread back while it is closed.
final class Gate: Sendable {
    private let isClosed = Mutex(false)

    func close() { isClosed.withLock { $0 = true } }
    func open() { isClosed.withLock { $0 = false } }

    func pass() {
        while isClosed.withLock({ $0 }) { usleep(1000) }
    }
}
