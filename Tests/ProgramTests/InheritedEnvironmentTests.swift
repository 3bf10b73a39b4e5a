import Foundation
import Photos
import XCTest

/// What the programs are started with must not end them.
final class InheritedEnvironmentTests: XCTestCase {
    private var directory = ""
    private var service: Process?

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("inherited-\(getpid())").path
        try FileManager.default.createDirectory(atPath: "\(directory)/spool/inbox", withIntermediateDirectories: true)
        try "spool: \(directory)/spool\nstate: \(directory)/state\nsettle: 0s\nrender: fit 64\n"
            .write(toFile: "\(directory)/config.yaml", atomically: true, encoding: .utf8)
    }

    override func tearDownWithError() throws {
        if let service, service.isRunning {
            service.terminate()
            service.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func path(_ program: String) -> String { Built.programs.appendingPathComponent(program).path }

    /// Starts the service through a shell that prepares what it inherits.
    private func start(_ preparation: String, redirections: String = "2>> log") throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.arguments = [
            "-c", "\(preparation); exec '\(path("cyclegan-styled"))' --config config.yaml \(redirections)",
        ]
        try process.run()
        service = process
    }

    private func status(_ command: String = "status", _ arguments: String...) throws -> String {
        try runCommand([path("cyclegan-style"), command, "--socket", "\(directory)/state/control.sock"] + arguments)
            .output
    }

    private func waitUntil(_ what: String, seconds: Double = 120, _ isTrue: () throws -> Bool) throws {
        let deadline = Date() + seconds
        while try !isTrue() {
            XCTAssertTrue(
                service?.isRunning ?? false, "the service has ended while the test waited until \(what): \(log)")
            guard Date() < deadline, service?.isRunning ?? false else {
                return XCTFail("waited in vain until \(what)\n\(log)")
            }
            usleep(50000)
        }
    }

    private var log: String { (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? "" }

    /// A photo of noise, which becomes a large file.
    private func drop(_ name: String, side: Int) throws {
        var state: UInt64 = 7
        let pixels = (0..<side * side * 3).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        let bytes = try PhotoEncoder.encode(
            Photo(width: side, height: side, pixels: pixels, format: .png), options: EncodingOptions(format: .png))
        try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/part"))
        try FileManager.default.moveItem(atPath: "\(directory)/part", toPath: "\(directory)/spool/inbox/\(name)")
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/\(name)") }

    func testFileSizeLimit_putsAPhotoOffAndSaysWhichLimit() throws {
        // The picture is the noise itself. Blocks of 1024 bytes: the ledger fits, the picture does not.
        let configuration = try String(contentsOfFile: "\(directory)/config.yaml", encoding: .utf8)
        try (configuration + "strength: 0\n").write(
            toFile: "\(directory)/config.yaml", atomically: true, encoding: .utf8)
        try start("ulimit -f 400")
        try drop("noise.png", side: 500)
        try waitUntil("it is put off") { log.contains("put off") }
        XCTAssertTrue(log.contains("File too large") && log.contains("LimitFSIZE"), log)
        XCTAssertFalse(log.contains("max-file-bytes"), log)
        try drop("small.png", side: 40)
        try waitUntil("a smaller one is done") { exists("spool/outbox/small.vangogh.png") }
        XCTAssertTrue(exists("spool/inbox/noise.png"))
    }

    func testAddressSpaceLimit_putsAPhotoOffAndHarmsNoOther() throws {
        // What it takes by itself, and some more.
        try start("true")
        try waitUntil("it is up") { try status().contains("watching") }
        let text = try String(contentsOfFile: "/proc/\(service!.processIdentifier)/status", encoding: .utf8)
        let own = try XCTUnwrap(text.firstMatch(of: /VmPeak:\s+(\d+) kB/).flatMap { Int($0.1) })
        service!.terminate()
        service!.waitUntilExit()
        try start("ulimit -v \(own + 400 * 1024)")
        try drop("large.png", side: 5000)
        try waitUntil("it is put off") { log.contains("memory is short") }
        try drop("small.png", side: 40)
        try waitUntil("a smaller one is done") { exists("spool/outbox/small.vangogh.png") }
        XCTAssertTrue(exists("spool/inbox/large.png"))
        XCTAssertFalse(exists("spool/failed/large.png"))
    }

    func testCommandLineUnderAnAddressSpaceLimit_saysSoAndGoesOn() throws {
        try drop("large.png", side: 5000)
        try drop("small.png", side: 40)
        let (program, inbox) = (path("cyclegan-style"), "\(directory)/spool/inbox")
        func translate(_ photos: [String], megabytes: Int) throws -> CommandResult {
            let names = photos.map { "'\(inbox)/\($0)'" }.joined(separator: " ")
            return try runCommand([
                "bash", "-c",
                "ulimit -v \(megabytes * 1024); timeout 60 '\(program)' translate --threads 2 --render fit:64 -o "
                    + "'\(directory)/out/' \(names) 2>&1",
            ])
        }
        // The least that a small photo can be made with is not for the test to know.
        let enough = try XCTUnwrap(
            try stride(from: 400, to: 4000, by: 200).first { try translate(["small.png"], megabytes: $0).status == 0 })
        let both = try translate(["large.png", "small.png"], megabytes: enough + 50)
        XCTAssertEqual(both.status, 1, both.output)
        XCTAssertTrue(both.output.contains("large.png: ") && both.output.contains("memory is short"), both.output)
        XCTAssertTrue(both.output.contains("small.vangogh"), both.output)
    }

    func testClosedDescriptors_leaveTheLockAlone() throws {
        try start("true", redirections: "0<&- 1>&- 2>&-")
        try waitUntil("it is up") { try status().contains("watching") }
        try drop("small.png", side: 40)
        try Data("no photo".utf8).write(to: URL(fileURLWithPath: "\(directory)/spool/inbox/bad.jpg"))
        try waitUntil("both are dealt with") {
            exists("spool/outbox/small.vangogh.png") && exists("spool/failed/bad.jpg.reason.txt")
        }
        let pid = service!.processIdentifier
        XCTAssertEqual(try String(contentsOfFile: "\(directory)/state/lock", encoding: .utf8), "\(pid)\n")
        for descriptor in 0...2 {
            XCTAssertEqual(
                try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(descriptor)"), "/dev/null")
        }
    }

    func testCommandLineWithoutStandardError_goesOn() throws {
        try drop("a.png", side: 40)
        let (program, inbox) = (path("cyclegan-style"), "\(directory)/spool/inbox")
        // Closed, full, and a pipe whose reader has gone.
        try FileManager.default.createDirectory(atPath: "\(directory)/out", withIntermediateDirectories: true)
        for stderr in ["2>&-", "2> /dev/full", "2> >(exec 0<&-)"] {
            let command =
                "sleep 0.2; '\(program)' translate --render fit:64 -o '\(directory)/out' '\(inbox)/a.png' missing.png"
            let result = try runCommand(["bash", "-c", "(\(command)) \(stderr) < /dev/null > /dev/null; echo $?"])
            XCTAssertEqual(
                result.output.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "\n").last.map(
                    String.init), "1", stderr)
        }
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: "\(directory)/out").count, 3, "each wrote its picture")
        let explained = try runCommand(["bash", "-c", "'\(program)' status --socket /nonexistent 2>&-; echo $?"])
        XCTAssertEqual(explained.output, "1\n")
    }
}
