import Glibc
import XCTest

@testable import SystemdKit

final class ServiceNotifierTests: XCTestCase {
    func testMessages() throws {
        let manager = try ServiceManager()
        let notifier = ServiceNotifier()
        XCTAssert(notifier.isConnected)
        notifier.ready(status: "Idle; 2 inboxes")
        XCTAssertEqual(manager.message(), ["READY=1", "STATUS=Idle; 2 inboxes"])
        notifier.status("one\nREADY=1")
        XCTAssertEqual(manager.message(), ["STATUS=one READY=1"], "a line break must not begin another assignment")
        notifier.stopping(status: nil)
        XCTAssertEqual(manager.message(), ["STOPPING=1"])
        notifier.extendTimeout(.milliseconds(2500))
        XCTAssertEqual(manager.message(), ["EXTEND_TIMEOUT_USEC=2500000"])
        notifier.failed(errno: 28, status: "no space")
        XCTAssertEqual(manager.message(), ["ERRNO=28", "STATUS=no space"])
        notifier.watchdog()
        XCTAssertEqual(manager.message(), ["WATCHDOG=1"])
    }

    func testReloading_carriesTheTime() throws {
        let manager = try ServiceManager()
        var before = timespec()
        clock_gettime(CLOCK_MONOTONIC, &before)
        ServiceNotifier().reloading(status: "Reading the configuration")
        let message = try XCTUnwrap(manager.message())
        XCTAssertEqual(message.first, "RELOADING=1")
        XCTAssertEqual(message.last, "STATUS=Reading the configuration")
        let stamp = try XCTUnwrap(message.first { $0.hasPrefix("MONOTONIC_USEC=") }.flatMap { Int($0.dropFirst(15)) })
        let earliest = before.tv_sec * 1_000_000 + before.tv_nsec / 1000
        XCTAssert((earliest...earliest + 5_000_000).contains(stamp))
    }

    func testBarrier_waitsForTheManager() async throws {
        let manager = try ServiceManager()
        XCTAssertFalse(ServiceNotifier().barrier(timeout: .milliseconds(50)), "nobody reads")
        XCTAssertEqual(manager.message(), ["BARRIER=1"])
        let barrier = Task.detached { ServiceNotifier().barrier(timeout: .seconds(5)) }
        XCTAssertEqual(manager.message(), ["BARRIER=1"])
        let isThrough = await barrier.value
        XCTAssert(isThrough)
    }

    func testOutsideSystemd_nothingHappens() {
        unsetenv("NOTIFY_SOCKET")
        XCTAssertFalse(ServiceNotifier().isConnected)
        ServiceNotifier().ready(status: "unheard")
    }

    func testWatchdogInterval_isForThisProcessOnly() {
        defer {
            unsetenv("WATCHDOG_USEC")
            unsetenv("WATCHDOG_PID")
        }
        XCTAssertNil(ServiceNotifier.watchdogInterval)
        setenv("WATCHDOG_USEC", "3000000", 1)
        XCTAssertEqual(ServiceNotifier.watchdogInterval, .seconds(3))
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        XCTAssertEqual(ServiceNotifier.watchdogInterval, .seconds(3))
        setenv("WATCHDOG_PID", "1", 1)
        XCTAssertNil(ServiceNotifier.watchdogInterval)
    }
}
