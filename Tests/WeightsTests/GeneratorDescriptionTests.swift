import Networks
import XCTest

@testable import Weights

final class GeneratorDescriptionTests: XCTestCase {
    private func description(
        base: Int = 64, blocks: Int = 9, _ activation: GeneratorDescription.Activation = .relu,
        _ upsampling: GeneratorDescription.Upsampling = .transposed
    ) -> GeneratorDescription {
        GeneratorDescription(baseChannels: base, residualBlocks: blocks, activation: activation, upsampling: upsampling)
    }

    func testLayers_ofTheOriginal() {
        let paper = description()
        let shapes = Dictionary(uniqueKeysWithValues: paper.tensorShapes.map { ($0.key, $0.shape) })
        XCTAssertEqual(shapes.count, 48)
        XCTAssertEqual(shapes.values.reduce(0) { $0 + $1.reduce(1, *) }, 11_378_179)
        XCTAssertEqual(shapes["model.18.conv_block.5.weight"], [256, 256, 3, 3])
        XCTAssertEqual(shapes["model.19.weight"], [256, 128, 3, 3])
        XCTAssertEqual(shapes["model.22.weight"], [128, 64, 3, 3])
        XCTAssertEqual(shapes["model.26.weight"], [3, 64, 7, 7])
        XCTAssertEqual(shapes["model.26.bias"], [3])
        XCTAssertEqual(
            description(blocks: 6).tensorShapes.reduce(0) { $0 + $1.shape.reduce(1, *) }, 7_837_699)
    }

    func testLayers_withResize() {
        let shapes = Dictionary(
            uniqueKeysWithValues: description(base: 32, blocks: 6, .relu, .resize).tensorShapes.map {
                ($0.key, $0.shape)
            })
        XCTAssertEqual(shapes["model.18.weight"], [64, 128, 3, 3])
        XCTAssertEqual(shapes["model.23.weight"], [32, 64, 3, 3])
        XCTAssertEqual(shapes["model.27.weight"], [3, 32, 7, 7])
        XCTAssertEqual(shapes.count, 36)
    }

    func testMetadata_roundTrips() throws {
        for one in [
            description(), description(base: 5, blocks: 0, .leakyReLU(slope: 0.01), .resize),
            description(base: 1, blocks: 3, .leakyReLU(slope: 0.2)),
        ] {
            XCTAssertEqual(try GeneratorDescription(metadata: one.metadata), one)
        }
        XCTAssertEqual(
            description(base: 1, blocks: 1, .leakyReLU(slope: 0.01)).metadata["activation"], "leaky-relu:0.01")
    }

    func testMetadata_namesTheKeyThatIsWrong() {
        let good = description().metadata
        let wrong: [(String, String?)] = [
            ("format", "cyclegan-generator/2"), ("format", nil), ("base-channels", "0"), ("base-channels", "64.5"),
            ("base-channels", "99999999999"), ("residual-blocks", "-1"), ("residual-blocks", nil),
            ("activation", "gelu"),
            ("activation", "leaky-relu:nan"), ("activation", "leaky-relu:"), ("upsampling", "cubic"),
            ("upsampling", nil), ("downsampling-padding", "edge"), ("grain", "1.5"), ("grain", "much"),
            ("working-size", "8"), ("skip", "photo"),
        ]
        for (key, value) in wrong {
            var metadata = good
            metadata[key] = value
            XCTAssertThrowsError(try GeneratorDescription(metadata: metadata), key) {
                XCTAssertTrue("\($0)".contains(key), "\($0)")
            }
        }
    }

    func testValidate_listsEveryDifference() throws {
        let one = description(base: 2, blocks: 1, .relu, .resize)
        var tensors = one.tensorShapes.map {
            (name: "G." + $0.key, shape: $0.shape, values: [Float](repeating: 0, count: $0.shape.reduce(1, *)))
        }
        let path = try temporaryPath("generator.safetensors")
        try Safetensors.write(path, tensors: tensors + [("F.other", [1], [0])], metadata: one.metadata)
        try one.validate(Safetensors.read(path), prefix: "G.")
        XCTAssertEqual(try GeneratorDescription(Safetensors.read(path)), one)

        tensors.removeAll { $0.name == "G.model.4.bias" || $0.name == "G.model.13.weight" }
        tensors[0].shape = [7, 7, 3, 2]
        try Safetensors.write(path, tensors: tensors + [("G.model.extra", [1], [0])], metadata: one.metadata)
        XCTAssertThrowsError(try one.validate(Safetensors.read(path), prefix: "G.")) { error in
            for part in [
                "missing (2): G.model.4.bias, G.model.13.weight", "unexpected (1): G.model.extra",
                "G.model.1.weight is [7, 7, 3, 2], expected [2, 3, 7, 7]", path,
            ] {
                XCTAssertTrue("\(error)".contains(part), "\(error)")
            }
        }
    }

    func testValidate_acceptsTheDefaultModel() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/StyleModels/models/vangogh.safetensors").path
        let file = try Safetensors.read(path)
        try GeneratorDescription(file).validate(file)
    }
}
