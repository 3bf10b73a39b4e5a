import Foundation
import Glibc
import Weights
import XCTest

@testable import CycleGAN

final class ResumeTests: XCTestCase {
    private func assertResumedRunIsTheSame(_ change: (inout TrainingConfiguration, RunDirectory) throws -> Void) throws
    {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 15)
        try change(&c, place)
        guard case .finished = try Trainer(c, directory: place.path + "/whole").train({ _ in true }) else {
            return XCTFail("not finished")
        }

        // A stop writes a checkpoint of its own; a killed process does not: remove it.
        var trainer = try Trainer(c, directory: place.path + "/parts")
        for killed in [6, 11] {
            _ = try trainer.train { $0.iteration < killed }
            let own = Checkpoints(place.path + "/parts").path(killed)
            XCTAssertTrue(FileManager.default.fileExists(atPath: own))
            try FileManager.default.removeItem(atPath: own)
            try Data("half".utf8).write(to: URL(fileURLWithPath: place.path + "/parts/checkpoints/.weights-1-x.tmp"))
            trainer = try Trainer.resuming(place.path + "/parts")
            XCTAssertEqual(trainer.iteration, killed / 4 * 4)
        }
        guard case .finished = try trainer.train({ _ in true }) else { return XCTFail("not finished") }
        XCTAssertEqual(try place.data("whole/model.safetensors"), try place.data("parts/model.safetensors"))
        XCTAssertEqual(
            try place.data("whole/checkpoints/00000015.safetensors"),
            try place.data("parts/checkpoints/00000015.safetensors"))
        XCTAssertEqual(try place.losses("whole"), try place.losses("parts"))
        XCTAssertEqual(try place.losses("parts").count, 16)
        let names = try FileManager.default.contentsOfDirectory(atPath: place.path + "/parts/checkpoints").sorted()
        XCTAssertEqual(names, ["00000008.safetensors", "00000012.safetensors", "00000015.safetensors"])
    }

    func testResumedRunHasTheSameBits() throws { try assertResumedRunIsTheSame { _, _ in } }

    func testResumedRunHasTheSameBits_whenEverySwitchIsOn() throws {
        try assertResumedRunIsTheSame { c, place in
            (c.variant, c.semanticLayer, c.featureWeights) = (.hybrid, .relu1_2, try place.featureWeights())
            (c.ema, c.gradientClip, c.batch) = (0.99, 1, 2)
            (c.blurPool, c.spectralNormalization, c.alarm) = (true, true, true)
            c.augmentation = Set(Augmentation.Policy.allCases)
            (c.replay, c.replayPhotos) = (0.3, c.paintings)
        }
    }

    func testRunGoesBackToTheCheckpointBefore_whenTheLastIsDamaged() throws {
        let place = try RunDirectory(), notices = Notices()
        _ = try Trainer(place.configuration(iterations: 8), directory: place.path + "/run").train { _ in true }
        let last = place.path + "/run/checkpoints/00000008.safetensors"
        try Data(try Data(contentsOf: URL(fileURLWithPath: last)).prefix(1000)).write(to: URL(fileURLWithPath: last))
        let trainer = try Trainer.resuming(place.path + "/run") { notices.add($0) }
        XCTAssertEqual(trainer.iteration, 4)
        XCTAssertTrue(
            notices.all.contains { $0.contains("00000008.safetensors") && $0.contains("going back") }, "\(notices.all)")
    }

    func testTrainingSurvivesAFullDisk() throws {
        let place = try RunDirectory(), notices = Notices()
        var c = place.configuration(iterations: 8)
        c.checkpointEvery = 2
        let trainer = try Trainer(c, directory: place.path + "/run") { notices.add($0) }
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit)
        let before = limit
        defer { setLimit(before) }
        let outcome = try trainer.train { progress in
            // Between iterations 4 and 7 no file can grow beyond a few bytes.
            if progress.iteration == 4 || progress.iteration == 7 {
                var small = before
                if progress.iteration == 4 { small.rlim_cur = 10 }
                setLimit(small)
            }
            return true
        }
        XCTAssertEqual(outcome, .finished(model: place.path + "/run/model.safetensors"))
        XCTAssertTrue(
            notices.all.contains {
                $0.contains("00000004.safetensors was not written") && $0.contains("training goes on")
            }, "\(notices.all)")
        let names = try FileManager.default.contentsOfDirectory(atPath: place.path + "/run/checkpoints").sorted()
        XCTAssertEqual(names, ["00000002.safetensors", "00000008.safetensors"])
    }

    private func setLimit(_ limit: rlimit) {
        var limit = limit
        XCTAssertEqual(setrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit), 0)
    }

    func testTwoRunsDoNotShareADirectory() throws {
        let place = try RunDirectory()
        let c = place.configuration(iterations: 2)
        let first = try Trainer(c, directory: place.path + "/run"),
            second = try Trainer(c, directory: place.path + "/run")
        var other = c
        other.seed = 99
        let unfinished = place.path + "/run/checkpoints/.weights-1-x.tmp"
        var refusals: [String] = []
        func refused(_ body: () throws -> Void) { XCTAssertThrowsError(try body()) { refusals.append("\($0)") } }
        _ = try first.train { progress in
            guard progress.iteration == 1 else { return true }
            try? FileManager.default.createDirectory(
                atPath: place.path + "/run/checkpoints", withIntermediateDirectories: true)
            XCTAssertTrue(FileManager.default.createFile(atPath: unfinished, contents: nil))
            refused { _ = try second.train { _ in true } }
            refused { _ = try Trainer(other, directory: place.path + "/run") }
            refused { _ = try Trainer.resuming(place.path + "/run") }
            XCTAssertTrue(FileManager.default.fileExists(atPath: unfinished), "the other process may be writing it")
            return true
        }
        XCTAssertEqual(refusals.filter { $0.contains("another process is training in") }.count, 3, "\(refusals)")
        XCTAssertEqual(try TrainingConfiguration(contentsOf: place.path + "/run/training.yaml").seed, c.seed)
        XCTAssertNoThrow(try Trainer.resuming(place.path + "/run").train { _ in true }, "the first has ended")
    }

    func testWhereARunStartsIsNotChangedLater() throws {
        let place = try RunDirectory()
        _ = try Trainer(place.configuration(iterations: 1), directory: place.path + "/run").train { _ in true }
        for key in ["init", "from"] {
            XCTAssertThrowsError(try Trainer.resuming(place.path + "/run", changes: [(key, "/x")])) {
                XCTAssertTrue("\($0)".hasPrefix(key + " says where a run starts"), "\($0)")
            }
        }
    }

    func testSwitchesCanBeTurnedOnInTheMiddle() throws {
        let place = try RunDirectory()
        _ = try Trainer(place.configuration(iterations: 2), directory: place.path + "/run").train { _ in true }
        let changes = [
            ("spectral-normalization", "true"), ("blur-pool", "true"), ("ema", "0.9"), ("alarm", "true"),
            ("batch", "2"), ("iterations", "4"),
        ]
        let trainer = try Trainer.resuming(place.path + "/run", changes: changes)
        XCTAssertEqual(trainer.iteration, 2)
        guard case .finished = try trainer.train({ _ in true }) else { return XCTFail("not finished") }
        XCTAssertThrowsError(try Trainer.resuming(place.path + "/run", changes: [("base-channels", "8")])) {
            XCTAssertTrue("\($0)".contains("cannot be changed"), "\($0)")
        }
    }

    func testANewRunRefusesADirectoryWithCheckpoints() throws {
        let place = try RunDirectory(), c = place.configuration(iterations: 1)
        _ = try Trainer(c, directory: place.path + "/run").train { _ in true }
        XCTAssertThrowsError(try Trainer(c, directory: place.path + "/run")) {
            XCTAssertTrue("\($0)".contains("--resume"), "\($0)")
        }
    }

    func testALongerRunGoesOnWhereTheShorterEnded() throws {
        let place = try RunDirectory()
        _ = try Trainer(place.configuration(iterations: 3), directory: place.path + "/run").train { _ in true }
        let trainer = try Trainer.resuming(place.path + "/run", changes: [("iterations", "5")])
        XCTAssertEqual(trainer.total, 5)
        _ = try trainer.train { _ in true }
        XCTAssertEqual(try place.losses("run").count, 6)
        XCTAssertEqual(try TrainingConfiguration(contentsOf: place.path + "/run/training.yaml").iterations, 5)
    }
}
