import Foundation
import Logging
import XCTest

@testable import SystemdKit

/// What arrives in a real journal: a journald of its own in a mount namespace, in which the second test runs once more.
final class JournalTests: XCTestCase {
    private static let variable = "CYCLEGAN_TEST_INSIDE_NAMESPACE"

    func testFieldsInTheJournal() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, for a journal of its own")
        let daemon = ["/lib/systemd/systemd-journald", "/usr/lib/systemd/systemd-journald"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        try XCTSkipIf(daemon == nil, "needs systemd-journald")
        try XCTSkipUnless(FileManager.default.isReadableFile(atPath: "/etc/machine-id"), "needs a machine identity")
        let script = """
            mount -t tmpfs tmpfs /run && mkdir -p /run/log/journal || exit 77
            \(daemon!) >/dev/null 2>&1 & journald=$!
            for i in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.05; done
            [ -S /run/systemd/journal/socket ] || exit 77
            "$0" "$@" >&2; result=$?
            journalctl --sync 2>/dev/null || sleep 1
            journalctl -D /run/log/journal -o json --all -t journal-test
            kill $journald; exit $result
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = [
            "--mount", "sh", "-c", script, CommandLine.arguments[0], "SystemdKitTests.JournalTests/testInside_writes",
        ]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.variable: "1"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        let errors = FileManager.default.temporaryDirectory.appendingPathComponent("journal-test.\(getpid())")
        XCTAssert(FileManager.default.createFile(atPath: errors.path, contents: nil))
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try XCTSkipIf(process.terminationStatus == 77, "needs a mount namespace and a journal in it")
        XCTAssertEqual(process.terminationStatus, 0, (try? String(contentsOf: errors, encoding: .utf8)) ?? "")

        let entries = try data.split(separator: UInt8(ascii: "\n")).map {
            try XCTUnwrap(try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any])
        }
        XCTAssertEqual(entries.count, 3)
        guard entries.count == 3 else { return }
        XCTAssertEqual(entries[0]["MESSAGE"] as? String, "styled a photo")
        XCTAssertEqual(entries[0]["PRIORITY"] as? String, "6")
        XCTAssertEqual(entries[0]["SYSLOG_IDENTIFIER"] as? String, "journal-test")
        XCTAssertEqual(entries[0]["MESSAGE_ID"] as? String, "a3f7c1d2e4b54f0b9c8d7e6f5a4b3c2d")
        XCTAssertEqual(entries[0]["CYCLEGAN_DURATION_US"] as? String, "1800000")
        XCTAssertEqual(entries[0]["CYCLEGAN_LOGGER"] as? String, "pipeline")
        XCTAssertEqual(entries[0]["CODE_LINE"] as? String, "42")
        XCTAssertEqual(
            entries[0]["CYCLEGAN_FILE"] as? [Int], [0x66, 0xFF, 0x0A, 0x2E, 0x6A, 0x70, 0x67], "bytes as they are")
        XCTAssertEqual(entries[1]["MESSAGE"] as? String, "two\nlines")
        XCTAssertEqual(entries[1]["PRIORITY"] as? String, "3")
        // Larger than a datagram may be.
        XCTAssertEqual((entries[2]["CYCLEGAN_REASON"] as? String)?.count, 400_000)
    }

    func testInside_writes() throws {
        try XCTSkipIf(
            ProcessInfo.processInfo.environment[Self.variable] == nil, "is run by another test, in a namespace")
        let configuration = JournalLogHandler.Configuration(identifier: "journal-test", destination: .journal)
        let logger = Logger(label: "pipeline") { JournalLogHandler(label: $0, configuration: configuration) }
        logger.info(
            "styled a photo",
            metadata: [
                "MESSAGE_ID": "a3f7c1d2e4b54f0b9c8d7e6f5a4b3c2d", "durationUs": "1800000",
                "file": .stringConvertible(JournalBytes([0x66, 0xFF, 0x0A, 0x2E, 0x6A, 0x70, 0x67])),
            ], line: 42)
        logger.error("two\nlines")
        logger.info("long", metadata: ["reason": .string(String(repeating: "r", count: 400_000))])
    }

    func testWithoutAJournal_linesAppearOnStandardError() throws {
        try XCTSkipIf(
            FileManager.default.fileExists(atPath: "/run/systemd/journal/socket"), "a journal is running here")
        let pipe = Pipe()
        let configuration = JournalLogHandler.Configuration(
            identifier: "test", fieldPrefix: "CYCLEGAN_", level: .info, destination: .journal,
            lines: LineOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor))
        Logger(label: "x") { JournalLogHandler(label: $0, configuration: configuration) }.notice("still told")
        pipe.fileHandleForWriting.closeFile()
        XCTAssertEqual(
            String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self), "<5>still told\n")
    }
}
