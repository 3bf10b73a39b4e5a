import CycleGAN
import Foundation
import LinuxFiles
import Networks
import Photos
import Tensors
import Weights
import XCTest

@testable import Retraining

/// What a model's training leaves to later ones.
final class TrainingStateTests: XCTestCase {
    private var root = BytePath.empty
    private let description = GeneratorDescription(
        baseChannels: 2, residualBlocks: 1, activation: .leakyReLU(slope: 0.01), upsampling: .resize, grain: 0.05)

    override func setUpWithError() throws { root = try Scratch.directory() }

    private func values(_ count: Int, _ seed: Int) -> [Float] {
        (0..<count).map { Float(($0 * 7919 + seed * 31) % 2003) / 2003 - 0.5 }
    }

    private func generator(_ prefix: String, _ seed: Int) -> [(name: String, shape: [Int], values: [Float])] {
        description.tensorShapes.map { (prefix + $0.key, $0.shape, values($0.shape.reduce(1, *), seed)) }
    }

    private func checkpoint(_ name: String) throws -> String {
        let path = root.appending(name).description
        let metadata = description.metadata.merging([
            "format": GeneratorDescription.trainingFormat, "discriminator-channels": "2",
            "configuration": "style: x\nblur-pool: true\n",
        ]) { $1 }
        let others: [(name: String, shape: [Int], values: [Float])] = ["DX", "DY"].flatMap { name in
            [
                ("\(name).model.0.weight", [2, 3, 4, 4], values(96, 5)),
                ("adam.m.\(name).model.0.weight", [2, 3, 4, 4], values(96, 6)),
            ]
        }
        try Safetensors.write(path, tensors: generator("G.", 1) + generator("F.", 2) + others, metadata: metadata)
        return path
    }

    private func model() throws -> String {
        let path = root.appending("model.safetensors").description
        try Safetensors.write(path, tensors: generator("", 3), metadata: description.metadata)
        return path
    }

    func testState_isTheOtherNetworksInHalf() throws {
        let path = root.appending("a.training.safetensors")
        try TrainingState.write(checkpoint("c.safetensors"), to: path)
        let file = try Safetensors.read(path.description)
        XCTAssertEqual(Set(file.tensors.keys.map { String($0.prefix { $0 != "." }) }), ["F", "DX", "DY"])
        XCTAssertTrue(file.tensors.values.allSatisfy { $0.elementType == .float16 })
        XCTAssertEqual(file.metadata["discriminator-channels"], "2")
        XCTAssertEqual(file.metadata["discriminator-blur"], "true")
        for (name, shape, values) in generator("F.", 2) {
            for (half, value) in zip(try file.floats(name, shape: shape), values) {
                XCTAssertEqual(half, value, accuracy: 3e-4)
            }
        }
        XCTAssertThrowsError(try TrainingState.write(model(), to: path)) {
            XCTAssertTrue("\($0)".contains("no checkpoint"), "\($0)")
        }
    }

    func testJoined_hasTheModelItself_andTheOthersBesideIt() throws {
        let state = root.appending("a.training.safetensors"), joined = root.appending("start.safetensors"),
            model = try model()
        try TrainingState.write(checkpoint("c.safetensors"), to: state)
        try TrainingState.join(model: model, state: state.description, to: joined)
        let file = try Safetensors.read(joined.description)
        for (name, shape, values) in generator("", 3) {
            XCTAssertEqual(try file.floats("G." + name, shape: shape), values)
        }
        XCTAssertNotNil(TrainingState.back(joined.description))
        XCTAssertNotNil(TrainingState.back(state.description))
        XCTAssertNil(TrainingState.back(model))
        // The plan takes it as the state to begin with, with the discriminators as they were.
        var plan = RetrainingPlan(
            style: "x", mode: .finetune, model: model, photoLibrary: "p", paintingLibrary: "q", vgg16: "v")
        plan.iterations = 10
        let c = try plan.configuration(startingFrom: joined.description)
        XCTAssertEqual(c.initialState, joined.description)
        XCTAssertNil(c.from)
        XCTAssertEqual(c.discriminatorChannels, 2)
        XCTAssertTrue(c.blurPool)
        XCTAssertGreaterThan(c.styleWeight, 0, "a model with grain is one of the recipe's")
        XCTAssertEqual(try plan.configuration().from, model, "without a state the model alone")
    }

    func testDefaultModel_hasAStateThatFitsIt() throws {
        let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../Sources/StyleModels/models")
        let model = models.appendingPathComponent("vangogh.safetensors").path,
            joined = root.appending("start.safetensors")
        let state = models.appendingPathComponent("vangogh" + TrainingState.suffix).path
        try TrainingState.join(model: model, state: state, to: joined)
        let plan = RetrainingPlan(
            style: "vangogh", mode: .finetune, model: model, photoLibrary: "p", paintingLibrary: "q", vgg16: "v")
        let c = try plan.configuration(startingFrom: joined.description)
        XCTAssertEqual(c.initialState, joined.description)
        XCTAssertEqual(c.discriminatorChannels, 32)
        XCTAssertFalse(c.blurPool, "its discriminators were trained without")
        XCTAssertNotNil(TrainingState.back(state), "the gate looks at reconstructions")
    }

    func testStateOfAnotherNetwork_isRefused() throws {
        let state = root.appending("a.training.safetensors"), other = root.appending("other.safetensors")
        try TrainingState.write(checkpoint("c.safetensors"), to: state)
        var wide = description
        wide.baseChannels = 3
        let tensors = wide.tensorShapes.map {
            (name: $0.key, shape: $0.shape, values: values($0.shape.reduce(1, *), 1))
        }
        try Safetensors.write(other.description, tensors: tensors, metadata: wide.metadata)
        XCTAssertThrowsError(
            try TrainingState.join(model: other.description, state: state.description, to: root.appending("s"))
        ) {
            XCTAssertTrue("\($0)".contains("another network"), "\($0)")
        }
    }

    func testValuesThatHalfCannotHold_areRefused() throws {
        let path = root.appending("large.safetensors").description
        XCTAssertThrowsError(try Safetensors.write(path, tensors: [("a", [1], [70_000])], metadata: [:], half: true)) {
            XCTAssertTrue("\($0)".contains("float16 cannot hold"), "\($0)")
        }
        try Safetensors.write(path, tensors: [("a", [2], [1.5, -65504])], metadata: [:], half: true)
        XCTAssertEqual(try Safetensors.read(path).floats("a", shape: [2]), [1.5, -65504])
    }
}
