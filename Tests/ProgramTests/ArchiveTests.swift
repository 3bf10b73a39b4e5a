import Foundation
import LinuxFiles
import Photos
import ServiceConfiguration
import XCTest

@testable import cyclegan_style

/// An archive translated by a scheduler: 200 photos in 8 tasks, one of them killed.
final class ArchiveTests: StyleTestCase {
    private static let parts = 8, photos = 200
    /// The part that is killed has larger photos, so that it takes a while.
    private static let slow = Shard(argument: "3/8")!

    private func makeArchive() throws {
        try importTiny()
        let small = try Data(contentsOf: URL(fileURLWithPath: photo("small.jpg")))
        let large = Photo(
            width: 600, height: 400, pixels: (0..<600 * 400 * 3).map { UInt8(truncatingIfNeeded: $0 / 7) })
        let slow = Data(try PhotoEncoder.encode(large, options: EncodingOptions(format: .jpeg)))
        var names: [String] = []
        for number in 0..<Self.photos {
            let name = "in/\(number % 5)/photo \(number).jpg"
            let url = directory.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try (Self.slow.contains(BytePath(name)) ? slow : small).write(to: url)
            names.append(name)
        }
        try names.joined(separator: "\n").write(toFile: path("list"), atomically: true, encoding: .utf8)
    }

    /// The photos that the reports call translated.
    private func translated() throws -> [String] {
        try files("pictures").filter { $0.hasSuffix(".jsonl") }.flatMap { name in
            try String(contentsOfFile: path("pictures/" + name), encoding: .utf8).split(separator: "\n").compactMap {
                line -> String? in
                let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return record?["result"] as? String == "translated" ? record?["photo"] as? String : nil
            }
        }
    }

    private func checkPictures() throws {
        let pictures = files("pictures").filter { $0.hasSuffix(".jpg") }
        XCTAssertEqual(pictures, (0..<Self.photos).map { "in/\($0 % 5)/photo \($0).tiny.jpg" }.sorted())
        let done = try translated()
        XCTAssertEqual(Set(done).count, done.count, "no photo is translated twice")
        // A task that dies between the picture and its line has told of one less.
        XCTAssertGreaterThanOrEqual(done.count, Self.photos - 1)
    }

    func testSlurmArray_withATaskThatIsKilledAndRequeued() throws {
        let script = Built.project.appendingPathComponent("Tests/ProgramTests/slurm-node.sh").path
        let node = path("slurm")
        // Its daemons must not hold this test's pipes.
        let start = try shell("'\(script)' start '\(node)' > slurm.log 2>&1 < /dev/null; echo $?; cat slurm.log")
        defer { _ = try? runCommand([script, "stop", node]) }
        if start.output.hasPrefix("77\n") { throw XCTSkip("no Slurm of one node here: \(start.output.dropFirst(3))") }
        XCTAssertEqual(start.output, "0\n")
        try makeArchive()
        let job = Built.project.appendingPathComponent("etc/slurm/cyclegan-style.sbatch").path
        let result = try shell(
            """
            export SLURM_CONF='\(node)/slurm.conf' CYCLEGAN_STYLE="$style"
            job=$(sbatch --parsable --array=0-7 --cpus-per-task=1 '\(job)' list pictures --style tiny) || exit
            for i in $(seq 300); do [ -s pictures/report.3-of-8.jsonl ] && break; sleep 0.1; done
            [ "$(squeue -h -t running -o %i -j ${job}_3)" = ${job}_3 ] || { echo "task 3 does not run"; exit 1; }
            scontrol requeue ${job}_3 && wc -l < pictures/report.3-of-8.jsonl
            for i in $(seq 120); do [ -z "$(squeue -h)" ] && break; sleep 1; done
            squeue -h; grep -l 'requeue\\|CANCELLED' cyclegan-style-*.log
            """)
        let lines = result.output.split(separator: "\n").map(String.init)
        XCTAssertLessThan(Int(lines.first ?? "") ?? .max, 25, "killed before it was done: \(result.output)")
        XCTAssertEqual(
            lines.count, 2, "nothing is queued any more, and one log tells of the requeueing: \(result.output)")
        try checkPictures()
    }

    func testSlurmScript_refusesAnArrayWithGaps() throws {
        let job = Built.project.appendingPathComponent("etc/slurm/cyclegan-style.sbatch").path
        let array = "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=5 SLURM_ARRAY_TASK_COUNT=2"
        let run = "CYCLEGAN_STYLE=echo bash '\(job)' list pictures"
        XCTAssertEqual(try shell("\(array) \(run)").status, 64)
        XCTAssertTrue(try shell("\(array) SHARDS=8 \(run)").output.contains("--shard 5/8"))
        XCTAssertTrue(
            try shell("\(array.replacing("MIN=3", with: "MIN=4")) SLURM_MEM_PER_NODE=4000 \(run)").output.contains(
                "--shard 1/2"))
        let whole = array.replacing("MIN=3", with: "MIN=4")
        XCTAssertTrue(try shell("\(whole) SLURM_MEM_PER_NODE=4000 \(run)").output.contains("--memory 3000M"))
        XCTAssertTrue(
            try shell("\(whole) SLURM_MEM_PER_CPU=1000 SLURM_CPUS_PER_TASK=2 \(run)").output.contains(
                "--threads 2 --memory 1500M"))
        XCTAssertFalse(try shell("\(whole) \(run)").output.contains("--memory"))
        XCTAssertEqual(try shell("bash '\(job)' list").status, 64)
    }

    func testGNUParallel_makesEveryPictureOnce() throws {
        guard try shell("parallel --version | grep -q GNU").status == 0 else {
            throw XCTSkip("there is no GNU parallel")
        }
        try makeArchive()
        let script = Built.project.appendingPathComponent("etc/slurm/cyclegan-style-parallel").path
        let result = try shell("CYCLEGAN_STYLE=\"$style\" THREADS=1 '\(script)' 8 list pictures --style tiny --quiet")
        XCTAssertEqual(result.status, 0, result.output)
        try checkPictures()
    }

    /// Against Kubernetes' own schema, which the Python package kubernetes-validate carries.
    func testKubernetesManifest_isValid() throws {
        let manifest = Built.project.appendingPathComponent("etc/kubernetes/cyclegan-style-job.yaml").path
        let text = try String(contentsOfFile: manifest, encoding: .utf8)
        let completions = try XCTUnwrap(text.firstMatch(of: #/completions: (\d+)/#)).1
        XCTAssertTrue(text.contains("--shard=$(JOB_COMPLETION_INDEX)/\(completions)"), "as many parts as pods")
        let validator = ProcessInfo.processInfo.environment["KUBERNETES_VALIDATE"] ?? "kubernetes-validate"
        guard try shell("command -v '\(validator)' > /dev/null").status == 0 else {
            throw XCTSkip(
                "there is no kubernetes-validate (pip install kubernetes-validate); KUBERNETES_VALIDATE names it")
        }
        let result = try shell("'\(validator)' --strict '\(manifest)'")
        XCTAssertEqual(result.status, 0, result.output)
        let wrong = try shell(
            "sed 's/completionMode/completionMod/' '\(manifest)' > wrong.yaml; '\(validator)' --strict wrong.yaml")
        XCTAssertEqual(wrong.status, 1, "the validator sees mistakes: \(wrong.output)")
    }
}
