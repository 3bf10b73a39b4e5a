import CalendarEvents
import Foundation
import XCTest

/// Holds the next elapses against systemd's.
final class ElapseTests: XCTestCase {
    /// 2026-11-25 13:37:42 UTC, a Wednesday.
    private let base = 1_795_613_862

    private static let expressions = [
        "minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "biannually", "semi-annually",
        "bi-annually", "yearly", "annually", "Weekly", "DAILY", "daily UTC", "weekly UTC", "Mon", "Tuesday", "Wed",
        "Thu", "friday", "SAT", "Sun", "Sun 03:00", "Wed 13:37", "Wed 13:38", "Wed 13:37:42", "Wed 13:37:43",
        "*-*-01 02:30", "Mon..Fri 22:00", "Mon-Fri 22:00", "Mon,Wed,Fri 06:15", "Mon..Wed,Sat 12:00", "Sat,Sun 1:2:3",
        "Mon, 04:00", "Sat..Sun", "Mon..Sun 5:00", "Tue..Tue 5:00", "*-*-*", "*-*", "*:*", "*:*:*", "*:*:00", "*:0/5",
        "*:0/15", "*:7/20", "*:0,30", "*:15..20", "*:15..30/5", "*:15..31/5", "0/6:00", "1/8:30", "2..4:00",
        "2..10/4:00", "8..18:00", "8,12,18:30", "8,12..14,18/2:30", "5..5:00", "5..6/2:00", "23:59:59", "00:00",
        "0:0:0", "13:37", "13:38", "12:0/7:13", "*:*:0/7", "*:*:0/30", "*:0/10:30", "*:5..7:0..3", "03:00,04:00",
        "001:02", "*-1-1", "*-12-31", "12-24 18:00", "1..3-1 4:00", "1,7-1..3", "*-1/3-1", "*-2/5-28", "*-1/11-1",
        "*-*-15", "*-*-15,31", "*-*-31", "*-*-30 23:59", "*-*-29", "*-2-29", "2-29 12:00", "2-30", "*-02-31 00:00",
        "*-4-31", "*-*-1/10", "*-*-1/7 6:00", "*-*-2..8", "*-*-10..20/5", "Mon *-*-1..7 02:30", "Sun *-*-8..14",
        "Wed *-1", "Fri *-*-13", "Sat *-2-29", "Mon *-05~07/1", "*-*~1", "*-*~01 02:30", "*-*~3", "*-*~28", "*-*~1..3",
        "*-*~1..9/4", "*-*~7/1", "*-*~10/3", "*~1", "2~1", "02~02", "Fri *-*~7/1", "Sun *-*~1..7 4:00", "2026-*-*",
        "2026-11-25", "2026-11-26", "2026-11-25 13:37:43", "2026-11-25 13:37:42", "2026-12-24 18:00", "2027-1-1",
        "2027,2029-1-1", "2026..2028-7-4 12:00", "2020..2030/2-1-1", "2027/5-06-07", "2024/4-2-29", "26-12-1",
        "99-1-1", "0-1-1", "1970-1-1", "2199-12-31", "2026-*~1", "2027-2~1", "Mon 2027-*-1", "Sun 2028-2-29",
        "Mon 2028-2-29", "Mon..Fri 2026-12-*", "Mon..Fri *-*-* 09:00", "*-*-* 09:00", "*-*-* *:00", "*-*-* *:*",
        "*-1..3-* *:30", "Sun *-12-* 0:0", "Mon  03:00", "*-*-1  3:0", "daily Europe/Berlin",
        "weekly America/New_York", "Sun 03:00 Asia/Kolkata", "*-*-01 02:30 Pacific/Auckland", "hourly Etc/UTC",
        "*:0/45 Asia/Kathmandu", "Mon..Fri 22:00 Australia/Adelaide", "yearly Pacific/Kiritimati", "monthly CET",
        "daily EST5EDT", "0:30 Pacific/Chatham", "*-*~1 23:45 America/St_Johns",
    ]

    /// Zones with daylight saving and a time shortly before a change, in UTC.
    private static let changes = [
        ("Europe/Berlin", "2026-03-28 10:00"), ("Europe/Berlin", "2026-10-24 10:00"),
        ("Europe/Dublin", "2026-10-24 10:00"), ("Europe/Dublin", "2026-03-28 10:00"),
        ("America/New_York", "2026-03-07 12:00"), ("America/New_York", "2026-10-31 12:00"),
        ("America/Santiago", "2026-09-05 12:00"), ("America/Santiago", "2027-04-03 12:00"),
        ("America/Havana", "2027-03-13 12:00"), ("America/Havana", "2027-11-06 12:00"),
        ("Australia/Lord_Howe", "2026-10-03 00:00"), ("Australia/Lord_Howe", "2027-04-03 00:00"),
        ("Pacific/Auckland", "2026-09-26 00:00"), ("Asia/Beirut", "2027-03-27 10:00"),
        ("Africa/Cairo", "2027-10-28 10:00"),
    ]
    private static let aroundChanges = [
        "00:00", "00:30", "01:30", "02:00", "02:15", "02:30", "03:00", "03:30", "23:30", "*:30", "*:0/20", "hourly",
        "daily", "weekly", "Sun 02:30", "0/2:15", "1..3:10", "*-*~1..7 02:45",
    ]

    private func compare(_ expressions: [String], base: Int, machineZone: String = "UTC") throws -> Int {
        let expected = try SystemdAnalyze.elapses(of: expressions, base: base, machineZone: machineZone)
        let zone = try XCTUnwrap(TimeZone(identifier: machineZone))
        for (expression, expected) in zip(expressions, expected) {
            guard let expected else {
                XCTFail("systemd refuses \"\(expression)\"")
                continue
            }
            let event = try CalendarEvent(expression)
            var found: [Int] = [], time = Date(timeIntervalSince1970: Double(base))
            while found.count < 5, let next = event.next(after: time, in: zone) {
                found.append(Int(next.timeIntervalSince1970))
                time = next
            }
            XCTAssertEqual(found, expected, "\"\(expression)\" after \(base), the machine in \(machineZone)")
        }
        return expressions.count
    }

    func testNextElapses_whenComparedWithSystemd() throws {
        let count = try compare(Self.expressions, base: base)
        XCTAssertGreaterThan(count, 150)
    }

    func testNextElapses_whenTheMachineIsInAnotherZone() throws {
        let expressions = ["daily", "Sun 03:00", "*:0/25", "monthly", "00:00 UTC", "daily Asia/Tokyo"]
        _ = try compare(expressions, base: base, machineZone: "America/Denver")
        // 2026-03-27, two days before the clocks change.
        let atChange = ["daily", "02:30", "*-*-* *:15", "*-*~1 02:30"]
        _ = try compare(atChange, base: 1_774_605_600, machineZone: "Europe/Berlin")
    }

    func testNextElapses_whenClocksChange() throws {
        let reader = DateFormatter()
        (reader.locale, reader.timeZone) = (Locale(identifier: "en_US_POSIX"), TimeZone(secondsFromGMT: 0))
        reader.dateFormat = "yyyy-MM-dd HH:mm"
        var count = 0
        for (zone, time) in Self.changes {
            let base = Int(try XCTUnwrap(reader.date(from: time)).timeIntervalSince1970)
            // Ireland's winter time is the one that is set back (tzdata has it as negative daylight saving), and there
            // systemd 252 loses the rest of the day when an event falls into the skipped hour; nobody wants that.
            let expressions = Self.aroundChanges.filter { zone != "Europe/Dublin" || $0 != "1..3:10" }
            count += try compare(expressions.map { "\($0) \(zone)" }, base: base)
        }
        XCTAssertGreaterThan(count, 200)
    }

    func testNextElapse_whenBaseIsAnElapse_isTheOneAfterIt() throws {
        let event = try CalendarEvent("*:0/10 UTC"), base = Date(timeIntervalSince1970: 1_795_614_000)
        XCTAssertEqual(event.next(after: base), base + 600)
        XCTAssertEqual(event.next(after: base - 0.5), base)
        XCTAssertEqual(event.next(after: base + 0.5), base + 600)
    }

    func testNextElapse_whenTheHourComesTwice_isNotRepeated() throws {
        // 2026-11-01 06:10 UTC is 01:10 in New York for the second time.
        let event = try CalendarEvent("*:0/30 America/New_York")
        let second = Date(timeIntervalSince1970: 1_793_513_400)
        XCTAssertEqual(event.next(after: second), second + 50 * 60)
    }
}
