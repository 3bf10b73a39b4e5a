import Digests
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
            source, tensors: tensors(layers) + [("classifier.0.bias", [2], [1, 2])],
            metadata: ["input": "RGB 0 to 255 minus 123.68"])
        let (path, last) = try FeatureWeightsStore.importFile(source, into: folder + "/kept")
        let file = try Safetensors.read(path)
        XCTAssertEqual(last, "conv2_2")
        XCTAssertEqual(
            Set(file.tensors.keys), Set(layers.flatMap { ["features.\($0.0).weight", "features.\($0.0).bias"] }))
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

    func testImportRefusesNetworksThatBeginAsVGG16Does() throws {
        let source = folder + "/any.bin", begin = [(0, 3, 64), (2, 64, 64)]
        for (others, word) in [([(16, 8, 8)], "features.16.weight"), ([(15, 8, 8), (17, 8, 8)], "features.15.weight")] {
            try Safetensors.write(source, tensors: tensors(begin + others), metadata: [:])
            XCTAssertThrowsError(try FeatureWeightsStore.importFile(source, into: folder)) {
                XCTAssertTrue("\($0)".contains(word) && "\($0)".contains("published as vgg16"), "\($0)")
            }
        }
        try Safetensors.write(source, tensors: [("conv1_1.weight", [1], [1])], metadata: [:])
        XCTAssertThrowsError(try FeatureWeightsStore.importFile(source, into: folder)) {
            XCTAssertTrue("\($0)".contains("its tensors are \"conv1_1.weight\""), "\($0)")
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/" + FeatureWeightsStore.fileName))
    }

    func testFilesOfAnotherHashAreRemarkedOn() throws {
        let path = folder + "/a.pth"
        try Data("abc".utf8).write(to: URL(fileURLWithPath: path))
        // FIPS 180-2, appendix B.1.
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let hash = SHA256Digest(hexadecimal: text)!, another = SHA256.hash([])
        func published(_ hash: SHA256Digest, _ name: String, _ size: Int) -> RemoteWeights {
            RemoteWeights(
                name: "x", fileName: name, url: URL(string: "http://localhost/x")!, byteCount: size, sha256: hash)
        }
        XCTAssertNil(try FeatureWeightsStore.remarkOnOrigin(path, published: published(hash, "b.pth", 9)))
        let other = try XCTUnwrap(FeatureWeightsStore.remarkOnOrigin(path, published: published(another, "b.pth", 9)))
        XCTAssertTrue(other.contains(text) && !other.contains("damaged"), other)
        for (name, size) in [("a.pth", 9), ("b.pth", 3)] {
            let remark = try XCTUnwrap(
                FeatureWeightsStore.remarkOnOrigin(path, published: published(another, name, size)))
            XCTAssertTrue(remark.contains("damaged"), remark)
        }
    }
}
