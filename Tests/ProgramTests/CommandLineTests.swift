import Foundation
import XCTest

/// What the programs say and how they end.
final class CommandLineTests: XCTestCase {
    private var directory = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("command-line-\(getpid())")
        // Where the service's account exists, root checks as that.
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: directory.path)
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: directory) }

    private func program(_ name: String, _ arguments: String...) throws -> CommandResult {
        try runCommand([Built.programs.appendingPathComponent(name).path] + arguments)
    }

    private func configuration(_ text: String) throws -> String {
        let file = directory.appendingPathComponent("config.yaml")
        try "spool: \(directory.path)/spool\nstate: \(directory.path)/state\n\(text)".write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    func testWrongConfiguration_ends78WithEveryProblem() throws {
        let file = try configuration("setle: 1s\nquality: 500\n")
        let result = try program("cyclegan-styled", "--config", file)
        XCTAssertEqual(result.status, 78)
        XCTAssertEqual(
            result.output,
            """
            \(file):3:1: unknown key 'setle' (did you mean settle?)
            \(file):4:10: quality: 500 is out of range: it must lie between 1 and 100

            """)
    }

    func testCheckConfig_probesDirectoriesAndPrintsTheDropIn() throws {
        let good = try program("cyclegan-styled", "--check-config", "--config", configuration("inboxes: {vangogh: {inbox: /nowhere/photos}}"))
        XCTAssertEqual(good.status, 0, good.output)
        XCTAssertTrue(good.output.contains("inboxes.vangogh.inbox: /nowhere/photos: is not there; it is waited for"), good.output)
        XCTAssertTrue(good.output.contains("ReadWritePaths=-\(directory.path)/spool -\(directory.path)/state -/nowhere/photos"), good.output)
        try "".write(to: directory.appendingPathComponent("file"), atomically: true, encoding: .utf8)
        let bad = try program("cyclegan-styled", "--check-config", "--config", configuration("inboxes: {vangogh: {outbox: \(directory.path)/file}}"))
        XCTAssertEqual(bad.status, 78)
        XCTAssertTrue(bad.output.contains("\(directory.path)/file is not a directory"), bad.output)
    }

    func testPrintConfig_isAConfiguration() throws {
        let file = try configuration("settle: 7s\n")
        let printed = try program("cyclegan-styled", "--print-config", "--config", file)
        XCTAssertEqual(printed.status, 0)
        XCTAssertTrue(printed.output.contains("    settle: 7s\n"), printed.output)
        let copy = directory.appendingPathComponent("copy.yaml")
        try printed.output.write(to: copy, atomically: true, encoding: .utf8)
        let again = try program("cyclegan-styled", "--print-config", "--config", copy.path)
        XCTAssertEqual(again.output.split(separator: "\n").dropFirst(), printed.output.split(separator: "\n").dropFirst())
    }

    func testUnknownStyle_isAConfigurationErrorThatListsTheModels() throws {
        let result = try program("cyclegan-styled", "--config", configuration("style: vangoh\n"))
        XCTAssertEqual(result.status, 78)
        XCTAssertTrue(result.output.contains("there is no model named 'vangoh' (did you mean vangogh?). Looked in \(directory.path)/state/models"), result.output)
    }

    func testControlCommands_withoutAService() throws {
        let result = try program("cyclegan-style", "status", "--socket", "\(directory.path)/none.sock")
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.output.contains("Is the service running"), result.output)
        XCTAssertEqual(try program("cyclegan-style", "retry").status, 64)
        XCTAssertEqual(try program("cyclegan-styled", "--nonsense").status, 64)
    }
}
