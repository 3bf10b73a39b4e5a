import CLinux
import Glibc
import LinuxFiles

/// Lets one thread sleep until another wakes it, something happens on a descriptor, or time has passed: an eventfd and
/// poll(2). For a value that threads share, `Monitor` is the way to wait.
package final class Wakeup: Sendable {
    private let descriptor: Descriptor

    /// - Throws: `SystemError` when the process has run out of descriptors.
    package init() throws {
        descriptor = Descriptor(owning: try retrying("make an eventfd") { CLinux_openWakeup() }, BytePath("eventfd"))
    }

    /// Wakes the sleeper, or keeps it from falling asleep. Any number of calls before it looks count as one. May be
    /// called in a signal handler.
    package func signal() {
        var one: UInt64 = 1
        _ = withUnsafeBytes(of: &one) { write(descriptor.raw, $0.baseAddress, 8) }
    }

    /// Something that may happen on a descriptor, as poll(2) names it: POLLIN or POLLPRI.
    package struct Source: Sendable {
        let descriptor: CInt
        let event: CInt

        /// - Parameter descriptor: a negative one is passed over.
        package init(_ descriptor: CInt, _ event: CInt) {
            self.descriptor = descriptor
            self.event = event
        }
    }

    /// Sleeps until `signal()` was called, one of `sources` is ready, or so many nanoseconds have passed; a signal
    /// handler's run may end the sleep earlier.
    /// - Returns: which of `sources` are ready.
    @discardableResult
    package func wait(with sources: [Source] = [], nanoseconds: Int64? = nil) -> [Bool] {
        var polled = ([Source(descriptor.raw, POLLIN)] + sources).map {
            pollfd(fd: $0.descriptor, events: Int16($0.event), revents: 0)
        }
        // An hour at most: the type's range ends at 24 days, and nothing is lost by looking around.
        let milliseconds = nanoseconds.map { CInt(min(max(0, ($0 + 999_999) / 1_000_000), 3_600_000)) }
        guard poll(&polled, nfds_t(polled.count), milliseconds ?? -1) > 0 else { return sources.map { _ in false } }
        if polled[0].revents != 0 { clear() }
        return polled.dropFirst().map { $0.revents != 0 }
    }

    private func clear() {
        var count: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &count) { read(descriptor.raw, $0.baseAddress, 8) }
    }
}
