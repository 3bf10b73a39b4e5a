import Synchronization
import XCTest

@testable import SystemdKit

final class WatchdogTests: XCTestCase {
    func testIdleService_isAlive() throws {
        let manager = try ServiceManager()
        let watchdog = Watchdog(interval: .milliseconds(150))
        watchdog.start()
        defer { watchdog.stop() }
        for _ in 0..<4 { XCTAssertEqual(manager.message(), ["WATCHDOG=1"]) }
    }

    func testWorkerThatReportsProgress_keepsTheServiceAlive() async throws {
        let manager = try ServiceManager()
        let watchdog = Watchdog(interval: .milliseconds(300))
        watchdog.begin("worker 1")
        watchdog.start()
        defer { watchdog.stop() }
        for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(60))
            watchdog.beat("worker 1")
        }
        XCTAssert(watchdog.silent().isEmpty)
        for _ in 0..<4 { XCTAssertEqual(manager.message(within: 0), ["WATCHDOG=1"]) }
    }

    func testWorkerThatHangs_endsTheSignsOfLife_untilItGoesOn() throws {
        let manager = try ServiceManager()
        let told = Told()
        let watchdog = Watchdog(interval: .milliseconds(150)) { worker, silent in told.add(worker, silent) }
        watchdog.begin("worker 1", allowance: .milliseconds(200))
        watchdog.begin("worker 2", allowance: .seconds(60))
        watchdog.start()
        defer { watchdog.stop() }
        while manager.message(within: 400) != nil {}
        XCTAssertEqual(told.workers, ["worker 1"], "told once, and only the one that hangs")
        XCTAssertEqual(Array(watchdog.silent().keys), ["worker 1"])

        watchdog.beat("worker 1")
        XCTAssertEqual(manager.message(), ["WATCHDOG=1"])
        while manager.message(within: 400) != nil {}
        XCTAssertEqual(told.workers, ["worker 1", "worker 1"])

        watchdog.end("worker 1")
        XCTAssertEqual(manager.message(), ["WATCHDOG=1"], "an idle worker need not report")
    }

    func testWithoutAnInterval_nothingIsSent() throws {
        let manager = try ServiceManager()
        let watchdog = Watchdog(interval: nil)
        watchdog.begin("worker 1")
        watchdog.start()
        XCTAssertNil(manager.message(within: 200))
        XCTAssert(watchdog.silent().isEmpty, "nobody asks how long it takes")
    }

    private final class Told: Sendable {
        private let list = Mutex<[String]>([])
        func add(_ worker: String, _ silent: Duration) { list.withLock { $0.append(worker) } }
        var workers: [String] { list.withLock { $0 } }
    }
}
