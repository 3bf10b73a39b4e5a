import Foundation
import Installation
import Networks
import Weights
import XCTest

final class ShippedWeightsTests: XCTestCase {
    private var root = ""

    override func setUpWithError() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("shipped-\(UUID().uuidString)").path
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: root) }

    private func put(_ path: String) throws -> String {
        let file = "\(root)/\(path)/\(ShippedWeights.vgg16.rawValue)"
        try FileManager.default.createDirectory(atPath: "\(root)/\(path)", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: file))
        return file
    }

    func testPath_whenProgramsAreInstalledUnderAPrefix_isInItsShare() throws {
        let file = try put("opt/share/cyclegan-styled/weights")
        for folder in ["bin", "sbin"] {
            XCTAssertEqual(ShippedWeights.vgg16.path(program: "\(root)/opt/\(folder)"), file)
        }
    }

    func testPath_whenProgramsAreInTheBuild_isInItsResources() throws {
        let file = try put("build/debug/cyclegan-styled_Installation.resources/shipped")
        XCTAssertEqual(ShippedWeights.vgg16.path(program: "\(root)/build/debug"), file)
    }

    func testShippedFile_saysWhoseItIsAndWhatItsInputIs() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Installation/shipped")
        let file = try Safetensors.read(sources.appendingPathComponent(ShippedWeights.vgg16.rawValue).standardized.path)
        XCTAssertTrue(try XCTUnwrap(file.metadata["input"]).contains("123.68"))
        XCTAssertTrue(try XCTUnwrap(file.metadata["authors"]).contains("Zisserman"))
        XCTAssertTrue(try XCTUnwrap(file.metadata["licence"]).contains("Attribution 4.0"))
        XCTAssertEqual(file.tensors.count, 14)
        XCTAssertTrue(file.tensors.values.allSatisfy { $0.elementType == .float16 })
        try VGG16Layers.validate(file)
    }
}
