import Digests
import Foundation
import Glibc
import LinuxFiles
import ModelLedger
import Retraining
import ServiceConfiguration
import ServiceControl
import StyleModels
import XCTest

@testable import StyleService

/// When runs begin, how they end, and what becomes of their models.
final class TrainingTests: TrainingTestCase {
    func testRunBegins_whenItsTimeHasCome_andTheBetterModelIsPutToUse() throws {
        let configuration = try painter(), better = try candidate(1, .promote)
        try fill(configuration)
        try begin(configuration, Self.decides)
        usleep(200_000)
        XCTAssertEqual(try ledger.runs(style: "painter").count, 0, "its time has not come")
        try letTimePass()
        let run = try waitForRun(.decided)
        XCTAssertEqual(try store.identity(for: "painter").hash, better)
        XCTAssertEqual(promoted.read { $0 }, ["painter"])
        XCTAssertEqual(run.model, better)
        XCTAssertEqual(run.reason, "reason 1")
        let record = try XCTUnwrap(archive.record(better))
        XCTAssertEqual(record.decision, .promote)
        XCTAssertEqual(record.origin, .trained)
        XCTAssertTrue(try XCTUnwrap(record.data).contains("\"mode\":\"retrain\""), "it had no model before")
        for domain in StyleConfiguration.Domain.allCases {
            XCTAssertEqual(try ledger.domainCount(DomainKey("painter", domain)), DomainCount(images: 12, new: 0))
        }
        XCTAssertEqual(
            files("state/runs/\(run.directory.lastComponent)"), ["decision.json", "log.txt", "plan.json"],
            "what tells of it stays, what it needed goes")
        // Nothing is new since.
        try letTimePass()
        try waitUntil("the schedule was looked at") { training.state.read { $0.obstacles["painter"] != nil } }
        XCTAssertEqual(try ledger.runs(style: "painter").count, 1)
        XCTAssertGreaterThan(try ledger.lastTrial("painter"), .now - .seconds(60), "the next elapse looks again")
    }

    func testStyleWithoutAModel_isTrainedAtOnce_whenEnoughIsThere() throws {
        let configuration = try painter("min-new-images: 1000"), first = try candidate(1, .promote)
        try fill(configuration, 0..<9)
        try begin(configuration, Self.decides) { $0.quiet = 0.3 }
        usleep(600_000)
        XCTAssertEqual(try ledger.runs(style: "painter").count, 0, "nine are too few")
        try fill(configuration, 9..<10)
        training.wake()
        usleep(50_000)
        XCTAssertEqual(try ledger.runs(style: "painter").count, 0, "more may come")
        usleep(400_000)
        training.wake()
        _ = try waitForRun(.decided)
        XCTAssertEqual(try archive.current("painter"), first)
    }

    func testPlan_keepsEachImageOnItsSide() throws {
        let configuration = try painter("min-new-images: 1")
        _ = try candidate(1, .keep)
        try fill(configuration)
        try begin(configuration, Self.decides)
        try letTimePass()
        let first = try RetrainingPlan.read(waitForRun(.decided).directory)
        XCTAssertGreaterThanOrEqual(first.heldOutPaintings.count, 5)
        XCTAssertEqual(Set(first.paintings + first.heldOutPaintings).count, 12)
        try fill(configuration, 12..<20)
        _ = try candidate(2, .keep)
        try letTimePass()
        try waitUntil("the second run has ended") {
            try ledger.runs(style: "painter").count == 2 && run(.running) == nil
                && training.state.read { $0.active == nil }
        }
        let second = try RetrainingPlan.read(XCTUnwrap(run(.decided)).directory)
        XCTAssertTrue(Set(second.paintings).isSuperset(of: first.paintings))
        XCTAssertTrue(Set(second.heldOutPaintings).isSuperset(of: first.heldOutPaintings))
        XCTAssertEqual(Set(second.photos).intersection(second.heldOutPhotos), [])
        XCTAssertEqual(second.photos.count + second.heldOutPhotos.count, 20)
    }

    func testCandidateThatIsNotBetter_isKeptAndNotUsed_andAPersonCanOverrule() throws {
        let configuration = try painter(), shipped = contentHash(try model(0, "state/models/painter.safetensors"))
        for (number, decision) in [(1, GateFigures.Decision.keep), (2, .refuse)] {
            let hash = try candidate(number, decision)
            try fill(configuration, number * 20..<number * 20 + 20)
            try begin(configuration, Self.decides)
            try letTimePass()
            try waitUntil("it is decided") { try ledger.runs(style: "painter").first?.model == hash }
            end()
            XCTAssertEqual(try store.identity(for: "painter").hash, shipped)
            XCTAssertEqual(try archive.record(hash)?.decision.rawValue, decision.rawValue)
            XCTAssertEqual(try archive.record(hash)?.parent, shipped)
            XCTAssertThrowsError(try archive.promote(hash, why: "test"))
        }
        XCTAssertEqual(promoted.read { $0 }, [])
        let refused = try XCTUnwrap(archive.records(style: "painter").first { $0.decision == .refuse }).hash
        try archive.promote(refused, why: "test", isForced: true)
        XCTAssertEqual(try store.identity(for: "painter").hash, refused)
    }

    func testCandidate_isNotPutToUse_whereAnotherModelWasMeanwhile() throws {
        let configuration = try painter(), better = try candidate(1, .promote)
        try fill(configuration)
        try begin(configuration, "while [ ! -e \"$ROOT/go\" ]; do sleep 0.02; done\n" + Self.decides)
        try letTimePass()
        try waitUntil("it is at work") { training.state.read { $0.active != nil } }
        let other = try archive.add(model(9, "other.safetensors"), .init(style: "painter", origin: .imported))
        try archive.promote(other, why: "test")
        _ = try write("", "go")
        let run = try waitForRun(.decided)
        XCTAssertEqual(try store.identity(for: "painter").hash, other)
        XCTAssertTrue(try XCTUnwrap(run.reason).contains("another model was put to use"), "\(run)")
        XCTAssertEqual(try archive.record(better)?.decision, .keep)
    }

    func testTrainingState_goesWithItsModel() throws {
        let configuration = try painter(), better = try candidate(1, .promote)
        try fill(configuration)
        try begin(configuration, "echo state > \"$DIR/state.safetensors\"\n" + Self.decides)
        try letTimePass()
        _ = try waitForRun(.decided)
        XCTAssertEqual(try text(archive.trainingState(of: better)), "state\n")
        XCTAssertEqual(besides(archive.path(of: better)), archive.trainingState(of: better))
        // The next run begins with both.
        end()
        try fill(configuration, 20..<40)
        try begin(configuration, "sleep 60")
        try letTimePass()
        try waitUntil("it is at work") { training.state.read { $0.active != nil } }
        let plan = try RetrainingPlan.read(XCTUnwrap(run(.running)).directory)
        XCTAssertEqual(plan.mode, .finetune)
        XCTAssertEqual(try text(BytePath(XCTUnwrap(plan.trainingState))), "state\n")
        XCTAssertEqual(try Files.read(BytePath(XCTUnwrap(plan.model))), try Files.read(archive.path(of: better)))
    }

    func testModels_areBounded() throws {
        let configuration = try painter("keep-models: 2")
        var hashes: [String] = []
        for number in 1...4 {
            hashes.append(try candidate(number, .promote).description)
            try fill(configuration, number * 20..<number * 20 + 20)
            try begin(configuration, Self.decides)
            try letTimePass()
            try waitUntil("it is decided") {
                try ledger.runs(style: "painter").filter { $0.state == .decided }.count == number
            }
            end()
        }
        XCTAssertEqual(Set(files("state/models/sha256")), Set(hashes.suffix(2).map { "\($0).safetensors" }))
        XCTAssertEqual(try archive.rollback("painter").to?.description, hashes[2])
    }

    // MARK: What goes wrong

    func testProcessThatIsKilled_isStartedAgain() throws {
        let configuration = try painter(), better = try candidate(1, .promote)
        try fill(configuration)
        // Each life comes a little further.
        try begin(
            configuration,
            """
            mkdir -p "$DIR/training/checkpoints"
            n=$(ls "$DIR/training/checkpoints" | wc -l)
            touch "$DIR/training/checkpoints/00$n.safetensors"
            [ $n -ge 8 ] || kill -9 $$
            """ + "\n" + Self.decides)
        try letTimePass()
        _ = try waitForRun(.decided)
        XCTAssertEqual(try archive.current("painter"), better)
    }

    func testProcessThatComesNoFurther_isGivenUp_andItsImagesCountAsNewAgain() throws {
        let configuration = try painter()
        try fill(configuration)
        try begin(configuration, "echo lives >> \"$ROOT/lives\"; echo 'cyclegan-style: no luck' >&2; exit 1")
        try letTimePass()
        let run = try waitForRun(.failed)
        XCTAssertEqual(run.reason, "ended with status 1: no luck")
        XCTAssertEqual(try text(directory.appending("lives")).split(separator: "\n").count, 4)
        XCTAssertEqual(try ledger.domainCount(DomainKey("painter", .paintings)), DomainCount(images: 12, new: 12))
        XCTAssertEqual(files("state/runs/\(run.directory.lastComponent)"), ["log.txt", "plan.json"])
    }

    func testRunWithoutATrainer_failsAndSaysWhatIsMissing() throws {
        let configuration = try painter()
        try fill(configuration)
        try begin(configuration, "") { $0.program = nil }
        try letTimePass()
        XCTAssertTrue(try XCTUnwrap(waitForRun(.failed).reason).contains("cyclegan-style (it must be installed"))
    }

    func testModelThatCannotBeRead_isFoundBeforeARunBegins() throws {
        let configuration = try painter()
        try fill(configuration)
        _ = try write("no model", "state/models/painter.safetensors")
        try begin(configuration, Self.decides)
        try letTimePass()
        try waitUntil("it is told") { training.state.read { $0.obstacles["painter"] != nil } }
        let obstacle = try XCTUnwrap(training.state.read { $0.obstacles["painter"] })
        XCTAssertTrue(obstacle.contains("parent.safetensors"), obstacle)
        XCTAssertEqual(try ledger.runs(style: "painter").count, 0)
        XCTAssertEqual(files("state/runs"), [])
        XCTAssertTrue(try training.report(XCTUnwrap(configuration.style("painter"))).sentence.contains("not trained: "))
    }

    // MARK: Stopping and pausing

    func testServiceThatStops_leavesARunToTheNextOne() throws {
        let configuration = try painter(), better = try candidate(1, .promote)
        try fill(configuration)
        let script = """
            trap 'echo asked >> "$ROOT/asked"; exit 75' TERM
            while [ ! -e "$ROOT/go" ]; do sleep 0.02; done
            """ + "\n" + Self.decides
        try begin(configuration, script)
        try letTimePass()
        try waitUntil("it is at work") {
            training.state.read { $0.active != nil } && files("state/runs").contains { $0.hasSuffix("log.txt") }
        }
        usleep(200_000)
        end()
        XCTAssertEqual(try text(directory.appending("asked")), "asked\n")
        let run = try XCTUnwrap(run(.running))
        // Whatever the schedule says, the run that was begun comes first.
        _ = try write("", "go")
        try begin(configuration, script)
        XCTAssertEqual(try waitForRun(.decided).id, run.id)
        XCTAssertEqual(try archive.current("painter"), better)
    }

    func testRunThatIsStopped_isGivenUp() throws {
        let configuration = try painter()
        try fill(configuration)
        try begin(configuration, "sleep 60")
        let answers = RetrainAnswers(training: training)
        XCTAssertFalse(try answers.answer(.init(.stop)).isDone, "nothing is at work")
        try letTimePass()
        try waitUntil("it is at work") { training.state.read { $0.active != nil } }
        XCTAssertTrue(try answers.answer(.init(.stop, style: "painter")).isDone)
        XCTAssertEqual(try waitForRun(.stopped).reason, "on request")
        XCTAssertEqual(try ledger.domainCount(DomainKey("painter", .photos)).new, 12)
    }

    func testStyleThatIsNotConfiguredAnyMore_isNotTrainedToTheEnd() throws {
        let configuration = try painter()
        try fill(configuration)
        try begin(configuration, "sleep 60")
        try letTimePass()
        try waitUntil("it is at work") { training.state.read { $0.active != nil } }
        training.apply(try self.configuration("styles: {other: {}}"))
        XCTAssertEqual(try waitForRun(.stopped).reason, "the style is not configured any more")
    }

    func testRunPauses_whileTheQueueIsLong_andNotBeforeItsLengthIsKnown() throws {
        let configuration = try painter("pause-above: 3")
        _ = try candidate(1, .promote)
        try fill(configuration)
        queue.change { $0 = 4 }
        try begin(
            configuration, "echo $$ > \"$ROOT/pid\"; while [ ! -e \"$ROOT/go\" ]; do sleep 0.02; done\n" + Self.decides)
        try letTimePass()
        try waitUntil("it waits") { training.state.read { $0.active?.waits != nil } }
        XCTAssertFalse(files("").contains("pid"), "it does not begin while the queue is long")
        queue.change { $0 = 3 }
        try waitUntil("it begins") {
            files("").contains("pid") && (try? text(directory.appending("pid")))?.isEmpty == false
        }
        let process = try XCTUnwrap(
            pid_t(try text(directory.appending("pid")).trimmingCharacters(in: .whitespacesAndNewlines)))
        func isStopped() -> Bool { Files.kernelText(BytePath("/proc/\(process)/stat"))?.contains(") T ") == true }
        queue.change { $0 = 4 }
        usleep(300_000)
        XCTAssertFalse(isStopped(), "its budget is not turned into iterations yet")
        let runDirectory = try XCTUnwrap(run(.running)).directory
        reports.tell(
            TrainingReport(
                run: runDirectory, iteration: 8, total: 100, losses: [:], imagesPerSecond: 1, secondsLeft: 92),
            from: getpid())
        try waitUntil("it pauses", isStopped)
        XCTAssertTrue(training.state.read { $0.active?.isPaused == true })
        XCTAssertEqual(training.headline, "training of painter paused")
        queue.change { $0 = 2 }
        usleep(300_000)
        XCTAssertTrue(isStopped(), "not at each photo that comes and goes")
        queue.change { $0 = 1 }
        try waitUntil("it goes on") { !isStopped() }
        XCTAssertTrue(try XCTUnwrap(training.headline).contains("iteration 8 of 100"))
        _ = try write("", "go")
        _ = try waitForRun(.decided)
    }

    private func contentHash(_ path: BytePath) -> SHA256Digest { SHA256.hash((try? Files.read(path)) ?? []) }
    private func besides(_ path: BytePath) -> BytePath { ModelStore.trainingState(beside: path) }
}
