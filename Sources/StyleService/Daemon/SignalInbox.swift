import Glibc
import Publishing
import Synchronization
import Threads

/// Signals, and other reasons to wake up, as something that one thread waits for. The handlers only set a bit and wake
/// that thread; which thread the kernel interrupts for that does not matter.
enum SignalInbox {
    enum Event: Equatable {
        case signal(CInt)
        /// Something has changed that the status sentence tells.
        case news
        case timeout
    }

    /// A bit for each signal that came, and bit 0 for news.
    private static let pending = Atomic<UInt64>(0)
    private static let wakeup = try? Wakeup()

    /// Takes over SIGTERM, SIGINT and SIGHUP, and ignores SIGPIPE. To be called first thing: a SIGHUP before it ends
    /// the process.
    static func open() {
        // Made here: making it is nothing that a handler may do.
        guard wakeup != nil else { return }
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { SignalInbox.put(UInt64(1) << UInt64($0)) }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// Tells the waiting thread that something has changed. Many calls before it looks count as one.
    static func tellNews() { put(1) }

    private static func put(_ bit: UInt64) {
        let code = errno
        pending.bitwiseOr(bit, ordering: .sequentiallyConsistent)
        wakeup?.signal()
        errno = code
    }

    /// Everything that came in, at least one event.
    static func wait(seconds: Double) -> [Event] {
        if let wakeup {
            wakeup.wait(nanoseconds: Int64(min(max(seconds, 0), 86_400) * 1e9))
        } else {
            // No descriptor was left for it: a look every second.
            usleep(UInt32(min(max(seconds, 0), 1) * 1e6))
        }
        let bits = pending.exchange(0, ordering: .sequentiallyConsistent)
        let events = (0..<64).filter { bits >> $0 & 1 != 0 }.map { $0 == 0 ? Event.news : .signal(CInt($0)) }
        return events.isEmpty ? [.timeout] : events
    }
}
