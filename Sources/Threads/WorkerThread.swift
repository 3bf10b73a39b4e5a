import CLinux
import Glibc
import LinuxFiles
import Synchronization

/// A thread of its own, for what blocks or takes seconds: neither has a place on Swift's cooperative pool, whose few
/// threads must never wait. One that nobody joins goes by itself when its work is done.
package final class WorkerThread: Sendable {
    /// Bytes: room for decoders.
    private static let stackSize = 4 << 20

    /// nil once it has been joined.
    private let handle: Mutex<pthread_t?>

    /// Starts the thread.
    /// - Parameter name: as `ps -L` and a debugger show it; of more than 15 bytes the first are shown.
    /// - Throws: `SystemError` where no more threads may be started.
    @discardableResult
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        final class Start {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackSize)
        let start = Unmanaged.passRetained(Start(String(decoding: name.utf8.prefix(15), as: UTF8.self), body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                CLinux_nameThread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            start.release()
            throw SystemError(result, "start a thread")
        }
        handle = Mutex(thread)
    }

    deinit { if let thread = handle.withLock({ $0 }) { pthread_detach(thread) } }

    /// Returns when the thread has ended; at once where it was joined before.
    package func join() {
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }
}
