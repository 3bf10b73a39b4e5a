import CInotify
import Glibc
import LinuxFiles
import Synchronization
import Threads

/// Owns the inotify descriptor and a thread that does nothing but empty it, so that the kernel's queue does not
/// overflow while files are being looked at.
final class KernelReader: Sendable {
    enum Event {
        case name(watch: Int32, [UInt8])
        case directory(watch: Int32)
        case ended(watch: Int32)
        case overflow
    }

    /// Which events are asked for. Changes of a file that is being written (IN_MODIFY) are not: they come by the
    /// thousand, and a file that is waited for is looked at when its time comes anyway.
    static let mask =
        CInotify_maskCloseWrite | CInotify_maskMovedTo | CInotify_maskCreate | CInotify_maskAttributes
        | CInotify_maskMovedFrom | CInotify_maskDelete | CInotify_maskDeleteSelf | CInotify_maskMoveSelf
        | CInotify_maskOnlyDirectory | CInotify_maskExcludeUnlinked

    private static let ringSize = 256

    private struct Shared {
        var stopped = false
        var requests: [Mail.Command] = []
        var recent: [KernelEvent] = []
        var next = 0
    }

    private let descriptor: CInt
    private let wakeup: Wakeup
    private let mailbox: Mailbox
    private let beforeReading: @Sendable () -> Void
    private let shared = Mutex(Shared())
    private let thread = Mutex<WorkerThread?>(nil)

    /// - Throws: `SystemError` with EMFILE when the limit on inotify instances is reached.
    init(mailbox: Mailbox, beforeReading: @escaping @Sendable () -> Void = {}) throws {
        self.mailbox = mailbox
        self.beforeReading = beforeReading
        wakeup = try Wakeup()
        descriptor = try retrying("use inotify") { CInotify_open() }
    }

    deinit { close(descriptor) }

    func start() throws {
        let started = try WorkerThread("inotify") { [self] in run() }
        thread.withLock { $0 = started }
    }

    func stop() {
        shared.withLock { $0.stopped = true }
        wakeup.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Watches an open directory. Returns the watch descriptor.
    /// - Throws: `SystemError` with ENOSPC when the limit on watches is reached.
    func watch(directory: CInt, path: BytePath) throws -> Int32 {
        // By descriptor: the directory that was checked is the one that gets watched, whatever its path means by now.
        do {
            return try retrying("watch", BytePath("/proc/self/fd/\(directory)")) {
                CInotify_addWatch(descriptor, $0, Self.mask)
            }
        } catch let error as SystemError where error.code == ENOENT || error.code == EACCES {
            // /proc is not there.
            return try retrying("watch", path) {
                CInotify_addWatch(descriptor, $0, Self.mask | CInotify_maskDoNotFollow)
            }
        }
    }

    func unwatch(_ watch: Int32) {
        // Fails for a watch that the kernel has ended already, which is all the same.
        _ = CInotify_removeWatch(descriptor, watch)
    }

    /// Posts a command after everything that the kernel had queued up to now. An event is queued before the system call
    /// that caused it returns, so an emptied queue proves that all earlier changes have been told.
    func request(_ command: Mail.Command) {
        shared.withLock { $0.requests.append(command) }
        wakeup.signal()
    }

    var recentEvents: [KernelEvent] {
        shared.withLock { Array($0.recent[$0.next...] + $0.recent[..<$0.next]) }
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            wakeup.wait(with: [Wakeup.Source(descriptor, POLLIN)])
            let (stopped, requests) = shared.withLock { shared in
                defer { shared.requests = [] }
                return (shared.stopped, shared.requests)
            }
            if stopped { return }
            beforeReading()
            drain(&buffer)
            for command in requests { mailbox.post(command) }
        }
    }

    private func drain(_ buffer: inout [UInt8]) {
        while true {
            // EAGAIN where the queue is empty.
            let count = buffer.withUnsafeMutableBytes { bytes in
                try? retrying("read") { read(descriptor, bytes.baseAddress, bytes.count) }
            }
            guard let count, count > 0 else { return }
            let events = buffer.withUnsafeBytes { parse(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            mailbox.post(events)
        }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) -> [Event] {
        let (events, raw) = Self.events(in: bytes)
        shared.withLock { shared in
            for event in raw {
                if shared.recent.count < Self.ringSize {
                    shared.recent.append(event)
                } else {
                    shared.recent[shared.next] = event
                    shared.next = (shared.next + 1) % Self.ringSize
                }
            }
        }
        return events
    }

    /// Translates a buffer as the kernel fills it. A buffer that makes no sense counts as an overflow.
    static func events(in bytes: UnsafeRawBufferPointer) -> (events: [Event], raw: [KernelEvent]) {
        var events: [Event] = []
        var raw: [KernelEvent] = []
        var event = CInotify_event()
        var offset = 0
        while true {
            let next = CInotify_eventAt(bytes.baseAddress, bytes.count, offset, &event)
            if next < 0 { events.append(.overflow) }
            guard next > 0 else { return (events, raw) }
            offset = next
            let name = Array(UnsafeBufferPointer(start: event.name, count: event.nameLength))
            raw.append(KernelEvent(watch: event.watch, mask: event.mask, name: BytePath(bytes: name)))
            if event.mask & CInotify_maskOverflow != 0 {
                events.append(.overflow)
            } else if event.mask & CInotify_maskIgnored != 0 {
                events.append(.ended(watch: event.watch))
            } else if name.isEmpty {
                events.append(.directory(watch: event.watch))
            } else {
                events.append(.name(watch: event.watch, name))
            }
        }
    }
}
