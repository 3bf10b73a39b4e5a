import Foundation
import Ranks
import Tensors
import Weights
import XCTest

@testable import CycleGAN

/// Several ranks train what one process would; the ranks are threads here.
final class RankTests: XCTestCase {
    /// Trains in a directory with so many ranks, up to the end or an iteration after which one rank wants to stop.
    private func train(
        _ c: TrainingConfiguration?, _ directory: String, ranks: Int, until last: Int = .max, stopping rank: Int = 0
    ) throws {
        let outcomes = ThreadRanks.run(ranks) { group in
            let trainer: Trainer
            if group.rank > 0 {
                trainer = try .following(directory, group: group)
            } else if let c {
                trainer = try Trainer(c, directory: directory, group: group)
            } else {
                trainer = try .resuming(directory, group: group)
            }
            return try trainer.train { $0.iteration < last || group.rank != rank }
        }
        for outcome in outcomes { _ = try outcome.get() }
    }

    private func everySwitch(_ place: RunDirectory, batch: Int, iterations: Int) throws -> TrainingConfiguration {
        var c = place.configuration(iterations: iterations)
        (c.variant, c.semanticLayer, c.featureWeights) = (.hybrid, .relu1_2, try place.featureWeights())
        (c.ema, c.gradientClip, c.batch, c.poolSize) = (0.99, 1, batch, 3 * batch)
        (c.blurPool, c.spectralNormalization, c.alarm) = (true, true, true)
        c.augmentation = Set(Augmentation.Policy.allCases)
        (c.replay, c.replayPhotos, c.grain) = (0.3, c.paintings, 0.05)
        (c.spikeWeight, c.colourWeight, c.spotWeight) = (0.1, 1, 1)
        return c
    }

    private func assertSameRun(_ place: RunDirectory, _ a: String, _ b: String, iterations: Int) throws {
        XCTAssertEqual(try place.losses(a), try place.losses(b))
        XCTAssertEqual(try place.losses(a).count, iterations + 1)
        XCTAssertEqual(try place.data(a + "/model.safetensors"), try place.data(b + "/model.safetensors"))
        let name = "/" + Checkpoints("").path(iterations).drop { $0 == "/" }
        XCTAssertEqual(try place.data(a + name), try place.data(b + name))
    }

    func testRanks_haveTheBitsOfOneProcess() throws {
        for (batch, counts) in [(2, [2]), (4, [2, 4]), (3, [3]), (6, [2, 3, 6])] {
            let place = try RunDirectory(), c = try everySwitch(place, batch: batch, iterations: 8)
            try train(c, place.path + "/one", ranks: 1)
            for ranks in counts {
                try train(c, place.path + "/\(ranks)", ranks: ranks)
                try assertSameRun(place, "one", "\(ranks)", iterations: 8)
            }
        }
    }

    func testRanks_haveTheBitsOfOneProcess_withPainterlyLosses() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 3)
        (c.variant, c.batch, c.styleClusters) = (.hybrid, 2, 3)
        c.featureWeights = try place.featureWeights(convolutions: [0, 2, 5, 7, 10, 12, 14])
        (c.styleWeight, c.styleRoots, c.featureAdversarialWeight) = (1, true, 1)
        try train(c, place.path + "/one", ranks: 1)
        try train(c, place.path + "/two", ranks: 2)
        try assertSameRun(place, "one", "two", iterations: 3)
    }

    func testRunGoesOn_withAnotherNumberOfRanks() throws {
        let place = try RunDirectory(), c = try everySwitch(place, batch: 4, iterations: 12)
        try train(c, place.path + "/one", ranks: 1)
        // Each stop is asked for by another rank, and all end at the same iteration.
        try train(c, place.path + "/parts", ranks: 4, until: 5, stopping: 3)
        try train(nil, place.path + "/parts", ranks: 1, until: 7)
        try train(nil, place.path + "/parts", ranks: 2, until: 10, stopping: 1)
        try train(nil, place.path + "/parts", ranks: 4)
        try assertSameRun(place, "one", "parts", iterations: 12)
    }

    func testBatchThatCannotBeDealtOut_isRefused() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        c.batch = 3
        XCTAssertThrowsError(try c.validateBatch(ranks: 2)) {
            XCTAssertTrue("\($0)".contains("batch is 3, which is not a multiple of the 2 ranks"), "\($0)")
        }
        XCTAssertNoThrow(try c.validateBatch(ranks: 3))
    }

    func testOtherImagesAtAnotherRank_areRefusedAtAll() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        c.batch = 2
        let configuration = c, run = place.path + "/run"
        let added = place.path + "/photos/new.png", image = place.path + "/photos/0.png"
        let outcomes = ThreadRanks.run(2) { group in
            if group.rank == 0 { return try Trainer(configuration, directory: run, group: group) }
            // Rank 0 has looked at the folders by the time that it says what the run does.
            return try Trainer.following(
                run,
                group: Delayed(group) {
                    try? FileManager.default.copyItem(atPath: image, toPath: added)
                })
        }
        for outcome in outcomes {
            XCTAssertThrowsError(try outcome.get()) {
                XCTAssertTrue("\($0)".contains("rank 1 finds other images"), "\($0)")
            }
        }
    }

    /// Does something once, after the first broadcast.
    private final class Delayed: RankGroup, @unchecked Sendable {
        private let group: any RankGroup
        private var body: (() -> Void)?
        init(_ group: any RankGroup, _ body: @escaping () -> Void) { (self.group, self.body) = (group, body) }
        var rank: Int { group.rank }
        var count: Int { group.count }
        func startSum(_ branches: [UnsafeMutableBufferPointer<Float>], batch: Int) -> any PendingSum {
            group.startSum(branches, batch: batch)
        }
        func gathered(_ values: [Double]) -> [[Double]] { group.gathered(values) }
        func broadcast(_ bytes: [UInt8]) -> [UInt8] {
            defer {
                body?()
                body = nil
            }
            return group.broadcast(bytes)
        }
        func collected(_ values: [Float]) -> [[Float]] { group.collected(values) }
    }

    func testPools_areNumberedPlaceByPlace() {
        func image(_ value: Float) -> Tensor { Tensor(Shape(1, 4, 4, 3), values: Array(repeating: value, count: 48)) }
        let images = (0..<5).map { image(Float($0)) }
        var all = ImagePools(capacity: 6, batch: 2, places: 0..<2)
        all.fill(x: images, y: [])
        XCTAssertEqual(all.collected(OneProcess(), side: 4, in: .default).x.map { $0.pointer[0] }, [0, 1, 2, 3, 4])
        var second = ImagePools(capacity: 6, batch: 2, places: 1..<2)
        second.fill(x: images, y: [])
        XCTAssertEqual(second.collected(OneProcess(), side: 4, in: .default).x.map { $0.pointer[0] }, [1, 3])
        XCTAssertEqual(ImagePools(capacity: 50, batch: 1, places: 0..<1).mostImages, 50)
        XCTAssertEqual(ImagePools(capacity: 50, batch: 64, places: 0..<1).mostImages, 64)
        XCTAssertEqual(ImagePools(capacity: 0, batch: 4, places: 0..<4).mostImages, 0)
    }
}
