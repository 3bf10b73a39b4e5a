import Foundation
import LinuxFiles
import ServiceConfiguration
import ServiceControl
import XCTest

@testable import StyleService

/// What is printed of names and numbers.
final class TextTests: XCTestCase {
    /// Names that a terminal or a shell would take for something else.
    private static let names: [[UInt8]] = [
        Array("plain-1.jpg".utf8), Array("two words.jpg".utf8), Array("it's.jpg".utf8), Array("back\\slash.jpg".utf8),
        Array("$HOME `id` \"x\" !1 *?[a] #~;&|<>(){}.jpg".utf8), Array("-n".utf8), Array("~".utf8),
        Array("ünï – 山.jpg".utf8),
        [0x1B] + Array("[31mred".utf8), Array("bell\u{07}".utf8), Array("line\nbreak\r\ttab".utf8), [0xFF, 0xFE, 0x41],
        [0xC3, 0x28],
        Array("a\u{202E}gpj.exe".utf8), Array("c1\u{9B}31m".utf8), [0x01, 0x33], [0x7F], Array("'\\'".utf8),
        [0xE2, 0x80],
    ]

    func testShellQuoting_givesTheShellTheSameBytes() throws {
        let words = Self.names.map { shellQuoted(BytePath(bytes: $0)) }
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", "printf '%s\\0' " + words.joined(separator: " ")]
        process.environment = ["LC_ALL": "C", "HOME": "/root"]
        process.standardOutput = output
        try process.run()
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0)
        XCTAssertEqual(printed.split(separator: 0, omittingEmptySubsequences: true).map(Array.init), Self.names)
        for word in words {
            XCTAssertEqual(terminalSafe(word), word, "what is printed for a shell can be read and copied")
        }
        XCTAssertEqual(shellQuoted("/srv/a b/it's.jpg"), "'/srv/a b/it'\\''s.jpg'")
        XCTAssertEqual(shellQuoted("/srv/beach.jpg"), "/srv/beach.jpg")
        XCTAssertEqual(shellQuoted(""), "''")
    }

    func testTerminalText_hasNoControls() {
        XCTAssertEqual(
            terminalSafe("a\u{1B}[2J\u{07}\r\nb\u{7F}\u{9B}\u{202E}"), "a\\x1B[2J\\x07\\r\\nb\\x7F\\x9B\\u{202E}")
        XCTAssertEqual(terminalSafe("Grüße, 山 \\ 'x'"), "Grüße, 山 \\ 'x'")
    }

    func testCounts_haveTheirNumber() {
        XCTAssertEqual(counted(1, "file"), "1 file")
        XCTAssertEqual(counted(0, "file"), "0 files")
        XCTAssertEqual(counted(2, "inbox", "inboxes"), "2 inboxes")
    }

    func testTimes_have24HoursAndTheirDayWhereItIsAnother() throws {
        let zone = try XCTUnwrap(TimeZone(identifier: "Europe/Berlin"))
        let evening = try XCTUnwrap(ISO8601DateFormatter().date(from: "2026-11-25T18:41:09Z"))
        XCTAssertEqual(timeText(evening, now: evening + 3600, timeZone: zone), "19:41")
        XCTAssertEqual(timeText(evening, now: evening + 3600, seconds: true, timeZone: zone), "19:41:09")
        XCTAssertEqual(timeText(evening, now: evening + 6 * 3600, timeZone: zone), "2026-11-25 19:41")
        XCTAssertEqual(timeText(evening - 86400 * 365, now: evening, timeZone: zone), "2025-11-25 19:41")
    }

    func testStatusSentence_saysTheDayAndThePlural() throws {
        var state = PipelineState(configuration: try ServiceConfiguration.Configuration.parse(""))
        let now = Date()
        state.last = ("beach.jpg", 3, now - 3 * 86400)
        let text = StatusSentence(
            state: state, inboxStates: [("vangogh", "watching", false)], queued: 5, deferred: 0, secondsLeft: 125,
            staying: 1, now: now
        ).text
        XCTAssertTrue(text.contains("5 queued, about 2 min 5 s left"), text)
        XCTAssertTrue(text.contains("1 original cannot be moved"), text)
        XCTAssertNotNil(text.firstMatch(of: /last \d{4}-\d\d-\d\d \d\d:\d\d beach\.jpg in 3\.0 s/), text)
    }
}
