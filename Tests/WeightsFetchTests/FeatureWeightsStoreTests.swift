import Foundation
import Weights
import XCTest

@testable import WeightsFetch

final class FeatureWeightsStoreTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func tensors(_ layers: [(Int, Int, Int)]) -> [(name: String, shape: [Int], values: [Float])] {
        layers.flatMap { index, input, output in
            [
                ("features.\(index).weight", [output, input, 3, 3], (0..<output * input * 9).map { Float($0 % 7) }),
                ("features.\(index).bias", [output], [Float](repeating: Float(index), count: output)),
            ]
        }
    }

    func testImportKeepsTheLayersThatAreThere() throws {
        let layers = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128)], source = folder + "/any.bin"
        try Safetensors.write(
            source, tensors: tensors(layers) + [("classifier.0.bias", [2], [1, 2])], metadata: ["input": "RGB 0 to 255 minus 123.68"])
        let (path, last) = try FeatureWeightsStore.importFile(source, into: folder + "/kept")
        let file = try Safetensors.read(path)
        XCTAssertEqual(last, "conv2_2")
        XCTAssertEqual(Set(file.tensors.keys), Set(layers.flatMap { ["features.\($0.0).weight", "features.\($0.0).bias"] }))
        XCTAssertEqual(file.metadata["input"], "RGB 0 to 255 minus 123.68")
        XCTAssertEqual(try file.floats("features.7.bias"), [Float](repeating: 7, count: 128))
    }

    func testImportRefusesOtherNetworks_andKeepsWhatWasThere() throws {
        let source = folder + "/any.bin"
        try Safetensors.write(source, tensors: tensors([(0, 3, 64), (2, 64, 64)]), metadata: [:])
        let (path, _) = try FeatureWeightsStore.importFile(source, into: folder)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        try Safetensors.write(source, tensors: tensors([(0, 3, 64), (2, 64, 32)]), metadata: [:])
        XCTAssertThrowsError(try FeatureWeightsStore.importFile(source, into: folder)) {
            XCTAssertTrue("\($0)".contains("features.2.weight"), "\($0)")
        }
        XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), before)
    }
}
