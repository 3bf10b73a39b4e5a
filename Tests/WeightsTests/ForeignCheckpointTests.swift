import Foundation
import Networks
import XCTest

@testable import Weights

/// What people import that is no bare generator (made by Tests/Golden/golden_checkpoints.py).
final class ForeignCheckpointTests: XCTestCase {
    private let small = GeneratorDescription(
        baseChannels: 1, residualBlocks: 1, activation: .relu, upsampling: .transposed)

    private func imported(_ name: String, network: String? = nil) throws -> GeneratorImport {
        try GeneratorImport(WeightsFile.read(try testFile(name)), network: network)
    }

    func testWrappedGenerator_isFoundAndItsPrefixesAreSaid() throws {
        let expected = try Safetensors.read(try testFile("training.pth.safetensors"))
        let cases: [(name: String, note: String?)] = [
            ("training.pth", "took the network \"generator\""),
            ("compiled.pth", "removed the prefix \"_orig_mod.\" of torch.compile"),
            ("compiled_parallel.pth", "removed the prefix \"module.\" of DataParallel"),
            ("lightning.ckpt", "took the network \"generator\""), ("sequential.pth", nil),
        ]
        for (name, note) in cases {
            let imported = try imported(name)
            XCTAssertEqual(imported.description, small, name)
            XCTAssertFalse(imported.isDescribed, name)
            if let note { XCTAssertTrue(imported.notes.contains(note), "\(name): \(imported.notes)") }
            for (key, shape, values) in imported.tensors where name != "sequential.pth" {
                XCTAssertEqual(values, try expected.floats(key, shape: shape), "\(name) \(key)")
            }
        }
    }

    func testTwoGenerators_areNamedAndOneIsChosen() throws {
        assertRefused(
            "neither", try testFile("two_generators.pth"), "holds 2 generators, \"netG_A\" and \"netG_B\"; choose"
        ) {
            try GeneratorImport(WeightsFile.read($0))
        }
        assertRefused(
            "another", try testFile("two_generators.pth"),
            "has no generator named \"netD_A\"; it has \"netG_A\", \"netG_B\""
        ) {
            try GeneratorImport(WeightsFile.read($0), network: "netD_A")
        }
        let (a, b) = (
            try imported("two_generators.pth", network: "netG_A"), try imported("two_generators.pth", network: "netG_B")
        )
        XCTAssertNotEqual(a.tensors[0].values, b.tensors[0].values)
        XCTAssertEqual(a.tensors[0].values, try imported("training.pth").tensors[0].values)
    }

    func testTrainingStateOfOurs_keepsItsActivation() throws {
        let description = GeneratorDescription(
            baseChannels: 1, residualBlocks: 0, activation: .leakyReLU(slope: 0.2), upsampling: .resize)
        var metadata = description.metadata
        metadata["format"] = GeneratorDescription.trainingFormat
        metadata["configuration"] = "long"
        let path = try temporaryPath("00000010.safetensors")
        let networks = ["G.", "F.", "ema.", "adam.m.G.", "adam.v.F."].enumerated().flatMap { number, prefix in
            description.tensorShapes.map { key, shape in
                (name: prefix + key, shape: shape, values: [Float](repeating: Float(number), count: shape.reduce(1, *)))
            }
        }
        try Safetensors.write(path, tensors: networks, metadata: metadata)
        assertRefused("all", path, "holds 3 generators, \"F\" and \"G\" and \"ema\"; choose") {
            try GeneratorImport(WeightsFile.read($0))
        }
        let chosen = try GeneratorImport(WeightsFile.read(path), network: "ema")
        XCTAssertEqual(chosen.description, description)
        XCTAssertEqual(chosen.tensors[0].values.first, 2)
        XCTAssertEqual(chosen.metadata, description.metadata)
    }

    func testOtherNetworks_areToldInOneShortLineWithTheRemedy() throws {
        for (name, parts) in [
            ("batch_norm.pth", ["batch normalisation", "--norm instance"]),
            ("discriminator.pth", ["holds a discriminator", "latest_net_G.pth"]),
            ("odd_zip.pth", ["holds no generator", "its 17 tensors are \"bfloat16\"", "latest_net_G.pth"]),
        ] {
            XCTAssertThrowsError(try imported(name), name) { error in
                for part in parts { XCTAssertTrue("\(error)".contains(part), "\(error)") }
                XCTAssertFalse("\(error)".contains("\n"))
                XCTAssertLessThan("\(error)".count, 400, "\(error)")
            }
        }
    }

    func testKnownStrangers_byTheirKeys() throws {
        func refusal(_ shapes: [(String, [Int])]) throws -> String {
            let path = try temporaryPath("x.safetensors")
            try Safetensors.write(
                path, tensors: shapes.map { ($0.0, $0.1, [Float](repeating: 0, count: $0.1.reduce(1, *))) },
                metadata: ["format": "pt"])
            do { _ = try GeneratorImport(WeightsFile.read(path)) } catch { return "\(error)" }
            return "accepted"
        }
        let first = ("model.1.weight", [1, 3, 7, 7])
        XCTAssertTrue(
            try refusal([("model.model.0.weight", [4, 3, 4, 4]), ("model.model.1.model.1.weight", [8, 4, 4, 4])])
                .contains("U-Net"))
        XCTAssertTrue(try refusal([("model.1.weight", [4, 1, 7, 7])]).contains("pictures of 1 channels"))
        XCTAssertTrue(try refusal([first, ("model.7.filt", [1, 1, 3, 3])]).contains("--no_antialias"))
        XCTAssertTrue(try refusal([first, ("model.1.bias", [1]), ("model.2.weight", [1])]).contains("affine"))
        XCTAssertTrue(try refusal([first, ("module.model.1.weight", [1, 3, 7, 7])]).contains("twice"))
    }

    func testValuesThatAreNoNumbers_areRefusedAtImportAndAtLoadWithTensorAndCount() throws {
        let expected = "tensor \"model.4.weight\" has 3 NaN and 1 infinite among its 18 values"
        assertRefused("import", try testFile("not_finite.pth"), expected) { try GeneratorImport(WeightsFile.read($0)) }
        XCTAssertEqual(FiniteValues.fault([1, .infinity, -.infinity]), "2 infinite")
        XCTAssertEqual(FiniteValues.fault([.signalingNaN, 1]), "1 NaN")
        XCTAssertNil(FiniteValues.fault([.greatestFiniteMagnitude, -.leastNonzeroMagnitude, 0]))
    }

    func testExport_carriesTheDescriptionAndImportTakesItBack() throws {
        let description = GeneratorDescription(
            baseChannels: 1, residualBlocks: 1, activation: .leakyReLU(slope: 0.01), upsampling: .transposed)
        let tensors = try imported("training.pth").tensors
        let path = try temporaryPath("exported.pth")
        try GeneratorExport.writePyTorch(
            path, description: description, metadata: ["style": "vangogh", "format": "other"], tensors: tensors)
        let again = try GeneratorImport(WeightsFile.read(path))
        XCTAssertTrue(again.isDescribed)
        XCTAssertEqual(again.description, description)
        XCTAssertEqual(again.metadata, description.metadata.merging(["style": "vangogh"]) { $1 })
        XCTAssertEqual(again.notes, [])
        let other = try GeneratorImport(WeightsFile.read(path), activation: .relu)
        XCTAssertEqual(other.description.activation, .relu)
        XCTAssertEqual(other.notes, ["the file says leaky-relu:0.01; relu is taken, as was asked for"])
    }

    func testDamagedDescription_isRefused() throws {
        let path = try temporaryPath("exported.pth")
        try GeneratorExport.writePyTorch(path, description: small, tensors: try imported("training.pth").tensors)
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = try XCTUnwrap(data.range(of: Data("\"activation\"".utf8)))
        data[place.lowerBound] = 0
        try data.write(to: URL(fileURLWithPath: path))
        assertRefused("damaged", path, "has a damaged entry \"generator/extra/cyclegan-generator.json\"") {
            try WeightsFile.read($0)
        }
    }
}
