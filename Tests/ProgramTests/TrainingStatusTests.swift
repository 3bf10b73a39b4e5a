import Foundation
import Photos
import XCTest

/// A training tells the running service of itself.
final class TrainingStatusTests: XCTestCase {
    private var directory = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("training-status-\(getpid())")
        for name in ["photos", "state"] {
            try FileManager.default.createDirectory(
                at: directory.appendingPathComponent(name), withIntermediateDirectories: true)
        }
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: directory) }

    private func start(_ name: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = Built.programs.appendingPathComponent(name)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging([
            "RUNTIME_DIRECTORY": directory.path + "/state"
        ]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func status(_ arguments: String...) throws -> String {
        let program = Built.programs.appendingPathComponent("cyclegan-style").path
        return try runCommand([program, "status", "--socket", directory.path + "/state/control.sock"] + arguments)
            .output
    }

    private func waitUntil(_ what: String, _ isTrue: () throws -> Bool) throws {
        let deadline = Date() + 120
        while try !isTrue() {
            guard Date() < deadline else { return XCTFail("waited in vain until \(what)") }
            usleep(100_000)
        }
    }

    func testStatus_showsATraining() throws {
        for number in 0..<6 {
            let photo = Photo(
                width: 40, height: 40, pixels: (0..<4800).map { UInt8(truncatingIfNeeded: $0 * (number + 3)) })
            try Data(PhotoEncoder.encode(photo, options: EncodingOptions(format: .png)))
                .write(to: directory.appendingPathComponent("photos/\(number).png"))
        }
        let configuration = directory.appendingPathComponent("config.yaml")
        try "spool: \(directory.path)/spool\nstate: \(directory.path)/state\n".write(
            to: configuration, atomically: true, encoding: .utf8)
        let service = try start("cyclegan-styled", ["--config", configuration.path])
        defer {
            service.terminate()
            service.waitUntilExit()
        }
        try waitUntil("the service answers") { try status().contains("Idle") }
        let run = directory.path + "/run"
        let training = try start(
            "cyclegan-style",
            [
                "train", "--run", run, "--photos", directory.path + "/photos", "--paintings",
                directory.path + "/photos",
                "--variant", "original", "--base-channels", "4", "--residual-blocks", "1", "--discriminator-channels",
                "4",
                "--load-size", "40", "--crop-size", "32", "--held-out", "1", "--iterations", "10000000", "--threads",
                "1",
            ])
        defer { training.terminate() }
        try waitUntil("the training is shown") { try status().contains("Training \(run)") }
        let text = try status()
        XCTAssertNotNil(
            text.firstMatch(of: #/Training .*\n  iteration \d+/10000000, .* images/s, .* left, generators /#), text)
        XCTAssertTrue(try status("--json").contains("\"images-per-second\""))
        training.terminate()
        training.waitUntilExit()
        XCTAssertFalse(try status().contains("Training"), "it is forgotten when its process is gone")
    }
}
