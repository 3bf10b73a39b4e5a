import Foundation
import Glibc
import Synchronization
import Threads
import XCTest

final class ThreadsTests: XCTestCase {
    func testMonitor_waitsAsLongAsItIsTold() throws {
        let monitor = Monitor(0)
        let began = ContinuousClock.now
        XCTAssertFalse(monitor.wait(seconds: 0.05) { $0 == 1 })
        XCTAssertGreaterThanOrEqual(ContinuousClock.now - began, .milliseconds(50))
        try WorkerThread("later") {
            usleep(20000)
            monitor.change { $0 = 1 }
        }
        XCTAssertTrue(monitor.wait(seconds: 60) { $0 == 1 })
        XCTAssertTrue(monitor.wait { $0 == 1 })
        XCTAssertLessThan(ContinuousClock.now - began, .seconds(50))
    }

    func testJoin_returnsWhenTheWorkIsDone_andEveryTime() throws {
        let isDone = Atomic(false)
        let thread = try WorkerThread("working") {
            usleep(50000)
            isDone.store(true, ordering: .releasing)
        }
        thread.join()
        XCTAssertTrue(isDone.load(ordering: .acquiring))
        thread.join()
    }

    func testThread_hasItsName_cutWhereItIsTooLong() throws {
        let name = Mutex("")
        try WorkerThread("a name that is too long") {
            let text = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
            name.withLock { $0 = text }
        }.join()
        XCTAssertEqual(name.withLock { $0 }, "a name that is \n")
    }

    func testWakeup_isNotLostWhereItComesFirst_andCountsOnce() throws {
        let wakeup = try Wakeup()
        wakeup.signal()
        wakeup.signal()
        let began = ContinuousClock.now
        wakeup.wait(nanoseconds: 60_000_000_000)
        XCTAssertLessThan(ContinuousClock.now - began, .seconds(30))
        wakeup.wait(nanoseconds: 20_000_000)
        XCTAssertGreaterThanOrEqual(
            ContinuousClock.now - began, .milliseconds(20), "the second call was answered with the first")
    }

    func testWakeup_tellsWhichSourceIsReady() throws {
        var ends: [CInt] = [-1, -1]
        XCTAssertEqual(pipe(&ends), 0)
        defer { for end in ends { close(end) } }
        let sources = [Wakeup.Source(-1, POLLIN), Wakeup.Source(ends[0], POLLIN)]
        let wakeup = try Wakeup()
        XCTAssertEqual(wakeup.wait(with: sources, nanoseconds: 0), [false, false])
        XCTAssertEqual(write(ends[1], "x", 1), 1)
        XCTAssertEqual(wakeup.wait(with: sources, nanoseconds: 60_000_000_000), [false, true])
    }
}
