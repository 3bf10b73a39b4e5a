import Foundation
import Installation
import Tensors
import Weights
import XCTest

@testable import Networks

/// The VGG16 that ships, in float16, against features by Oxford's float32 weights.
final class VGG16Tests: XCTestCase {
    private let shipped = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/Installation/shipped/\(ShippedWeights.vgg16.rawValue)").standardized.path

    func testFeatures_whenWeightsAreFloat16_areFloat32sToAThousandth() throws {
        let folder = try XCTUnwrap(Bundle.module.url(forResource: "golden", withExtension: nil))
        let golden = try Safetensors.read(folder.appendingPathComponent("vgg16-oxford.safetensors").path)
        let network = try VGG16(Safetensors.read(shipped), tap: .relu3_3)
        let image = channelsLast(try golden.floats("image", shape: [1, 3, 16, 16]), channels: 3)
        let x = Tensor(Shape(1, 16, 16, 3), values: image.map { $0 / 127.5 - 1 })
        let taps = [VGG16.Tap.relu1_2, .relu2_2, .relu3_3]
        for (tap, features) in zip(taps, network(x, at: taps, Tape())) {
            let values = features.applied().values, channels = network.channels(tap)
            let expected = channelsLast(try golden.floats(tap.rawValue), channels: channels)
            XCTAssertEqual(values.count, expected.count)
            let error = zip(values, expected).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
            let length = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
            XCTAssertLessThan((error / length).squareRoot(), 1e-3, "\(tap)")
        }
    }

    func testDeeperTap_whenTheFileEndsBeforeIt_namesTheRemedy() throws {
        XCTAssertThrowsError(try VGG16(Safetensors.read(shipped), tap: .relu4_3)) {
            XCTAssertTrue("\($0)".contains("features.17") && "\($0)".contains("published as vgg16"), "\($0)")
        }
    }
}
