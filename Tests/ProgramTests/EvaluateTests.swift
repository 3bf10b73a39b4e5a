import Foundation
import Networks
import Photos
import Weights
import XCTest

/// `cyclegan-style evaluate` as a person uses it.
final class EvaluateTests: XCTestCase {
    private var directory = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("evaluate-\(UUID().uuidString)")
        try write(6, "pictures", seed: 1)
        try write(5, "paintings", seed: 2)
        // The network to its first max pool: 64 dimensions.
        let tensors = InceptionV3Layers.tensorShapes(to: .firstMaxPool).map {
            key, shape -> (name: String, shape: [Int], values: [Float]) in
            let count = shape.reduce(1, *)
            let isScale = key.hasSuffix("bn.weight") || key.hasSuffix("running_var")
            return (key, shape, (0..<count).map { isScale ? 1 : Float(($0 * 7919 + count) % 101) / 500 - 0.1 })
        }
        try Safetensors.write(path("inception.safetensors"), tensors: tensors, metadata: [:])
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: directory) }

    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    private func write(_ count: Int, _ folder: String, seed: Int) throws {
        try FileManager.default.createDirectory(atPath: path(folder), withIntermediateDirectories: true)
        for i in 0..<count {
            let photo = Photo(
                width: 60, height: 44 + i,
                pixels: (0..<60 * (44 + i) * 3).map {
                    UInt8(truncatingIfNeeded: ($0 / 3 % 60) * seed * (i + 2) + $0 % 3 * 50 + $0 / 180)
                })
            try Data(try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png))).write(
                to: URL(fileURLWithPath: path("\(folder)/\(i).png")))
        }
    }

    private func evaluate(_ arguments: String...) throws -> CommandResult {
        try runCommand(
            [
                "/usr/bin/env", "CYCLEGAN_STYLE_WEIGHTS=" + path("none"),
                Built.programs.appendingPathComponent("cyclegan-style").path, "evaluate",
            ] + arguments)
    }

    func testTwoFolders_figuresWithTheirNumbersOfImages() throws {
        try Data("no picture".utf8).write(to: URL(fileURLWithPath: path("pictures/broken.png")))
        let result = try evaluate(
            "--generated", path("pictures"), "--reference", path("paintings"), "--features",
            path("inception.safetensors"), "--bootstrap", "50")
        XCTAssertEqual(result.status, 0, result.output)
        XCTAssertTrue(result.output.contains("skipped: broken.png: "), result.output)
        XCTAssertTrue(result.output.contains("6 images; 1 could not be read"), result.output)
        XCTAssertTrue(result.output.contains("FID: ") && result.output.contains(", of 6 and 5"), result.output)
        XCTAssertTrue(result.output.contains("KID: ") && result.output.contains("95 %"), result.output)
        XCTAssertTrue(result.output.contains("fewer images than the 64 dimensions"), result.output)
        let again = try evaluate(
            "--generated", path("pictures"), "--reference", path("pictures"), "--features",
            path("inception.safetensors"), "--dims", "64", "--mode", "clean", "--json")
        let json = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(again.output.drop { $0 != "{" }.utf8)) as? [String: Any],
            again.output)
        XCTAssertEqual(try XCTUnwrap(json["fid"] as? Double), 0, accuracy: 1e-6)
        XCTAssertEqual(json["dims"] as? Int, 64)
        XCTAssertEqual(((json["generated"] as? [String: Any])?["unreadable"] as? [String]), ["broken.png"])
    }

    func testTwoFoldersWithTheirPhotos_measureContent() throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: path("made"), withIntermediateDirectories: true)
        for i in 0..<6 {
            try manager.copyItem(
                atPath: path("pictures/\(i).png"), toPath: path("made/\(i)\(i % 2 == 0 ? ".vangogh" : "_fake_B").png"))
        }
        func content(_ photos: String) throws -> (value: Double?, output: String) {
            let result = try evaluate(
                "--generated", path("made"), "--photos", path(photos), "--reference", path("paintings"), "--features",
                path("inception.safetensors"), "--bootstrap", "50", "--json")
            let start = result.output.firstIndex(of: "{") ?? result.output.endIndex
            let json = try? JSONSerialization.jsonObject(with: Data(result.output[start...].utf8)) as? [String: Any]
            return (json?["content"] as? Double, result.output)
        }
        // The photos themselves, and others of the same names; paintings are one fewer, and one is broken.
        let own = try content("pictures")
        XCTAssertEqual(try XCTUnwrap(own.value), 0)
        XCTAssertFalse(own.output.contains("no photo in "), own.output)
        try Data("no picture".utf8).write(to: URL(fileURLWithPath: path("paintings/4.png")))
        let others = try content("paintings")
        XCTAssertTrue(others.output.contains("4.vangogh.png: its photo 4.png cannot be read: "), others.output)
        XCTAssertGreaterThan(try XCTUnwrap(others.value), 0.1)
        XCTAssertTrue(others.output.contains("5_fake_B.png: no photo in "), others.output)
        try manager.createDirectory(atPath: path("strangers"), withIntermediateDirectories: true)
        try manager.copyItem(atPath: path("pictures/0.png"), toPath: path("strangers/beach.png"))
        XCTAssertTrue(try content("strangers").output.contains("has the name of a photo"))
    }

    func testWhatCannotBeComparedIsSaid() throws {
        try FileManager.default.createDirectory(atPath: path("empty"), withIntermediateDirectories: true)
        try write(1, "one", seed: 3)
        let features = ["--features", path("inception.safetensors")]
        let cases: [(arguments: [String], says: String)] = [
            (["--generated", path("empty"), "--reference", path("paintings")] + features, "has no image"),
            (["--generated", path("absent"), "--reference", path("paintings")] + features, "cannot be read"),
            (
                ["--generated", path("one"), "--reference", path("paintings")] + features,
                "one image only could be read"
            ),
            (
                ["--generated", path("pictures"), "--reference", path("paintings")] + features + ["--dims", "2048"],
                "which 2048 dimensions need"
            ),
            (
                [
                    "--generated", path("pictures"), "--reference", path("paintings"), "--features",
                    path("pictures/0.png"),
                ], "0.png"
            ),
        ]
        for (arguments, text) in cases {
            let result = try runCommand(
                [
                    "/usr/bin/env", "CYCLEGAN_STYLE_WEIGHTS=" + path("none"),
                    Built.programs.appendingPathComponent("cyclegan-style").path, "evaluate",
                ] + arguments)
            XCTAssertEqual(result.status, 1, "\(arguments): \(result.output)")
            XCTAssertTrue(result.output.contains(text), "\(arguments): \(result.output)")
        }
        // Without Inception's weights the shipped VGG16 measures, and no figure is called an FID or a KID.
        let other = try runCommand(
            [
                "/usr/bin/env", "CYCLEGAN_STYLE_WEIGHTS=" + path("none"),
                Built.programs.appendingPathComponent("cyclegan-style").path, "evaluate", "--generated",
                path("pictures"),
                "--reference", path("paintings"), "--json",
            ])
        XCTAssertEqual(other.status, 0, other.output)
        let json = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(other.output.drop { $0 != "{" }.utf8)) as? [String: Any],
            other.output)
        XCTAssertNotNil(json["frechet-vgg16"] as? Double, other.output)
        XCTAssertNil(json["fid"])
        XCTAssertNil(json["kid"])
        for arguments in [
            ["--reference", "x"], ["--generated", "a", "--style", "b", "--reference", "c"],
            ["--style", "b", "--reference", "c"],
        ] {
            let result = try runCommand(
                [Built.programs.appendingPathComponent("cyclegan-style").path, "evaluate"] + arguments)
            XCTAssertEqual(result.status, 64, result.output)
        }
    }
}
