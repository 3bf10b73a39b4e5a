import Foundation
import XCTest

/// The files that systemd reads.
final class UnitTests: XCTestCase {
    private let systemd = Built.project.appendingPathComponent("systemd")

    private func requireSystemdAnalyze() throws {
        try XCTSkipUnless(
            FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze"), "systemd-analyze is not installed"
        )
    }

    func testUnit_isSafe() throws {
        try requireSystemdAnalyze()
        let unit = systemd.appendingPathComponent("cyclegan-styled.service").path
        let result = try runCommand([
            "systemd-analyze", "security", "--offline=true", "--threshold=10", "--no-pager", unit,
        ])
        XCTAssertEqual(result.status, 0, result.output)
    }

    func testUnit_isUnderstood() throws {
        try requireSystemdAnalyze()
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("unit-\(getpid())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        // verify wants the programs to be there.
        let unit = try String(contentsOf: systemd.appendingPathComponent("cyclegan-styled.service"), encoding: .utf8)
            .replacingOccurrences(of: "/usr/sbin/", with: Built.programs.path + "/")
            .replacingOccurrences(of: "/usr/bin/", with: Built.programs.path + "/")
        let copy = directory.appendingPathComponent("cyclegan-styled.service")
        try unit.write(to: copy, atomically: true, encoding: .utf8)
        let result = try runCommand(["systemd-analyze", "verify", "--man=no", copy.path])
        XCTAssertEqual(result.status, 0, result.output)
        XCTAssertFalse(result.output.contains("cyclegan-styled.service:"), result.output)
    }

    func testCatalog_explainsEveryEvent() throws {
        let catalog = try String(contentsOf: systemd.appendingPathComponent("cyclegan-styled.catalog"), encoding: .utf8)
        let source = try String(
            contentsOf: Built.project.appendingPathComponent("Sources/StyleService/Daemon/ServiceEvent.swift"),
            encoding: .utf8)
        let identifiers = source.matches(of: /= "([0-9a-f]{32})"/).map { String($0.1) }
        XCTAssertGreaterThan(identifiers.count, 10)
        for identifier in identifiers { XCTAssertTrue(catalog.contains("-- \(identifier)\nSubject: "), identifier) }
    }
}
