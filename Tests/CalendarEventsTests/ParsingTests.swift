import CalendarEvents
import Foundation
import XCTest

final class ParsingTests: XCTestCase {
    /// What is wrong, after how many characters, and a part of what is said.
    private static let faults: [(text: String, offset: Int, reason: String)] = [
        ("", 0, "empty"), (" ", 0, "begins with a space"), (" daily", 0, "begins with a space"),
        ("daily ", 5, "ends with a space"), ("*-*-* 03:00 ", 11, "ends with a space"),
        ("fortnightly", 0, "fortnightly"), ("Mon,,Tue", 4, "weekday"), ("Fri..Mon", 5, "weeks begin on Monday"),
        ("Sun..Sat", 5, "ends before it begins"), ("Mon..", 5, "last weekday"), ("Mon.Tue", 3, ".."),
        ("Mon...Tue", 5, "weekday"), ("Mondy", 0, "Mondy"), ("Mon~Fri", 0, "Mon~Fri"),
        ("Mon..Tue..Wed", 8, "end of the range"),
        ("Mon 3", 5, "\":\""), ("3", 1, "\":\""), ("*", 1, "\":\""), ("12:00:00 Mon", 9, "weekdays stand before"),
        ("*/5:00", 1, "0/15"), ("0/0:00", 2, "step of 0"), ("24:00", 0, "24"), ("*-*-* 23:60", 9, "60"),
        ("0:0:60", 4, "60"), ("*-13-1", 2, "13"), ("*-0/3-1", 2, "0"), ("*-*-0", 4, "0"), ("*-*-32", 4, "32"),
        ("*-*~29", 4, "29"), ("*-*~5..1", 4, "before it begins"), ("*-*~3/3", 4, "step of 3"),
        ("5..3:00", 0, "before it begins"), ("5/19:00", 0, "step of 19"), ("*-1/12-1", 2, "step of 12"),
        ("2200-1-1", 0, "2200"), ("1969-1-1", 0, "1969"), ("2026~02-03", 7, "~"), ("2026~02~03", 7, "~"),
        ("10:0,15,", 8, "number"), ("10:", 3, "number"), ("::", 0, "number"), ("+5:00", 0, "number"),
        ("1:2:3:4", 5, ":4"), ("99999999999999999999:00", 0, "too large"), ("*-*-01\t02:30", 6, "tab"),
        ("daily Mars/Phobos", 6, "time zone"), ("daily europe/berlin", 6, "time zone"),
        ("daily ../../etc/passwd", 6, "time zone"), ("daily America", 6, "time zone"), ("1-2-3-4", 5, "the end"),
        ("3:00 daily", 5, "time zone"),
        // systemd takes these.
        ("@1000", 0, "1970"), ("0:0:1.5", 5, "fractions"), ("*:*:0.5/1", 5, "fractions"),
    ]

    func testParse_whenTheTextIsWrong_saysWhereAndWhat() throws {
        for fault in Self.faults {
            XCTAssertThrowsError(try CalendarEvent(fault.text), fault.text) { error in
                let error = error as! CalendarEventError
                XCTAssertEqual(error.offset, fault.offset, "\"\(fault.text)\": \(error)")
                XCTAssertTrue(error.reason.contains(fault.reason), "\"\(fault.text)\": \(error)")
            }
        }
    }

    func testParse_whenTheTextIsWrong_systemdRefusesItToo() throws {
        let wrong = Self.faults.dropLast(3).map(\.text)
        for (text, elapses) in zip(wrong, try SystemdAnalyze.elapses(of: wrong, base: 1_795_613_862)) {
            XCTAssertNil(elapses, "systemd takes \"\(text)\"")
        }
    }

    /// Events put together at random, possible and impossible ones: both take them, with the same next elapse, or
    /// refuse them.
    func testParse_whenEventsAreRandom_agreesWithSystemd() throws {
        var state: UInt64 = 14, texts: [String] = []
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func field(_ most: Int) -> String {
            let (a, b) = (random(most + 2), random(most + 2)), step = random(4) == 0 ? "/\(random(most / 2 + 2))" : ""
            switch random(6) {
            case 0: return "*"
            case 1: return "\(a)..\(b)\(step)"
            case 2: return "\(a)\(step),\(b)"
            default: return "\(a)\(step)"
            }
        }
        let days = ["", "", "Mon ", "Tue..Fri ", "Sat,Sun ", "Fri..Mon ", "Mon, ", "Thu  "]
        while texts.count < 250 {
            let year = ["*", "2027", "2026..2030", "27", "2026/3", "2400"][random(6)], dash = random(3) == 0 ? "~" : "-"
            let monthAndDay = "\(field(12))\(dash)\(field(31)) "
            let date = ["", "", monthAndDay, "\(year)-\(monthAndDay)"][random(4)]
            let time = ["\(field(23)):\(field(59))", "\(field(23)):\(field(59)):\(field(59))", "3:00"][random(3)]
            texts.append(days[random(days.count)] + date + time)
        }
        let base = Date(timeIntervalSince1970: 1_795_613_862), utc = TimeZone(secondsFromGMT: 0)!
        let taken = texts.filter { (try? CalendarEvent($0)) != nil }
        let refused = texts.filter { (try? CalendarEvent($0)) == nil }
        for (text, elapses) in zip(taken, try SystemdAnalyze.elapses(of: taken, base: 1_795_613_862)) {
            let next = try CalendarEvent(text).next(after: base, in: utc).map { Int($0.timeIntervalSince1970) }
            XCTAssertNotNil(elapses, "systemd refuses \"\(text)\"")
            XCTAssertEqual(next, elapses?.first, "\"\(text)\"")
        }
        for (text, elapses) in zip(refused, try SystemdAnalyze.elapses(of: refused, base: 1_795_613_862)) {
            XCTAssertNil(elapses, "systemd takes \"\(text)\"")
        }
        XCTAssertGreaterThan(taken.count, 60)
        XCTAssertGreaterThan(refused.count, 60)
    }
}
