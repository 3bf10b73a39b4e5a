import CycleGAN
import Foundation
import LinuxFiles
import Photos
import Retraining
import Weights
import XCTest

/// The service's child, killed again and again.
final class RetrainRunTests: XCTestCase {
    private var root = BytePath.empty

    override func setUpWithError() throws {
        let name = "retrain-run-\(UUID().uuidString)"
        root = BytePath(FileManager.default.temporaryDirectory.appendingPathComponent(name).path)
        try Files.makeDirectory(root)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: root.description) }

    private func image(_ number: Int) throws -> [UInt8] {
        let pixels = (0..<4800).map { i in UInt8(truncatingIfNeeded: i * (number + 3) + i / 120 * number) }
        let photo = Photo(width: 40, height: 40, pixels: pixels, format: .png)
        return try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png))
    }

    private func plan() throws -> RetrainingPlan {
        let photos = try DomainLibrary(root.appending("photos"))
        let paintings = try DomainLibrary(root.appending("paintings"))
        let a = try (0..<8).map { try photos.add(image($0)).0.description }
        let b = try (20..<28).map { try paintings.add(image($0)).0.description }
        let vgg16 = root.appending("vgg16.safetensors").description
        let tensors = [(0, 3, 3), (2, 3, 3), (5, 3, 3), (7, 3, 3), (10, 3, 3), (12, 3, 3), (14, 3, 3)].flatMap {
            index, input, output -> [(name: String, shape: [Int], values: [Float])] in
            let count = output * input * 9
            return [
                (
                    "features.\(index).weight", [output, input, 3, 3],
                    (0..<count).map { Float($0 * 37 % 11) / 20 - 0.2 }
                ),
                ("features.\(index).bias", [output], [Float](repeating: 0.1, count: output)),
            ]
        }
        try Safetensors.write(vgg16, tensors: tensors, metadata: [:])
        var plan = RetrainingPlan(
            style: "test", mode: .retrain, model: nil, photoLibrary: photos.directory.description,
            paintingLibrary: paintings.directory.description, vgg16: vgg16)
        (plan.photos, plan.heldOutPhotos) = (Array(a[..<5]), Array(a[5...]))
        (plan.paintings, plan.heldOutPaintings) = (Array(b[..<5]), Array(b[5...]))
        plan.iterations = 30
        plan.settings = [
            "variant": "leaky-relu", "base-channels": "4", "residual-blocks": "1", "upsampling": "resize",
            "discriminator-channels": "4", "load-size": "40", "crop-size": "32", "stages": "none", "style-weight": "0",
            "feature-adversarial-weight": "0", "lattice-weight": "0", "colour-weight": "0", "content-weight": "0",
            "checkpoint-every": "1",
        ]
        return plan
    }

    private func start(_ run: BytePath, _ arguments: String...) throws -> Process {
        let process = Process()
        process.executableURL = Built.programs.appendingPathComponent("cyclegan-style")
        process.arguments = ["retrain-run", run.description] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    func testRun_whenKilledAgainAndAgain_endsAsOneThatWasNot() throws {
        let plan = try plan(), whole = root.appending("whole"), killed = root.appending("killed")
        for directory in [whole, killed] {
            try Files.makeDirectory(directory)
            try plan.write(to: directory)
        }
        let process = try start(whole)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0)
        var delay: UInt32 = 30_000, kills = 0, isStopped = false
        while try GateReport.decision(in: killed) == nil {
            let process = try start(killed, "--parent", String(getpid()))
            usleep(delay)
            // Every third time it is asked, and may write a checkpoint.
            kill(process.processIdentifier, kills % 3 == 2 ? SIGTERM : SIGKILL)
            process.waitUntilExit()
            isStopped = isStopped || process.terminationReason == .exit && process.terminationStatus == 75
            kills += 1
            delay += 40_000
            guard kills < 200 else { return XCTFail("it never ends") }
        }
        XCTAssertGreaterThan(kills, 3)
        XCTAssertTrue(isStopped, "one that is asked to stop says so")
        for name in ["training/model.safetensors", "decision.json"] {
            XCTAssertEqual(try Files.read(killed.appending(name)), try Files.read(whole.appending(name)), name)
        }
        // Whoever comes last finds nothing half written.
        try start(killed).waitUntilExit()
        XCTAssertEqual(try names(in: killed), try names(in: whole))
    }

    private func names(in directory: BytePath) throws -> Set<String> {
        Set(try Files.names(in: directory).map { String(decoding: $0, as: UTF8.self) })
    }

    func testRun_withoutAPlan_failsAndSaysSo() throws {
        let program = Built.programs.appendingPathComponent("cyclegan-style").path
        let result = try runCommand([program, "retrain-run", root.description])
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.output.contains("plan.json"), result.output)
        XCTAssertEqual(try runCommand([program, "retrain-run", root.description, "--threads", "0"]).status, 64)
    }
}
