import CycleGAN
import Evaluation
import Foundation
import Photos
import Weights
import XCTest

@testable import Ablation

final class AblationTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ablation-\(UUID().uuidString)").path
        try images("photos", count: 12, seed: 1)
        try images("paintings", count: 8, seed: 2)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func images(_ name: String, count: Int, seed: UInt64) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)/more", withIntermediateDirectories: true)
        for i in 0..<count {
            var random = EvaluationRandom(seed: seed, purpose: "image", number: i)
            let (width, height) = (34 + random.below(20), 34 + random.below(20)),
                colours = (0..<6).map { _ in random.below(256) }
            let pixels = (0..<width * height * 3).map { j -> UInt8 in
                let (x, y) = (j / 3 % width, j / 3 / width)
                return UInt8((colours[((x * 2 + y) % 40 < 20 ? 0 : 3) + j % 3] + x * y / 8) & 255)
            }
            let photo = Photo(width: width, height: height, pixels: pixels, format: .png)
            // Some in a subfolder, whose names are the same as others'.
            let path = i % 3 == 0 ? "\(folder)/\(name)/more/\(i / 2).png" : "\(folder)/\(name)/\(i).png"
            try Data(try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png))).write(
                to: URL(fileURLWithPath: path))
        }
    }

    private func features() throws -> String {
        let path = folder + "/vgg16.safetensors"
        var random = EvaluationRandom(seed: 3, purpose: "vgg"),
            tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (index, input) in [(0, 3), (2, 4), (5, 4), (7, 4), (10, 4), (12, 4), (14, 4)] {
            let weights = (0..<4 * input * 9).map { _ in Float(random.below(2001)) / 2000 - 0.4 }
            tensors.append(("features.\(index).weight", [4, input, 3, 3], weights))
            tensors.append(("features.\(index).bias", [4], [0.1, 0.1, 0.1, 0.1]))
        }
        try Safetensors.write(path, tensors: tensors, metadata: [:])
        return path
    }

    private func plan(iterations: Int = 3) throws -> AblationPlan {
        let features = try features()
        var plan = AblationPlan(photos: folder + "/photos", paintings: folder + "/paintings", features: features)
        (plan.contentWeights, plan.heldOut, plan.seeds, plan.iterations) = (features, 0.25, 2, iterations)
        plan.settings = [
            "load-size": "40", "crop-size": "32", "base-channels": "4", "residual-blocks": "1",
            "discriminator-channels": "4",
            "upsampling": "resize", "checkpoint-every": "2", "pool-size": "2", "feature-weights": features,
        ]
        return plan
    }

    private func data(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    func testInterruptedAnywhere_theSameBits() throws {
        let plan = try plan(), whole = folder + "/whole", parts = folder + "/parts"
        var steps = 0
        XCTAssertTrue(
            try Ablation(plan, directory: whole).run { _ in
                steps += 1
                return true
            })
        // Eight trainings of three iterations and evaluations of three photos and two paintings.
        XCTAssertEqual(steps, 8 * (3 + 5))
        var attempts = 0, isDone = false
        while !isDone {
            attempts += 1
            var left = 5 + attempts % 3
            // The first time with the plan, then with what the directory has.
            let ablation = try Ablation(attempts == 1 || attempts % 2 == 0 ? plan : nil, directory: parts)
            isDone = try ablation.run { _ in
                left -= 1
                return left > 0
            }
            // As after a kill: what was being written is there in part.
            if attempts == 2 { try? FileManager.default.removeItem(atPath: parts + "/results.csv") }
        }
        XCTAssertGreaterThan(attempts, 6)
        for name in [
            "results.csv", "table1.md", "figure2.png", "hybrid-seed2/model.safetensors",
            "semantic-seed1/evaluation.json",
        ] {
            XCTAssertEqual(try data("\(whole)/\(name)"), try data("\(parts)/\(name)"), name)
        }
        let table = try Ablation(nil, directory: whole).table
        XCTAssertEqual(table.results.count, 8)
        XCTAssertEqual(Set(table.results.map(\.photos)), [3])
        XCTAssertEqual(Set(table.results.map(\.paintings)), [2])
        XCTAssertTrue(
            table.results.allSatisfy {
                $0.frechet.isFinite && $0.content! > 0 && $0.reconstruction! > 0 && $0.iterations == 3
            })
        let page = String(decoding: try data(whole + "/report.html"), as: UTF8.self)
        for text in [
            "199.29", "201.94", "192.47", "189.71", "data:image/jpeg;base64,", "<svg", "Figure 3", "95 % interval",
        ] {
            XCTAssertTrue(page.contains(text), text)
        }
        XCTAssertFalse(page.contains("src=\"http"), "self-contained")
        XCTAssertFalse(page.contains("<td>FID"), "VGG16's distance is not called FID")
    }

    func testTrainingAndEvaluationShareNoImage() throws {
        let split = try HeldOutSplit.make(plan(), in: folder + "/run")
        func targets(_ path: String) throws -> Set<String> {
            Set(
                try FileManager.default.contentsOfDirectory(atPath: path).map {
                    try FileManager.default.destinationOfSymbolicLink(atPath: path + "/" + $0)
                })
        }
        let (photos, heldOut) = (try targets(split.trainingPhotos), try targets(split.photos))
        XCTAssertEqual([photos.count, heldOut.count], [9, 3])
        XCTAssertTrue(photos.isDisjoint(with: heldOut))
        XCTAssertEqual(try targets(split.trainingPaintings).count, 6)
        XCTAssertEqual(try ImageFolder(split.photos).names.count, 3)
        // Images that come later do not change it.
        try images("photos", count: 14, seed: 5)
        XCTAssertEqual(try targets(try HeldOutSplit.make(plan(), in: folder + "/run").trainingPhotos), photos)
    }

    func testMinutesBecomeTheSameIterationsForAll() throws {
        var plan = try plan()
        (plan.iterations, plan.minutes, plan.seeds) = (nil, 0.0005, 1)
        XCTAssertTrue(try Ablation(plan, directory: folder + "/run").run { _ in true })
        let again = try Ablation(plan, directory: folder + "/run")
        XCTAssertEqual(Set(again.table.results.map(\.iterations)).count, 1)
        XCTAssertEqual(again.plan.measuredIterations, again.table.results[0].iterations)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/run/measuring"))
    }

    func testAnotherPlanInTheSameDirectoryIsRefused() throws {
        _ = try Ablation(plan(), directory: folder + "/run")
        XCTAssertThrowsError(try Ablation(plan(iterations: 4), directory: folder + "/run")) {
            XCTAssertTrue("\($0)".contains("other settings"), "\($0)")
        }
        XCTAssertThrowsError(try Ablation(nil, directory: folder + "/none")) {
            XCTAssertTrue("\($0)".contains("holds no ablation"), "\($0)")
        }
        var few = try plan()
        few.heldOut = 0.1
        XCTAssertThrowsError(try Ablation(few, directory: folder + "/few").run { _ in true }) {
            XCTAssertTrue("\($0)".contains("--held-out"), "\($0)")
        }
    }

    func testSeedsCanBeAddedLater() throws {
        var plan = try plan()
        plan.seeds = 1
        let run = folder + "/run", kept = run + "/semantic-seed1/evaluation.json"
        XCTAssertTrue(try Ablation(plan, directory: run).run { _ in true })
        let first = try data(kept)
        var trained: Set<Int> = []
        let raised = try Ablation(nil, directory: run)
        try raised.raise(seeds: 2)
        XCTAssertTrue(
            try raised.run {
                trained.insert($0.seed)
                return true
            })
        XCTAssertEqual(trained, [2], "what is done is not done again")
        XCTAssertEqual(try data(kept), first)
        // The plan that it began with goes on with it, now with both seeds.
        let again = try Ablation(plan, directory: run)
        XCTAssertEqual(again.table.results.count, 8)
        XCTAssertEqual(again.table.rows.map(\.seeds), [2, 2, 2, 2])
        XCTAssertThrowsError(try again.raise(seeds: 1)) { XCTAssertTrue("\($0)".contains("not fewer"), "\($0)") }
    }

    // MARK: The table

    private func result(_ variant: Variant, _ seed: Int, _ frechet: Double) -> AblationResult {
        AblationResult(
            variant: variant.rawValue, seed: seed, iterations: 9, distance: "FID", dimensions: 768, frechet: frechet,
            kernel: Estimate(value: 0.01, low: 0, high: 0.02), photos: 10, paintings: 10)
    }

    func testDifferencesInsideTheIntervalAreNoneThatAreShown() {
        let originals = [100.0, 110, 105]
        let differences: [(Variant, [Double])] = [
            (.original, [0, 0, 0]), (.leakyReLU, [4, -5, 2]), (.semantic, [-10, -11, -10.5]), (.hybrid, [9, 10, 11]),
        ]
        var results: [AblationResult] = []
        for (variant, values) in differences {
            for seed in 1...3 { results.append(result(variant, seed, originals[seed - 1] + values[seed - 1])) }
        }
        let table = AblationTable(results)
        XCTAssertEqual(
            table.rows.map(\.verdict),
            ["", "inside the interval: no difference shown", "better than CycleGAN", "worse than CycleGAN"])
        XCTAssertEqual(table.rows[0].frechet!.mean, 105, accuracy: 1e-12)
        // Deviation 5 of three: 4.303 * 5 / sqrt 3.
        XCTAssertEqual(table.rows[0].frechet!.half!, 12.4216, accuracy: 1e-3)
        XCTAssertTrue(table.markdown.contains("| CycleGAN + semantic loss | 192.47 | 94.50 ± "), table.markdown)
        let one = AblationTable([result(.original, 1, 100), result(.hybrid, 1, 50)])
        XCTAssertEqual(one.rows.map(\.verdict), ["", "not trained yet", "not trained yet", "one seed: says nothing"])
        XCTAssertEqual(one.csv.split(separator: "\n").count, 3)
    }

    func testNumbersAreRounded() {
        XCTAssertEqual(AblationTable.fixed(199.294999, 2), "199.29")
        XCTAssertEqual(AblationTable.fixed(-0.005, 2), "-0.01")
        XCTAssertEqual(AblationTable.fixed(-0.0004, 2), "0.00")
        XCTAssertEqual(AblationTable.fixed(3, 0), "3")
        XCTAssertEqual(AblationTable.fixed(1.006, 2), "1.01")
    }
}
