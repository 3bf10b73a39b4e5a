import Foundation
import XCTest

/// `train` and `finetune`: what is refused, what becomes a training image, and how a run ends.
final class TrainingCommandTests: StyleTestCase {
    private let small = [
        "--variant", "original", "--discriminator-channels", "1", "--load-size", "32", "--crop-size", "32", "--threads",
        "1",
    ]
    private let shape = ["--base-channels", "1", "--residual-blocks", "1"]

    override func setUpWithError() throws {
        try super.setUpWithError()
        for number in 0..<5 { try photo("photos/\(number).jpg", seed: number) }
        for number in 0..<3 { try photo("paintings/\(number).png", seed: number + 5, .png) }
    }

    private func train(_ arguments: String...) throws -> CommandResult {
        try style(["train", "--photos", "photos", "--paintings", "paintings"] + small + shape + arguments)
    }

    func testSettingsThatContradict_areErrorsOfUsage() throws {
        for wrong in [
            [], ["--iterations", "1", "--epochs", "1"], ["--iterations", "1", "--crop-size", "30"],
            ["--iterations", "0"],
        ] {
            XCTAssertEqual(
                try style(["train", "--photos", "photos", "--paintings", "paintings", "--run", "run"] + wrong).status,
                64, "\(wrong)")
        }
        XCTAssertEqual(try style("train", "--photos", "photos", "--run", "run", "--iterations", "1").status, 64)
        XCTAssertEqual(
            try style(
                "train", "--photos", "none", "--paintings", "paintings", "--run", "run", "--iterations", "1",
                "--variant", "original"
            ).status, 1)
    }

    func testFinetune_refusesTheShapeByName() throws {
        try importTiny()
        let base =
            [
                "finetune", "--from", "tiny", "--run", "run", "--photos", "photos", "--paintings", "paintings",
                "--iterations", "1",
            ] + small
        for option in ["--base-channels", "--residual-blocks"] {
            let refused = try style(base + [option, "8"])
            XCTAssertEqual(refused.status, 64)
            XCTAssertTrue(refused.output.contains("\(option) cannot be given to finetune"), refused.output)
        }
        XCTAssertTrue(
            try style(base + ["--upsampling", "resize"]).output.contains("--upsampling cannot be given to finetune"))
        let activation = try style(base + ["--variant", "leaky-relu"])
        XCTAssertEqual(activation.status, 64)
        XCTAssertTrue(
            activation.output.contains("--variant leaky-relu has the activation leaky-relu:0.01, tiny relu"),
            activation.output)
        XCTAssertEqual(try style(base).status, 0)
    }

    func testRunAmongThePhotos_isNoPhoto() throws {
        let first = try train("--run", "photos/run", "--iterations", "2", "--sample-every", "1")
        XCTAssertEqual(first.status, 0, first.output)
        XCTAssertTrue(
            first.output.contains("found 5 photos in \(path("photos")), 1 of them kept aside, and 3 paintings"),
            first.output)
        XCTAssertTrue(files("photos/run").contains { $0.hasSuffix(".png") }, "the run has pictures of its own")
        let second = try train("--run", "photos/other", "--iterations", "1")
        XCTAssertTrue(second.output.contains("found 5 photos"), second.output)
        XCTAssertTrue(second.output.contains("passed over: \(path("photos"))/run"), second.output)
        let resumed = try style("train", "--run", "photos/run", "--resume", "--iterations", "3")
        XCTAssertFalse(resumed.output.contains("have changed"), resumed.output)
        let same = try train("--run", "photos", "--iterations", "1")
        XCTAssertEqual(same.status, 1)
        XCTAssertTrue(same.output.contains("cannot be the run's directory"), same.output)
    }

    func testPaintingsAmongThePhotos_areNoPhotos() throws {
        try photo("photos/paintings/x.png", .png)
        let result = try style(
            ["train", "--photos", "photos", "--paintings", "photos/paintings", "--run", "run", "--iterations", "1"]
                + small + shape)
        XCTAssertTrue(result.output.contains("found 5 photos"), result.output)
        XCTAssertTrue(result.output.contains("and 1 painting in"), result.output)
    }

    func testInterrupted_ends130AndTerminated143() throws {
        for (signal, status) in [("INT", 130), ("TERM", 143)] as [(String, Int32)] {
            let options = (["--photos", "photos", "--paintings", "paintings"] + small + shape).joined(separator: " ")
            // A background process of a shell ignores SIGINT: Ctrl-C is for a session of its own.
            let result = try shell(
                """
                set -m
                $style train \(options) --run run-\(signal) --iterations 10000000 --log-every 1 > log 2>&1 &
                for i in $(seq 300); do grep -q 'to go' log && break; sleep 0.1; done
                kill -\(signal) $!; { wait $!; } 2> /dev/null; echo "status $?"; cat log
                """)
            XCTAssertTrue(result.output.contains("status \(status)\n"), result.output)
            XCTAssertTrue(result.output.contains("--resume goes on from it"), result.output)
        }
    }

    func testAllCheckpointsUnreadable_isSaid() throws {
        XCTAssertEqual(try train("--run", "run", "--iterations", "2").status, 0)
        for name in files("run/checkpoints") {
            try Data([1]).write(to: directory.appendingPathComponent("run/checkpoints/\(name)"))
        }
        let result = try style("train", "--run", "run", "--resume", "--iterations", "3")
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.output.contains("no checkpoint in run/checkpoints can be read (1 tried)"), result.output)
    }
}
