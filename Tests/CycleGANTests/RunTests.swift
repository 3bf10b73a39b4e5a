import Foundation
import Networks
import Tensors
import Weights
import XCTest

@testable import CycleGAN

final class RunTests: XCTestCase {
    func testEqualSeedsGiveEqualModelsAndOthersDoNot() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 3)
        _ = try Trainer(c, directory: place.path + "/a").train { _ in true }
        _ = try Trainer(c, directory: place.path + "/b").train { _ in true }
        c.seed = 2
        _ = try Trainer(c, directory: place.path + "/c").train { _ in true }
        XCTAssertEqual(try place.data("a/model.safetensors"), try place.data("b/model.safetensors"))
        XCTAssertNotEqual(try place.data("a/model.safetensors"), try place.data("c/model.safetensors"))
    }

    func testTheModelsFileTellsWhatItIs() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 2)
        (c.style, c.ema) = ("vangogh", 0.9)
        let trainer = try Trainer(c, directory: place.path + "/run")
        guard case .finished(let path) = try trainer.train({ _ in true }) else { return XCTFail("not finished") }
        let file = try Safetensors.read(path), description = try GeneratorDescription(file)
        try description.validate(file)
        XCTAssertEqual(description, c.generator)
        XCTAssertEqual(file.metadata["style"], "vangogh")
        XCTAssertEqual(file.metadata["variant"], "leaky-relu")
        XCTAssertEqual(file.metadata["iterations"], "2")
        XCTAssertEqual(file.metadata["trained-on"], "10 photos and 5 paintings, crops of 32 from 40")
        // The moving average, not the last weights.
        let key = "model.1.weight"
        XCTAssertEqual(try file.floats(key), trainer.average!.values[key])
        XCTAssertNotEqual(try file.floats(key), trainer.model.g.parameters[0].value.values)
    }

    func testARunLeavesItsReports() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 4)
        (c.sampleEvery, c.style) = (2, "a <style>")
        try Data("no photo".utf8).write(to: URL(fileURLWithPath: c.photos + "/broken.jpg"))
        let notices = Notices()
        _ = try Trainer(c, directory: place.path + "/run") { notices.add($0) }.train { _ in true }
        for name in [
            "losses.svg", "losses.png", "samples/00000002.png", "samples/00000004.png", "model.safetensors",
            "training.yaml",
        ] {
            XCTAssertGreaterThan(try place.data("run/" + name).count, 300, name)
        }
        let report = String(decoding: try place.data("run/report.html"), as: UTF8.self)
        XCTAssertTrue(report.contains("a &lt;style&gt;") && !report.contains("a <style>"))
        XCTAssertTrue(report.contains("data:image/jpeg;base64,/9j/"))
        XCTAssertFalse(report.contains("src=\"http") || report.contains("href="), "it needs other files")
        XCTAssertEqual(try place.losses("run")[0].split(separator: ",").map(String.init), LossLog.columns.dropLast())
    }

    func testTheOriginalModelMayBeAStateDictOfPyTorch() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 2)
        _ = try Trainer(c, directory: place.path + "/first").train { _ in true }
        let model = try Safetensors.read(place.path + "/first/model.safetensors"), state = place.path + "/net_G.bin"
        let tensors = try c.generator.tensorShapes.map { ($0.key, $0.shape, try model.floats($0.key)) }
        try GeneratorExport.writePyTorch(state, description: c.generator, tensors: tensors)
        for path in [state, place.path + "/first/model.safetensors"] {
            c.originalModel = path
            let trainer = try Trainer(c, directory: place.path + "/second")
            XCTAssertEqual(trainer.originalModel?.description.residualBlocks, 1)
            XCTAssertEqual(trainer.originalModel?.description.upsampling, .resize)
        }
        _ = try Trainer(c, directory: place.path + "/second").train { _ in true }
        XCTAssertTrue(
            String(decoding: try place.data("second/report.html"), as: UTF8.self).contains(
                "<span>original CycleGAN</span>"))
    }

    func testUnreadableFilesAreNamedOnceAndSkipped() throws {
        let place = try RunDirectory(), notices = Notices()
        var c = place.configuration(iterations: 30)
        c.heldOut = 0
        try Data("no photo".utf8).write(to: URL(fileURLWithPath: c.photos + "/3.png"))
        let data = try TrainingData(c) { notices.add($0) }
        for number in 0..<24 { _ = try data.load(data.pair(number)) }
        XCTAssertEqual(
            notices.all.filter { $0.contains("/3.png") && $0.contains("skipped") }.count, 1, "\(notices.all)")
        XCTAssertEqual(data.skippedFiles.count, 1)
    }

    func testAFolderWithoutReadableImagesIsAnError() throws {
        let place = try RunDirectory()
        let c = place.configuration(iterations: 1)
        for i in 0..<5 { try Data().write(to: URL(fileURLWithPath: "\(c.paintings)/\(i).png")) }
        XCTAssertThrowsError(try Trainer(c, directory: place.path + "/run").train { _ in true }) {
            XCTAssertTrue("\($0)".contains("none of the 5 images"), "\($0)")
        }
        XCTAssertThrowsError(try ImageFolder(place.path + "/absent")) {
            XCTAssertTrue("\($0)".contains("absent"), "\($0)")
        }
        try FileManager.default.createDirectory(atPath: place.path + "/empty", withIntermediateDirectories: true)
        XCTAssertThrowsError(try ImageFolder(place.path + "/empty")) {
            XCTAssertTrue("\($0)".contains("no image"), "\($0)")
        }
    }

    func testHeldOutPhotosAreNotTrainedOn() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        c.heldOut = 2
        let data = try TrainingData(c) { _ in }
        XCTAssertEqual(data.photos.names.count, 10)
        XCTAssertEqual(data.samples.names.count, 2)
        XCTAssertTrue(Set(data.photos.names).isDisjoint(with: data.samples.names))
    }

    func testPhotosOfAFixedDataOrderAreNotKeptAside() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        (c.heldOut, c.pairs) = (2, place.path + "/pairs.tsv")
        // Ten of the twelve, the last by its absolute path: whatever the seed, only the other two can be kept aside.
        let names = (0..<9).map { "\($0).png" } + ["\(c.photos)/9.png"]
        try Data(names.map { "\($0)\t0.png\t0,0,0\t0,0,0\n" }.joined().utf8).write(to: URL(fileURLWithPath: c.pairs!))
        for seed in 1...4 as ClosedRange<UInt64> {
            c.seed = seed
            let samples = try TrainingData(c) { _ in }.samples
            XCTAssertEqual(samples.names.indices.map(samples.name), ["10.png", "11.png"])
        }
    }

    func testFeaturesAreScaledByTheirMeanOnPhotos_whateverTheirUnit() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        (c.variant, c.semanticLayer, c.featureWeights) = (.semantic, .relu1_2, try place.featureWeights())
        let first = try Trainer(c, directory: place.path + "/first")
        // The same network in other units: the last layer times ten.
        let file = try Safetensors.read(c.featureWeights!), other = place.path + "/other.safetensors"
        try Safetensors.write(
            other,
            tensors: try file.tensors.map { key, tensor in
                (key, tensor.shape, try tensor.floats().map { $0 * (key.hasPrefix("features.2") ? 10 : 1) })
            }, metadata: [:])
        c.featureWeights = other
        let second = try Trainer(c, directory: place.path + "/second")
        XCTAssertEqual(second.model.featureScale / first.model.featureScale, 10, accuracy: 1e-3)
        var losses: [Double] = []
        for trainer in [first, second] {
            _ = try trainer.train {
                losses.append($0.losses[.semanticX]); return true
            }
        }
        XCTAssertGreaterThan(losses[0], 0.01)
        XCTAssertEqual(losses[0], losses[1], accuracy: 1e-5 * losses[0])
    }

    func testMinutesAreTurnedIntoIterationsOnce() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        (c.iterations, c.minutes, c.checkpointEvery) = (nil, 0.03, 8)
        let trainer = try Trainer(c, directory: place.path + "/run")
        XCTAssertNil(trainer.total)
        _ = try trainer.train { $0.iteration < 9 }
        let total = try XCTUnwrap(trainer.total)
        XCTAssertEqual(try Trainer.resuming(place.path + "/run").total, total)
    }

    func testAStateWithTheFourNetworksIsAWarmStart() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 2)
        let first = try Trainer(c, directory: place.path + "/first")
        _ = try first.train { _ in true }
        c.initialState = place.path + "/first/checkpoints/00000002.safetensors"
        let second = try Trainer(c, directory: place.path + "/second")
        for ((name, a), (_, b)) in zip(first.model.networks, second.model.networks) {
            for (p, q) in zip(a.parameters, b.parameters) {
                XCTAssertEqual(p.value.values, q.value.values, "\(name).\(p.name)")
            }
        }
        XCTAssertEqual(second.model.generatorOptimizer.steps, 0)
        // A file with another network, or with too few: said, not trained from.
        var wide = c
        wide.discriminatorChannels = 8
        XCTAssertThrowsError(try Trainer(wide, directory: place.path + "/wide")) {
            XCTAssertTrue("\($0)".contains("\"DX.model.0.weight\" has the shape"), "\($0)")
        }
        wide.initialState = place.path + "/first/model.safetensors"
        XCTAssertThrowsError(try Trainer(wide, directory: place.path + "/wide")) {
            XCTAssertTrue("\($0)".contains("finetune --from"), "\($0)")
        }
        // From a model's file: its generator alone.
        (c.initialState, c.from) = (nil, place.path + "/first/model.safetensors")
        let third = try Trainer(c, directory: place.path + "/third")
        XCTAssertEqual(third.model.g.parameters[0].value.values, first.model.g.parameters[0].value.values)
        XCTAssertNotEqual(third.model.f.parameters[0].value.values, first.model.f.parameters[0].value.values)
        c.variant = .original
        XCTAssertThrowsError(try Trainer(c, directory: place.path + "/fourth")) {
            XCTAssertTrue("\($0)".contains("leaky-relu:0.01"), "\($0)")
        }
    }
}
