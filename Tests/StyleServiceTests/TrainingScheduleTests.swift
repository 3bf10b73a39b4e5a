import CalendarEvents
import Foundation
import LinuxFiles
import ServiceConfiguration
import XCTest

@testable import StyleService

/// When a style is trained, on which machine.
final class TrainingScheduleTests: DirectoryTestCase {
    private let zone = TimeZone(identifier: "UTC")!

    private func style(_ when: String) throws -> StyleConfiguration {
        try configuration("styles: {painter: {retrain: {when: \(when)}}}").styles[0]
    }

    private func due(_ when: String, machine: String, after text: String) throws -> Date? {
        let now = try XCTUnwrap(ISO8601DateFormatter().date(from: text))
        let schedule = TrainingSchedule(machine: machine, zone: zone)
        guard case .waits(let until)? = schedule.standing(try style(when), last: LedgerTime(now), now: LedgerTime(now))
        else { return nil }
        return until
    }

    func testMachines_doNotStartTogether_andEachAlwaysAtItsTime() throws {
        let monday = try XCTUnwrap(ISO8601DateFormatter().date(from: "2026-03-09T00:00:00Z"))
        let times = try (0..<40).map {
            try XCTUnwrap(due("weekly", machine: "machine \($0)", after: "2026-03-04T12:00:00Z"))
        }
        for time in times { XCTAssertTrue((0...600).contains(time.timeIntervalSince(monday)), "\(time)") }
        XCTAssertGreaterThan(Set(times).count, 20)
        XCTAssertEqual(try due("weekly", machine: "machine 7", after: "2026-03-05T12:00:00Z"), times[7])
    }

    func testShortSchedules_areNotPutOffByMinutes() throws {
        let minute = try XCTUnwrap(ISO8601DateFormatter().date(from: "2026-03-04T12:01:00Z"))
        for machine in 0..<20 {
            let time = try XCTUnwrap(due("minutely", machine: "machine \(machine)", after: "2026-03-04T12:00:10Z"))
            XCTAssertTrue((0...6).contains(time.timeIntervalSince(minute)), "\(time)")
        }
    }

    func testMissedRun_isDueOnce() throws {
        let schedule = TrainingSchedule(machine: "m", zone: zone), style = try style("daily")
        let last = LedgerTime(try XCTUnwrap(ISO8601DateFormatter().date(from: "2026-03-04T12:00:00Z")))
        let now = last + .seconds(10 * 86400)
        guard case .due? = schedule.standing(style, last: last, now: now) else { return XCTFail("it was missed") }
        guard case .waits? = schedule.standing(style, last: now, now: now) else { return XCTFail("once") }
        XCTAssertNil(schedule.standing(try self.style("never"), last: last, now: now))
    }

    /// A machine's id must not be published, and a new style is not due at once.
    func testFirstSight_isNoted() throws {
        _ = try write("", "state/nothing")
        let ledger = try Ledger(directory.appending("state/ledger.sqlite"))
        let now = LedgerTime.now
        XCTAssertEqual(try ledger.lastTrial("painter", now: now), now)
        XCTAssertEqual(try ledger.lastTrial("painter", now: now + .seconds(100)), now)
        try ledger.close()
    }
}
