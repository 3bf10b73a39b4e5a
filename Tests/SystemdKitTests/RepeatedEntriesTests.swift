import Foundation
import Logging
import XCTest

@testable import SystemdKit

/// Equal warnings become one and a count.
final class RepeatedEntriesTests: XCTestCase {
    private let pipe = Pipe()

    /// - Returns: what was written until the configuration was told to say everything.
    private func lines(window: Duration = .seconds(600), _ body: (Logger, JournalLogHandler.Configuration) -> Void)
        -> [String]
    {
        let configuration = JournalLogHandler.Configuration(
            identifier: "test", fieldPrefix: "CYCLEGAN_", level: .info, destination: .prefixedLines,
            lines: LineOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor), repeatWindow: window)
        body(Logger(label: "inbox") { JournalLogHandler(label: $0, configuration: configuration) }, configuration)
        configuration.flush()
        pipe.fileHandleForWriting.closeFile()
        return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(separator: "\n")
            .map(String.init)
    }

    func testEqualWarnings_becomeOneAndACount() {
        let found = lines { logger, _ in
            for _ in 0..<8 { logger.warning("no room", metadata: ["CYCLEGAN_REASON": "disk full"]) }
            for _ in 0..<2 { logger.error("no room", metadata: ["CYCLEGAN_REASON": "disk full"]) }
        }
        XCTAssertEqual(Array(found.prefix(2)), ["<4>no room", "<3>no room"])
        XCTAssertEqual(
            Set(found.dropFirst(2)), ["<4>no room (repeated 7 times in 0 s)", "<3>no room (repeated 1 time in 0 s)"])
    }

    func testWarningsAboutDifferentPhotos_areNotEqual() {
        // Two names that differ only in bytes that are no text.
        let names: [[UInt8]] = [[0xFF], [0xFE], [0x61]]
        let found = lines { logger, _ in
            for name in names {
                logger.warning("failed", metadata: ["CYCLEGAN_FILE": .stringConvertible(JournalBytes(name))])
            }
        }
        XCTAssertEqual(found, ["<4>failed", "<4>failed", "<4>failed"])
    }

    func testOtherLines_areAlwaysWritten() {
        let found = lines { logger, _ in
            for _ in 0..<3 { logger.info("styled") }
            for _ in 0..<2 { logger.notice("paused") }
        }
        XCTAssertEqual(found, ["<6>styled", "<6>styled", "<6>styled", "<5>paused", "<5>paused"])
    }

    func testAfterTheWindow_theCountIsSaidAndTheNextIsNewAgain() {
        let found = lines(window: .milliseconds(50)) { logger, configuration in
            for _ in 0..<3 { logger.warning("no room") }
            // Nobody logs meanwhile: the count is said all the same.
            while !configuration.repeated.isEmpty { usleep(5000) }
            logger.warning("no room")
        }
        XCTAssertEqual(found, ["<4>no room", "<4>no room (repeated 2 times in 0 s)", "<4>no room"])
    }

    func testVeryManyDifferentWarnings_areAllWritten() {
        let found = lines { logger, _ in
            for number in 0..<300 { logger.warning("photo \(number)") }
        }
        XCTAssertEqual(found.count, 300)
    }
}
