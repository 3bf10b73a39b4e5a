import Foundation
import Networks
import Weights
import XCTest

@testable import Evaluation

/// Which files describe images, and what is said of the others.
final class FeatureNetworkTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("features-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ name: String, _ tensors: [(name: String, shape: [Int], values: [Float])]) throws -> String {
        let path = "\(folder)/\(name).safetensors"
        try Safetensors.write(path, tensors: tensors, metadata: [:])
        return path
    }

    private func assertRefused(
        _ path: String, _ dimensions: InceptionV3Layers.Tap? = nil, says text: String, line: UInt = #line
    ) {
        XCTAssertThrowsError(try FeatureNetwork(path, dimensions: dimensions, mode: .pytorchFID), line: line) {
            XCTAssertTrue("\($0)".contains(text), "\($0)", line: line)
            XCTAssertFalse("\($0)".contains("\n"), line: line)
        }
    }

    func testAPartOfTheNetworkHasTheDimensionsThatItHas() throws {
        let path = try write("part", InceptionGoldenInputs.randomWeights(to: .secondMaxPool))
        guard case .inception(let features) = try FeatureNetwork(path, dimensions: nil, mode: .pytorchFID) else {
            return XCTFail("not Inception")
        }
        XCTAssertEqual(features.dimensions, 192)
        XCTAssertEqual(try FeatureNetwork(path, dimensions: .firstMaxPool, mode: .clean).extractor.dimensions, 64)
        assertRefused(path, .mixed6e, says: "ends before \"Mixed_5b.branch1x1.conv.weight\", which 768 dimensions need")
    }

    func testOtherNetworksAreRefused() throws {
        var tensors = InceptionGoldenInputs.randomWeights(to: .firstMaxPool)
        let torchvision = try write(
            "torchvision", tensors + [("fc.weight", [1000, 2], [Float](repeating: 0, count: 2000))])
        assertRefused(torchvision, says: "is torchvision's Inception")
        tensors[0] = ("Conv2d_1a_3x3.conv.weight", [16, 3, 3, 3], [Float](repeating: 0, count: 432))
        assertRefused(try write("narrow", tensors), says: "has the shape [16, 3, 3, 3], expected [32, 3, 3, 3]")
        assertRefused(
            try write("other", [("model.1.weight", [1], [0])]),
            says: "is not the Inception network of the FID: \"Conv2d_1a_3x3.conv.weight\" is missing")
        let vgg = try write(
            "vgg",
            [("features.0.weight", [2, 3, 3, 3], [Float](repeating: 0, count: 54)), ("features.0.bias", [2], [0, 0])])
        assertRefused(vgg, .mixed7c, says: "is VGG16, which has no dimensions to choose from")
        assertRefused(vgg, says: "features.2.weight or .bias is missing")
        assertRefused("\(folder)/absent.safetensors", says: "absent.safetensors")
    }
}
