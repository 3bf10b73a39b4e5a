import Foundation
import XCTest

/// What a command printed and how it ended.
struct CommandResult {
    var status: Int32
    var output: String
}

@discardableResult
func runCommand(_ arguments: [String], environment: [String: String] = [:]) throws -> CommandResult {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return CommandResult(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
}

/// The project's top directory, and the directory of the programs that were built with the tests.
enum Built {
    static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
}

/// A systemd of the test's own, made by private-systemd.sh, with the service installed in it.
final class PrivateSystemd {
    private let directory: URL
    private let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "private-systemd.sh"
    ).path

    /// - Throws: `XCTSkip` with the reason where there can be none.
    init(seconds: Int) throws {
        try XCTSkipUnless(geteuid() == 0, "the service is tried under a systemd of its own when the tests run as root")
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("private-systemd-\(getpid())")
        try? FileManager.default.removeItem(at: directory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        // Its process 1 must not hold this test's pipes, so that its output goes to a file.
        let log = directory.appendingPathComponent("boot.log").path
        let boot = try runCommand([
            "sh", "-c", "exec \"$@\" > '\(log)' 2>&1", "sh", script, "boot", directory.path, "\(seconds)",
            Built.project.path,
        ])
        if boot.status != 0 {
            let why = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if boot.status == 77 { throw XCTSkip("no private systemd here: \(why)") }
            throw CommandFailed(command: "private-systemd.sh boot", output: why)
        }
    }

    /// Runs a shell command in it.
    @discardableResult
    func shell(_ command: String) throws -> CommandResult {
        try runCommand([script, "in", directory.path, "sh", "-c", command])
    }

    /// Runs a shell command in it that reads a file of this machine.
    func feed(_ file: String, to command: String) throws {
        let result = try runCommand([
            "sh", "-c", "exec \"$@\" < '\(file)'", "sh", script, "in", directory.path, "sh", "-c", command,
        ])
        if result.status != 0 { throw CommandFailed(command: command, output: result.output) }
    }

    /// Puts the programs that were built with the tests into /programs.
    /// - Returns: whether they run there: they need the Swift libraries where they are on this machine.
    func installBuiltPrograms() throws -> Bool {
        for name in ["cyclegan-styled", "cyclegan-style"] {
            let data = try Data(contentsOf: Built.programs.appendingPathComponent(name)).base64EncodedString()
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("program-\(getpid())").path
            try data.write(toFile: file, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: file) }
            try feed(
                file,
                to:
                    "mkdir -p /programs/release && base64 -d > /programs/release/\(name) && chmod 755 "
                    + "/programs/release/\(name)"
            )
        }
        return try shell("/programs/release/cyclegan-styled --help").status == 0
    }

    func halt() {
        _ = try? runCommand([script, "halt", directory.path])
        try? FileManager.default.removeItem(at: directory)
    }
}

struct CommandFailed: Error, CustomStringConvertible {
    var command: String
    var output: String
    var description: String { "\(command) failed: \(output)" }
}
