import LinuxFiles
import Synchronization

/// Hands events to whoever listens, and answers to whoever waits for a synchronisation.
final class EventOutput: Sendable {
    private struct Listeners {
        var streams: [UInt64: AsyncStream<WatchEvent>.Continuation] = [:]
        var calls: [@Sendable (WatchEvent) -> Void] = []
        var syncs: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        var next: UInt64 = 0
        var reader: KernelReader?
        var finished = false
    }

    private let listeners = Mutex(Listeners())

    /// The reader whose latest events a snapshot shows.
    var reader: KernelReader? {
        get { listeners.withLock { $0.reader } }
        set { listeners.withLock { $0.reader = newValue } }
    }

    func stream() -> AsyncStream<WatchEvent> {
        AsyncStream { continuation in
            let number: UInt64? = listeners.withLock { listeners in
                if listeners.finished { return nil }
                listeners.next += 1
                listeners.streams[listeners.next] = continuation
                return listeners.next
            }
            guard let number else { return continuation.finish() }
            continuation.onTermination = { [weak self] _ in
                self?.listeners.withLock { _ = $0.streams.removeValue(forKey: number) }
            }
        }
    }

    func listen(_ call: @escaping @Sendable (WatchEvent) -> Void) { listeners.withLock { $0.calls.append(call) } }

    func send(_ event: WatchEvent) {
        let (streams, calls) = listeners.withLock { (Array($0.streams.values), $0.calls) }
        for stream in streams { stream.yield(event) }
        for call in calls { call(event) }
    }

    /// Enters a waiting task; `request` is called with its token.
    func wait(_ continuation: CheckedContinuation<Void, any Error>, request: (UInt64) -> Void) -> UInt64? {
        let token: UInt64? = listeners.withLock { listeners in
            if listeners.finished { return nil }
            listeners.next += 1
            listeners.syncs[listeners.next] = continuation
            return listeners.next
        }
        guard let token else {
            continuation.resume(throwing: SyncError.stopped)
            return nil
        }
        request(token)
        return token
    }

    func synchronised(_ token: UInt64) {
        listeners.withLock { $0.syncs.removeValue(forKey: token) }?.resume()
    }

    func gaveUp(_ token: UInt64) {
        listeners.withLock { $0.syncs.removeValue(forKey: token) }?.resume(throwing: SyncError.timedOut)
    }

    func finish() {
        let (streams, syncs) = listeners.withLock { listeners in
            defer {
                listeners.streams = [:]
                listeners.calls = []
                listeners.syncs = [:]
                listeners.reader = nil
                listeners.finished = true
            }
            return (Array(listeners.streams.values), Array(listeners.syncs.values))
        }
        for stream in streams { stream.finish() }
        for sync in syncs { sync.resume(throwing: SyncError.stopped) }
    }
}

/// Why it could not be proved that every earlier file was seen.
package enum SyncError: Error, Sendable, CustomStringConvertible {
    case timedOut
    case stopped

    package var description: String {
        switch self {
        case .timedOut: "the directory could not be looked through in the time given"
        case .stopped: "the directory is not being watched"
        }
    }
}
