import Foundation
import Networks
import Weights
import WeightsFetch
import XCTest

final class InceptionWeightsStoreTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("inception-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func tensors(to tap: InceptionV3Layers.Tap) -> [(name: String, shape: [Int], values: [Float])] {
        InceptionV3Layers.tensorShapes(to: tap).map { key, shape in
            (key, shape, (0..<shape.reduce(1, *)).map { Float($0 % 7) })
        }
    }

    func testImportKeepsTheNetworkWithoutItsClasses() throws {
        let source = folder + "/source.safetensors"
        // The network to its second max pool, a part of what follows, and what pytorch-fid's file has besides.
        let rest: [(name: String, shape: [Int], values: [Float])] = [
            ("fc.bias", [1008], [Float](repeating: 0, count: 1008)), ("Conv2d_1a_3x3.bn.num_batches_tracked", [1], [0]),
            ("Mixed_5b.branch1x1.bn.bias", [64], [Float](repeating: 0, count: 64)),
        ]
        try Safetensors.write(source, tensors: tensors(to: .secondMaxPool) + rest, metadata: ["source": "a test"])
        let kept = try InceptionWeightsStore.importFile(source, into: folder + "/store")
        XCTAssertEqual(kept.dimensions, 192)
        let file = try Safetensors.read(kept.path)
        XCTAssertEqual(Set(file.tensors.keys), Set(InceptionV3Layers.tensorShapes(to: .secondMaxPool).map(\.key)))
        XCTAssertEqual(file.metadata["dimensions"], "192")
        XCTAssertEqual(try file.floats("Conv2d_3b_1x1.conv.weight"), (0..<80 * 64).map { Float($0 % 7) })
    }

    func testOtherNetworksAreRefused_andNothingIsWritten() throws {
        let source = folder + "/source.safetensors"
        try Safetensors.write(source, tensors: [("features.0.weight", [1], [0])], metadata: [:])
        XCTAssertThrowsError(try InceptionWeightsStore.importFile(source, into: folder + "/store")) {
            XCTAssertTrue("\($0)".contains("is not the Inception network of the FID"), "\($0)")
        }
        try Safetensors.write(
            source, tensors: tensors(to: .firstMaxPool) + [("AuxLogits.fc.bias", [1], [0])], metadata: [:])
        XCTAssertThrowsError(try InceptionWeightsStore.importFile(source, into: folder + "/store")) {
            XCTAssertTrue("\($0)".contains("is torchvision's Inception"), "\($0)")
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/store"))
    }

    func testTheFullNetworkHasThePublishedNumberOfValues() {
        // 94 convolutions; the whole file has 23,885,392 values, with those of 1008 classes.
        let shapes = InceptionV3Layers.tensorShapes(to: .mixed7c)
        XCTAssertEqual(shapes.count, 94 * 5)
        XCTAssertEqual(shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }, 23_885_392 - (1008 * 2048 + 1008))
    }
}
