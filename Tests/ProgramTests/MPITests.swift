import Foundation
import Glibc
import Weights
import XCTest

/// `mpirun -n N cyclegan-style train`: what one process would do, by several.
final class MPITests: StyleTestCase {
    private let small = [
        "--photos", "photos", "--paintings", "paintings", "--variant", "leaky-relu", "--base-channels", "4",
        "--residual-blocks", "1", "--upsampling", "resize", "--discriminator-channels", "4", "--load-size", "36",
        "--crop-size", "32", "--pool-size", "8", "--diff-augment", "color,translation,cutout", "--threads", "1",
        "--checkpoint-every", "20", "--sample-every", "1000",
    ]

    override func setUpWithError() throws {
        try super.setUpWithError()
        let found = try runCommand(["sh", "-c", "command -v mpirun"])
        try XCTSkipUnless(found.status == 0, "mpirun is not installed (apt-get install libopenmpi-dev openmpi-bin)")
        let trial = try runCommand(Self.mpirun(1) + [Self.program, "train", "--help"])
        try XCTSkipUnless(trial.status == 0, "mpirun does not work here: \(trial.output)")
        let start = try runCommand(Self.mpirun(1) + [Self.program, "train", "--resume", "--run", path("none")])
        try XCTSkipIf(
            start.output.contains("was built without MPI"),
            "libopenmpi-dev was not there when the programs were built")
        for number in 0..<6 { try photo("photos/\(number).jpg", seed: number, width: 48, height: 40) }
        for number in 0..<3 { try photo("paintings/\(number).png", seed: number + 6, width: 40, height: 48, .png) }
    }

    private static func mpirun(_ ranks: Int) -> [String] {
        [
            "timeout", "300", "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "\(ranks)",
        ]
    }

    private func train(_ ranks: Int?, _ arguments: [String]) throws -> CommandResult {
        try runCommand(
            ["-C", directory.path] + (ranks.map(Self.mpirun) ?? []) + [Self.program, "train"] + arguments,
            environment: ["CYCLEGAN_STYLE_MODELS": path("models")])
    }

    private func weights(_ run: String) throws -> [(String, [Float])] {
        try Safetensors.read(path("\(run)/checkpoints/00000020.safetensors")).tensors.sorted { $0.key < $1.key }
            .map { ($0.key, try $0.value.floats()) }
    }

    /// Rows of losses.csv without the time.
    private func losses(_ run: String) throws -> [[Double]] {
        try String(contentsOfFile: path("\(run)/losses.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",").dropLast().map { Double($0)! } }
    }

    func testTwoRanks_areOneProcess() throws {
        let settings = small + ["--iterations", "20", "--batch", "2", "--gradient-clip", "5"]
        let one = try train(nil, settings + ["--run", "one"])
        XCTAssertEqual(one.status, 0, one.output)
        for run in ["two", "again"] {
            let two = try train(2, settings + ["--run", run])
            XCTAssertEqual(two.status, 0, two.output)
            XCTAssertEqual(two.output.components(separatedBy: "found 6 photos").count, 2, "rank 0 alone speaks")
        }
        let (expected, found) = (try losses("one"), try losses("two"))
        XCTAssertEqual(found.count, 20)
        for (a, b) in zip(expected.joined(), found.joined()) { XCTAssertEqual(a, b, accuracy: 1e-5 * abs(a)) }
        for ((name, a), (other, b)) in zip(try weights("one"), try weights("two")) {
            XCTAssertEqual(name, other)
            let length = a.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let apart = zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
            XCTAssertLessThanOrEqual(apart, 1e-5 * length, name)
        }
        XCTAssertEqual(try losses("two"), try losses("again"))
        for name in ["model.safetensors", "checkpoints/00000020.safetensors"] {
            XCTAssertEqual(
                FileManager.default.contents(atPath: path("two/" + name)),
                FileManager.default.contents(atPath: path("again/" + name)), name)
        }
        XCTAssertEqual(files("two"), files("one"))
    }

    func testRunOfTwoRanks_goesOnWithOne() throws {
        let settings = small + ["--batch", "2"]
        XCTAssertEqual(try train(nil, settings + ["--run", "one", "--iterations", "20"]).status, 0)
        XCTAssertEqual(try train(2, settings + ["--run", "two", "--iterations", "11"]).status, 0)
        let resumed = try train(nil, ["--run", "two", "--resume", "--iterations", "20", "--threads", "1"])
        XCTAssertEqual(resumed.status, 0, resumed.output)
        XCTAssertTrue(resumed.output.contains("going on after iteration 11"), resumed.output)
        // The learning rate of a run of 11 iterations fell; the networks have the same shape, and can be read.
        XCTAssertEqual(try losses("two").count, 20)
        XCTAssertEqual(try losses("two").prefix(5), try losses("one").prefix(5))
        let again = try train(2, ["--run", "two", "--resume", "--iterations", "22", "--threads", "1"])
        XCTAssertEqual(again.status, 0, again.output)
        XCTAssertEqual(try losses("two").count, 22)
    }

    func testBatchThatCannotBeDealtOut_isAnErrorOfUsage() throws {
        let result = try train(2, small + ["--run", "run", "--iterations", "1", "--batch", "3"])
        XCTAssertEqual(result.status, 64, result.output)
        XCTAssertEqual(
            result.output.components(separatedBy: "batch is 3, which is not a multiple of the 2 ranks").count, 2,
            result.output)
        XCTAssertEqual(files("run"), [])
    }

    /// Starts an endless run of two ranks, and does something to it once it has a checkpoint.
    /// - Parameter grace: seconds that mpirun gives the ranks between the request to end and the end.
    private func interrupt(_ command: String, grace: Int = 1) throws -> (seconds: Double, output: String) {
        let arguments = (small + ["--run", "run", "--iterations", "10000000", "--batch", "2", "--log-every", "1"])
            .joined(separator: " ")
        let launch = (["exec"] + Self.mpirun(2)).filter { !["timeout", "300"].contains($0) }.joined(separator: " ")
        let result = try shell(
            """
            ( \(launch) --mca odls_base_sigkill_timeout \(grace) $style train \(arguments) ) > log 2>&1 &
            run=$!
            for i in $(seq 300); do ls run/checkpoints/*.safetensors > /dev/null 2>&1 && break; sleep 0.1; done
            ranks=$(pgrep -P $run -f 'train --photos')
            date +%s.%N; \(command); { wait $run; } 2> /dev/null; echo "status $?"; date +%s.%N
            for rank in $ranks; do case "$(ps -o stat= -p $rank)" in ''|Z*) ;; *) echo "ranks are left";; esac; done
            cat log
            """)
        let times = result.output.split(separator: "\n").compactMap { Double($0) }
        return (times.count == 2 ? times[1] - times[0] : .infinity, result.output)
    }

    func testKilledRank_endsTheRun_andTheCheckpointIsWhole() throws {
        let (seconds, output) = try interrupt("kill -KILL $(echo $ranks | cut -d' ' -f2)")
        XCTAssertLessThan(seconds, 30, output)
        XCTAssertFalse(output.contains("status 0"), output)
        XCTAssertFalse(output.contains("ranks are left"), output)
        XCTAssertTrue(output.contains("signal 9 (Killed)"), output)
        let last = try XCTUnwrap(files("run/checkpoints").last { $0.hasSuffix(".safetensors") })
        let iteration = try XCTUnwrap(Int(last.prefix(8)))
        let resumed = try train(nil, ["--run", "run", "--resume", "--iterations", "\(iteration + 1)"])
        XCTAssertEqual(resumed.status, 0, resumed.output)
        XCTAssertTrue(resumed.output.contains("going on after iteration \(iteration)"), resumed.output)
    }

    func testRequestToEnd_endsAllRanksWithACheckpoint() throws {
        for signal in ["TERM", "USR1"] {
            let (_, output) = try interrupt("kill -\(signal) $run", grace: 3)
            // What ranks say after a SIGTERM, mpirun may keep for itself.
            if signal == "USR1" { XCTAssertTrue(output.contains("--resume goes on from it"), output) }
            XCTAssertFalse(output.contains("ranks are left"), output)
            let lines = try losses("run")
            let last = try XCTUnwrap(files("run/checkpoints").last { $0.hasSuffix(".safetensors") })
            XCTAssertEqual(lines.last?[0], Double(last.prefix(8)), "\(signal): the checkpoint is of the last iteration")
            XCTAssertTrue(output.contains("status \(signal == "USR1" ? "138" : "")"), output)
            try FileManager.default.removeItem(atPath: path("run"))
        }
    }

    func testImageThatOneRankCannotRead_endsAll() throws {
        for number in 0..<6 { try Data([1]).write(to: directory.appendingPathComponent("photos/\(number).jpg")) }
        let result = try train(2, small + ["--run", "run", "--iterations", "1", "--batch", "2"])
        XCTAssertEqual(result.status, 1, result.output)
        XCTAssertTrue(result.output.contains("can be read"), result.output)
    }

    func testMPI_isLoadedUnderMpirunAlone() throws {
        let linked = try runCommand(["ldd", Self.program])
        XCTAssertFalse(linked.output.contains("libmpi"), linked.output)
        func loaded(_ launcher: [String]) throws -> Bool {
            let result = try runCommand(
                ["-C", directory.path] + launcher
                    + ["env", "LD_DEBUG=files", Self.program, "train", "--run", "run-\(launcher.count)"] + small
                    + ["--iterations", "1"])
            XCTAssertEqual(result.status, 0)
            return result.output.contains("libmpi.so")
        }
        XCTAssertFalse(try loaded([]))
        XCTAssertTrue(try loaded(Self.mpirun(1)))
    }
}
