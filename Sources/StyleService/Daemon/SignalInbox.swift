import Glibc
import Synchronization

/// Signals, and other reasons to wake up, as something that one thread waits for. The handlers only write a byte into a pipe; which
/// thread the kernel interrupts for that does not matter.
enum SignalInbox {
    enum Event: Equatable {
        case signal(CInt)
        /// Something has changed that the status sentence tells.
        case news
        case timeout
    }

    private static let news: UInt8 = 0
    private static let writeEnd = Atomic<CInt>(-1)
    private static let readEnd = Atomic<CInt>(-1)

    /// Takes over SIGTERM, SIGINT and SIGHUP, and ignores SIGPIPE. To be called first thing: a SIGHUP before it ends the process.
    static func open() {
        guard writeEnd.load(ordering: .relaxed) < 0 else { return }
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd.store(ends[0], ordering: .relaxed)
        writeEnd.store(ends[1], ordering: .relaxed)
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { SignalInbox.put(UInt8(truncatingIfNeeded: $0)) }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// Tells the waiting thread that something has changed. Many calls before it looks count as one.
    static func tellNews() { put(news) }

    /// A full pipe holds enough to wake up.
    private static func put(_ byte: UInt8) {
        let code = errno
        var byte = byte
        _ = write(writeEnd.load(ordering: .relaxed), &byte, 1)
        errno = code
    }

    /// Everything that came in, at least one event.
    static func wait(seconds: Double) -> [Event] {
        var source = pollfd(fd: readEnd.load(ordering: .relaxed), events: Int16(POLLIN), revents: 0)
        guard poll(&source, 1, CInt(min(max(seconds, 0) * 1000, 86_400_000).rounded(.up))) > 0 else { return [.timeout] }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(source.fd, &bytes, bytes.count)
        return Set(bytes.prefix(max(count, 0))).map { $0 == news ? .news : .signal(CInt($0)) }
    }
}
