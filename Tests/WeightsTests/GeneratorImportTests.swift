import Foundation
import Networks
import XCTest

@testable import Weights

final class GeneratorImportTests: XCTestCase {
    private let original = GeneratorDescription(
        baseChannels: 2, residualBlocks: 6, activation: .relu, upsampling: .transposed)

    func testImport_everyVersionOfTheOriginal() throws {
        let expected = try Safetensors.read(try testFile("current.pth.safetensors"))
        for (name, notes) in [
            ("current.pth", 0), ("legacy_running_stats.pth", 1), ("data_parallel.pth", 1), ("dropout.pth", 1),
        ] {
            let imported = try GeneratorImport(PyTorchCheckpoint.read(try testFile(name)))
            XCTAssertEqual(imported.description, original, name)
            XCTAssertEqual(imported.notes.count, notes, "\(name): \(imported.notes)")
            XCTAssertEqual(imported.tensors.map(\.name), original.tensorShapes.map(\.key), name)
            for (key, shape, values) in imported.tensors {
                XCTAssertEqual(values, try expected.floats(key, shape: shape), "\(name) \(key)")
            }
            let path = try temporaryPath("imported.safetensors")
            try Safetensors.write(path, tensors: imported.tensors, metadata: imported.description.metadata)
            let file = try Safetensors.read(path)
            try GeneratorDescription(file).validate(file)
        }
    }

    func testImport_ownNumbering() throws {
        let imported = try GeneratorImport(
            PyTorchCheckpoint.read(try testFile("resize.pth")), activation: .leakyReLU(slope: 0.01))
        XCTAssertEqual(
            imported.description,
            GeneratorDescription(
                baseChannels: 2, residualBlocks: 6, activation: .leakyReLU(slope: 0.01), upsampling: .resize))
    }

    func testImport_listsWhatDiffers() throws {
        let imported = try GeneratorImport(PyTorchCheckpoint.read(try testFile("current.pth")))
        let path = try temporaryPath("odd.safetensors")
        let others =
            imported.tensors.filter { $0.name.hasPrefix("model.1.") || $0.name.hasPrefix("model.10.") } + [
                ("surplus", [1], [0])
            ]
        try Safetensors.write(path, tensors: others, metadata: [:])
        XCTAssertThrowsError(try GeneratorImport(WeightsFile.read(path))) { error in
            for part in [
                "2 base channels, 1 residual blocks", "missing (10): model.4.weight, model.4.bias, model.7.weight ...",
                "unexpected (1): surplus",
            ] {
                XCTAssertTrue("\(error)".contains(part), "\(error)")
            }
        }
    }

    func testImport_refusesARealNetworkOfAnotherKind() throws {
        let file = try PyTorchCheckpoint.read(try corpus() + "/weights/h2z_gan_compression_compressed_latest_net_G.pth")
        XCTAssertEqual(file.tensors["model.1.weight"]?.shape, [16, 3, 7, 7])
        XCTAssertThrowsError(try GeneratorImport(file)) { error in
            for part in [
                "16 base channels, 9 residual blocks", "model.10.conv_block.1.weight", "unexpected",
                "model.10.conv_block.1.conv.0.weight", "model.7.weight is [128, 32, 3, 3], expected [64, 32, 3, 3]",
            ] {
                XCTAssertTrue("\(error)".contains(part), "\(error)")
            }
        }
    }

    func testExport_readsBackTheSame() throws {
        let imported = try GeneratorImport(PyTorchCheckpoint.read(try testFile("current.pth")))
        let path = try temporaryPath("exported.pth")
        try GeneratorExport.writePyTorch(path, description: imported.description, tensors: imported.tensors)
        let again = try GeneratorImport(WeightsFile.read(path))
        XCTAssertEqual(again.description, original)
        XCTAssertEqual(again.tensors.map(\.values), imported.tensors.map(\.values))
        XCTAssertEqual(again.tensors.map(\.shape), imported.tensors.map(\.shape))

        XCTAssertThrowsError(
            try GeneratorExport.writePyTorch(path, description: original, tensors: imported.tensors.dropLast()))
        XCTAssertEqual(try PyTorchCheckpoint.read(path).tensors.count, imported.tensors.count)
    }

    func testCRC32_ofTheStandardCheckString() {
        XCTAssertEqual(Array("123456789".utf8).withUnsafeBytes { CRC32.of($0) }, 0xCBF4_3926)
    }
}
