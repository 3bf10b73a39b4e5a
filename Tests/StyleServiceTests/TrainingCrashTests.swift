import Digests
import Evaluation
import Foundation
import Glibc
import LinuxFiles
import ModelLedger
import Networks
import Photos
import Publishing
import Retraining
import ServiceConfiguration
import ServiceControl
import Weights
import XCTest

@_spi(Testing) @testable import StyleService

/// The service, and its training's process, killed at every step of run, gate and promotion.
final class TrainingCrashTests: ServiceTestCase {
    static let points: [FailurePoint] = [
        .runPlanned, .runRecorded, .runStarted, .runDecided, .modelPlaced, .modelRecorded, .runCleared,
    ]

    private func prepareTraining() throws -> SHA256Digest {
        try prepare("styles: {painter: {retrain: {when: weekly, min-new-images: 20}}}")
        let description = GeneratorDescription(
            baseChannels: 1, residualBlocks: 0, activation: .relu, upsampling: .resize)
        let tensors = description.tensorShapes.map { key, shape in
            (name: key, shape: shape, values: [Float](repeating: 1, count: shape.reduce(1, *)))
        }
        let candidate = directory.appending("candidate.safetensors")
        try Safetensors.write(candidate.description, tensors: tensors, metadata: description.metadata)
        let figures = GateFigures(decision: .promote, reasons: ["better"], photos: 5, paintings: 5, scale: 256, seed: 1)
        try write(try GateReport.json(figures), "decision.json")
        _ = try write(
            """
            #!/bin/sh
            echo $$ > '\(directory)/pid'
            mkdir -p "$2/training"
            cp '\(candidate)' "$2/training/model.safetensors.part" && mv "$2/training/model.safetensors.part" \
            "$2/training/model.safetensors"
            sleep 0.2
            cp '\(directory)/decision.json' "$2/decision.part" && mv "$2/decision.part" "$2/decision.json"

            """, "trainer")
        try Files.setMode(directory.appending("trainer"), 0o755)
        for domain in ["paintings", "photos"] {
            for number in 0..<10 {
                try write(TrainingTestCase.image(number), BytePath("spool/domains/painter/\(domain)/\(number).png"))
            }
        }
        return SHA256.hash(try Files.read(candidate))
    }

    private var trainer: [String: String] { ["TRAINER": directory.appending("trainer").description] }

    /// Asks for the run as soon as the images are there.
    private func order() throws {
        try waitUntil("the images are taken in") { try style()?.new == 20 || style()?.run != nil }
        _ = try? ControlSocket.ask(ControlRequest(.retrain, retrain: .init(.start, style: "painter")), at: [socket])
    }

    private func style() throws -> StyleReport? { (try? ask(.status))?.status?.styles.first }

    private func models() throws -> [ModelReport] {
        try ControlSocket.ask(ControlRequest(.models, models: .init(.list)), at: [socket]).models ?? []
    }

    private func checkEnd(_ better: SHA256Digest, after what: String) throws {
        try waitUntil("the model is in use after \(what)") {
            try (try? models())?.contains { $0.isInUse } == true && style()?.run?.state == "decided"
                && style()?.activity == .idle
        }
        let found = try models()
        XCTAssertEqual(found.map(\.sha256), [better.description], what)
        XCTAssertEqual(found.first?.origin, "trained", what)
        XCTAssertEqual(files("state/models/sha256"), ["\(better).safetensors"], what)
        XCTAssertEqual(
            try Files.read(directory.appending("state/models/sha256/\(better).safetensors")),
            try Files.read(directory.appending("candidate.safetensors")))
        let runs = Set(files("state/runs").map { $0.split(separator: "/")[0] })
        XCTAssertEqual(runs.count, 1, "one run after \(what): \(files("state/runs"))")
        // The run's directory is cleared after the ledger says that it has ended.
        let kept = ["decision.json", "log.txt", "plan.json"]
        try waitUntil("what made the model is removed after \(what)") {
            files("state/runs").map { String($0.split(separator: "/")[1]) } == kept
        }
        // Photos are made all the while.
        _ = try write(photoBytes("late"), BytePath("spool/inbox/late.jpg"))
        try waitUntil("a photo is done after \(what)") { files("spool/outbox") == ["late.vangogh.jpg"] }
    }

    func testDeathAtEveryStepOfARun_promotesOneModelOnce() throws {
        for point in Self.points {
            try tearDownWithError()
            try setUpWithError()
            let better = try prepareTraining()
            let victim = try start(trainer.merging(["FAIL_AT": point.rawValue]) { $1 })
            try order()
            try waitUntil("\(point) is reached") { !victim.isRunning }
            victim.waitUntilExit()
            XCTAssertEqual(victim.terminationReason, .uncaughtSignal)
            let next = try start(trainer)
            if point == .runPlanned { try order() }
            try checkEnd(better, after: "\(point)")
            stop(next)
        }
    }

    func testDeathOfTheProcess_isNoEnd() throws {
        let better = try prepareTraining()
        _ = try write(
            """
            #!/bin/sh
            n=$(cat '\(directory)/lives' 2> /dev/null || echo 0)
            echo $((n + 1)) > '\(directory)/lives'
            [ $n -ge 2 ] || kill -9 $$
            exec '\(directory)/good' "$@"

            """, "killed")
        try FileManager.default.moveItem(atPath: "\(directory)/trainer", toPath: "\(directory)/good")
        try FileManager.default.moveItem(atPath: "\(directory)/killed", toPath: "\(directory)/trainer")
        try Files.setMode(directory.appending("trainer"), 0o755)
        let service = try start(trainer)
        try order()
        try checkEnd(better, after: "two deaths of the process")
        XCTAssertEqual(try text(directory.appending("lives")), "3\n")
        stop(service)
    }

    func testDeathOfTheService_endsTheProcess() throws {
        _ = try prepareTraining()
        _ = try write("#!/bin/sh\necho $$ > '\(directory)/pid'\nexec sleep 600\n", "trainer")
        let service = try start(trainer)
        try order()
        try waitUntil("it is at work") { (try? text(directory.appending("pid")))?.hasSuffix("\n") == true }
        let process = try XCTUnwrap(pid_t(try text(directory.appending("pid")).dropLast()))
        XCTAssertEqual(kill(process, 0), 0)
        // Asked to stop, it takes its process with it; the run is to be gone on with.
        stop(service)
        XCTAssertNotEqual(kill(process, 0), 0)
        let again = try start(trainer)
        try waitUntil("it is gone on with") { try style()?.activity == .training }
        stop(again)
    }
}
