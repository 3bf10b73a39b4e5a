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
        try "spool: \(directory.path)/spool\nstate: \(directory.path)/state\n\(text)".write(
            to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    /// Whoever styles a photo by hand needs no ledger.
    func testCommandLine_doesNotLinkTheLedgersDatabase() throws {
        let libraries = try runCommand(["ldd", Built.programs.appendingPathComponent("cyclegan-style").path])
        XCTAssertTrue(libraries.output.contains("libpng"), libraries.output)
        XCTAssertFalse(libraries.output.contains("sqlite"), libraries.output)
        let service = try runCommand(["ldd", Built.programs.appendingPathComponent("cyclegan-styled").path])
        XCTAssertTrue(service.output.contains("sqlite"), service.output)
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
        let good = try program(
            "cyclegan-styled", "--check-config", "--config",
            configuration("inboxes: {vangogh: {inbox: /nowhere/photos}}"))
        XCTAssertEqual(good.status, 0, good.output)
        XCTAssertTrue(
            good.output.contains("inboxes.vangogh.inbox: /nowhere/photos: is not there; it is waited for"), good.output)
        XCTAssertTrue(
            good.output.contains("ReadWritePaths=-\(directory.path)/spool -\(directory.path)/state -/nowhere/photos"),
            good.output)
        try "".write(to: directory.appendingPathComponent("file"), atomically: true, encoding: .utf8)
        let bad = try program(
            "cyclegan-styled", "--check-config", "--config",
            configuration("inboxes: {vangogh: {outbox: \(directory.path)/file}}"))
        XCTAssertEqual(bad.status, 78)
        XCTAssertTrue(bad.output.contains("\(directory.path)/file is not a directory"), bad.output)
    }

    /// What cannot work is not called usable, and not good.
    func testCheckConfig_endsWithTroubleWhereThereIsSome() throws {
        for (outbox, reason) in [
            ("/proc/foo", "the kernel's own file systems (proc)"),
            ("/sys/kernel/foo", "the kernel's own file systems (sysfs)"),
            ("/nonexistent/deep", "is not there, and neither is /nonexistent"), ("/dev/null/x", "Not a directory"),
        ] {
            let result = try program(
                "cyclegan-styled", "--check-config", "--config",
                configuration("inboxes: {vangogh: {outbox: \(outbox)}}"))
            XCTAssertEqual(result.status, 78, outbox)
            XCTAssertTrue(
                result.output.contains("inboxes.vangogh.outbox: \(outbox): ") && result.output.contains(reason),
                result.output)
            XCTAssertFalse(
                result.output.contains("\(outbox): usable") || result.output.contains("is good"), result.output)
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: "/nonexistent"), "trying leaves nothing behind")
    }

    func testCheckConfig_findsAnInboxThatIsReadOnly() throws {
        let inbox = directory.appendingPathComponent("readonly").path
        try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
        let mounted = try runCommand(["mount", "-t", "tmpfs", "-o", "ro,size=64k,mode=777", "none", inbox])
        try XCTSkipUnless(mounted.status == 0, "tmpfs cannot be mounted here")
        defer { _ = try? runCommand(["umount", "-l", inbox]) }
        let result = try program(
            "cyclegan-styled", "--check-config", "--config", configuration("inboxes: {vangogh: {inbox: \(inbox)}}"))
        XCTAssertEqual(result.status, 78, result.output)
        XCTAssertTrue(result.output.contains("Read-only file system"), result.output)
        XCTAssertFalse(result.output.contains("is good"), result.output)
    }

    func testCheckConfig_saysWhatToDoAboutADirectoryThatComesLater() throws {
        let result = try program(
            "cyclegan-styled", "--check-config", "--config",
            configuration("inboxes: {vangogh: {inbox: /nowhere/photos}}"))
        XCTAssertTrue(result.output.contains("/nowhere/photos is not there yet"), result.output)
        XCTAssertTrue(result.output.contains("systemctl restart cyclegan-styled"), result.output)
        XCTAssertTrue(result.output.contains("is good; 1 inbox waited for"), result.output)
    }

    func testCheckConfig_loadsTheModels() throws {
        let model = directory.appendingPathComponent("broken.safetensors")
        try "no model".write(to: model, atomically: true, encoding: .utf8)
        let result = try program("cyclegan-styled", "--check-config", "--config", configuration("style: \(model.path)"))
        XCTAssertEqual(result.status, 78, result.output)
        XCTAssertTrue(result.output.contains("1 model cannot be used"), result.output)
    }

    func testPrintConfig_isAConfiguration() throws {
        let file = try configuration("settle: 7s\n")
        let printed = try program("cyclegan-styled", "--print-config", "--config", file)
        XCTAssertEqual(printed.status, 0)
        XCTAssertTrue(printed.output.contains("    settle: 7s\n"), printed.output)
        let copy = directory.appendingPathComponent("copy.yaml")
        try printed.output.write(to: copy, atomically: true, encoding: .utf8)
        let again = try program("cyclegan-styled", "--print-config", "--config", copy.path)
        XCTAssertEqual(
            again.output.split(separator: "\n").dropFirst(), printed.output.split(separator: "\n").dropFirst())
    }

    func testUnknownStyle_isAConfigurationErrorThatListsTheModels() throws {
        let result = try program("cyclegan-styled", "--config", configuration("style: vangoh\n"))
        XCTAssertEqual(result.status, 78)
        XCTAssertTrue(
            result.output.contains(
                "there is no model named 'vangoh' (did you mean vangogh?). Looked in \(directory.path)/state/models"),
            result.output)
    }

    func testControlCommands_withoutAService() throws {
        let result = try program("cyclegan-style", "status", "--socket", "\(directory.path)/none.sock")
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.output.contains("Is the service running"), result.output)
        XCTAssertEqual(try program("cyclegan-style", "retry").status, 64)
        XCTAssertEqual(try program("cyclegan-styled", "--nonsense").status, 64)
    }
}
