import CSystemd
import Glibc
import LinuxFiles

/// Tells the service manager how the service is doing. Outside systemd (NOTIFY_SOCKET unset) every call does nothing.
/// Source: sd_notify(3).
package struct ServiceNotifier: Sendable {
    package init() {}

    /// Whether a service manager listens.
    package var isConnected: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// Start-up, or a reload, is finished.
    package func ready(status: String? = nil) {
        send(["READY=1"] + statusLine(status))
    }

    /// A reload begins; `ready` ends it. The time stamp is what Type=notify-reload insists on.
    package func reloading(status: String? = nil) {
        send(["RELOADING=1", "MONOTONIC_USEC=\(KernelClock.monotonic / 1000)"] + statusLine(status))
    }

    package func stopping(status: String? = nil) {
        send(["STOPPING=1"] + statusLine(status))
    }

    /// One sentence for `systemctl status`.
    package func status(_ sentence: String) {
        send(statusLine(sentence))
    }

    /// A sign of life. Sent by `Watchdog`, which knows whether there is life.
    package func watchdog() {
        send(["WATCHDOG=1"])
    }

    /// Asks the manager to wait for so much longer while starting or stopping; to be repeated before it runs out.
    package func extendTimeout(_ duration: Duration) {
        send(["EXTEND_TIMEOUT_USEC=\(max(0, Int64(duration / .microseconds(1))))"])
    }

    /// Why the service is about to end.
    package func failed(errno code: CInt, status: String? = nil) {
        send(["ERRNO=\(code)"] + statusLine(status))
    }

    /// Waits until the manager has read everything sent so far, so that a short-lived process is not gone before.
    /// Returns false when it did not answer in time.
    @discardableResult
    package func barrier(timeout: Duration = .seconds(5)) -> Bool {
        sd_notify_barrier(0, UInt64(max(0, Int64(timeout / .microseconds(1))))) >= 0
    }

    /// How often the manager wants a sign of life, nil where it wants none of this process.
    package static var watchdogInterval: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    private func statusLine(_ sentence: String?) -> [String] {
        // A line break would begin another assignment.
        sentence.map { ["STATUS=" + String($0.map { $0.isNewline ? " " : $0 })] } ?? []
    }

    private func send(_ lines: [String]) {
        // A manager that has gone away is nothing the service can do something about.
        _ = sd_notify(0, lines.joined(separator: "\n"))
    }
}
