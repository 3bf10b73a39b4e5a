import CalendarEvents
import Foundation
import XCTest

final class RunScheduleTests: XCTestCase {
    private let utc = TimeZone(secondsFromGMT: 0)!
    /// 2026-11-25 00:00 UTC.
    private let midnight = Date(timeIntervalSince1970: 1_795_564_800)
    private let day = 86400.0

    private func schedule(_ event: String, jitter: Int = 0) throws -> RunSchedule {
        RunSchedule(try CalendarEvent(event), zone: utc, jitter: jitter)
    }

    func testStanding_whenTheElapseIsAhead_waitsForItAndTheJitter() throws {
        let schedule = try schedule("daily", jitter: 100)
        let (last, expected) = (midnight + 100, RunSchedule.Standing.waits(until: midnight + day + 100))
        XCTAssertEqual(schedule.standing(last: last, now: midnight + 5000), expected)
        XCTAssertEqual(schedule.standing(last: last, now: midnight + day + 99), expected)
    }

    func testStanding_whenTheElapseHasPassed_isDue() throws {
        let schedule = try schedule("daily", jitter: 100)
        let due = midnight + day + 100
        XCTAssertEqual(schedule.standing(last: midnight + 100, now: due), .due(since: due))
    }

    func testStanding_whenRunsWereMissed_isDueOnce() throws {
        let schedule = try schedule("daily", jitter: 60), now = midnight + 9.5 * day
        XCTAssertEqual(schedule.standing(last: midnight + 60, now: now), .due(since: midnight + day + 60))
        XCTAssertEqual(schedule.standing(last: now, now: now + 1), .waits(until: midnight + 10 * day + 60))
    }

    func testStanding_whenRunsFollowOneAnother_noElapseIsLostToTheJitter() throws {
        let schedule = try schedule("*:0/10", jitter: 599)
        var last = midnight, starts: [TimeInterval] = []
        for second in stride(from: 0.0, to: 7200, by: 1) {
            if case .due = schedule.standing(last: last, now: midnight + second) {
                last = midnight + second
                starts.append(second)
            }
        }
        XCTAssertEqual(starts, (0...11).map { Double($0) * 600 + 599 }, "each elapse once, all as late")
    }

    func testStanding_whenTheClockWasAheadAtTheLastRun_doesNotWaitForThatYear() throws {
        let standing = try schedule("daily").standing(last: midnight + 400 * day, now: midnight + 5)
        XCTAssertEqual(standing, .waits(until: midnight + day))
    }

    func testStanding_whenTheEventIsOver_isNever() throws {
        XCTAssertEqual(try schedule("2020-1-1").standing(last: midnight, now: midnight), .never)
    }

    func testJitter_whenMachinesDiffer_isSpreadOverTenMinutes() {
        let jitters = (0..<6010).map { RunSchedule.jitter(machine: String($0, radix: 16), name: "vangogh") }
        XCTAssertTrue(jitters.allSatisfy { (0...600).contains($0) })
        for minute in 0..<10 {
            let count = jitters.filter { $0 / 60 == minute }.count
            XCTAssertEqual(Double(count), 600, accuracy: 120, "in minute \(minute)")
        }
        let machine = "b08dfa6083e7567a1921a715000001fb"
        let names = ["a", "a", "b"].map { RunSchedule.jitter(machine: machine, name: $0) }
        XCTAssertEqual(names[0], names[1])
        XCTAssertNotEqual(names[0], names[2])
    }
}
