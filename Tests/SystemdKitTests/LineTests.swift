import Foundation
import Logging
import XCTest

@testable import SystemdKit

/// Log lines where there is no journal.
final class LineTests: XCTestCase {
    func testPrefixedLines() {
        let text = lines(.prefixedLines) { logger in
            logger.info("styled", metadata: ["file": "a.jpg", "MESSAGE_ID": "0123"])
            logger.warning("one\ntwo")
            logger.debug("not shown")
        }
        XCTAssertEqual(text, "<6>styled file=a.jpg\n<4>one\n<4>two\n")
    }

    func testPlainLines_haveTimeLevelAndLabel() throws {
        let text = lines(.plainLines) { $0.error("no space", metadata: ["path": "/out"]) }
        let expression = try NSRegularExpression(
            pattern: #"^\d\d:\d\d:\d\d\.\d{3} error    inbox: no space path=/out\n$"#)
        XCTAssertEqual(expression.numberOfMatches(in: text, range: NSRange(text.startIndex..., in: text)), 1, text)
    }

    func testControlCharacters_doNotReachATerminal() {
        let name = JournalBytes(Array("a\u{1B}[2J\n<0>.jpg".utf8))
        let text = lines(.prefixedLines) { $0.info("styled", metadata: ["file": .stringConvertible(name)]) }
        XCTAssertEqual(text, "<6>styled file=a\u{FFFD}[2J\u{FFFD}<0>.jpg\n")
    }

    func testPriorities() {
        let text = lines(.prefixedLines, level: .trace) { logger in
            for level in Logger.Level.allCases { logger.log(level: level, "x") }
        }
        XCTAssertEqual(text, "<7>x\n<7>x\n<6>x\n<5>x\n<4>x\n<3>x\n<2>x\n")
    }

    func testLevel_changesForAllLoggersAtOnce_exceptWhereOneHasItsOwn() {
        let configuration = JournalLogHandler.Configuration(identifier: "test", level: .info)
        let first = JournalLogHandler(label: "1", configuration: configuration)
        var second = JournalLogHandler(label: "2", configuration: configuration)
        second.logLevel = .error
        configuration.level = .debug
        XCTAssertEqual(first.logLevel, .debug)
        XCTAssertEqual(second.logLevel, .error)
    }

    func testMetadata_ofTheLineWinsOverTheLoggers() {
        let text = lines(.prefixedLines) { logger in
            var logger = logger
            logger[metadataKey: "inbox"] = "one"
            logger[metadataKey: "job"] = "7"
            logger.info("x", metadata: ["inbox": "two"])
        }
        XCTAssertEqual(text, "<6>x inbox=two job=7\n")
    }

    func testManyThreads_doNotMixTheirLines() {
        let text = lines(.prefixedLines) { logger in
            DispatchQueue.concurrentPerform(iterations: 200) {
                logger.info("line \($0) \(String(repeating: "x", count: 200))")
            }
        }
        XCTAssertEqual(Set(text.split(separator: "\n").map(\.count)).subtracting(210...212), [])
        XCTAssertEqual(text.split(separator: "\n").count, 200)
    }

    func testStandardErrorIsTheJournal_onlyIfItIsTheAnnouncedStream() {
        var status = stat()
        fstat(STDERR_FILENO, &status)
        XCTAssert(LogDestination.isStandardErrorJournal("\(status.st_dev):\(status.st_ino)"))
        for other in ["\(status.st_dev):\(status.st_ino + 1)", "8:", "x:y", "", "\(status.st_dev)"] {
            XCTAssertFalse(LogDestination.isStandardErrorJournal(other), other)
        }
        XCTAssertFalse(LogDestination.isStandardErrorJournal(nil))
    }

    private func lines(_ destination: LogDestination, level: Logger.Level = .info, _ body: (Logger) -> Void) -> String {
        let pipe = Pipe()
        let reading = Task.detached { pipe.fileHandleForReading.readDataToEndOfFile() }
        let configuration = JournalLogHandler.Configuration(
            identifier: "test", fieldPrefix: "CYCLEGAN_", level: level, destination: destination,
            lines: LineOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor))
        body(Logger(label: "inbox") { JournalLogHandler(label: $0, configuration: configuration) })
        pipe.fileHandleForWriting.closeFile()
        let box = Box()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            box.data = await reading.value
            done.signal()
        }
        done.wait()
        return String(decoding: box.data, as: UTF8.self)
    }

    private final class Box: @unchecked Sendable {
        var data = Data()
    }
}
