import Foundation
import Weights
import XCTest

/// `cyclegan-style models` as a person uses it.
final class ModelImportTests: StyleTestCase {
    func testExportAndImportOfOurOwnModel_giveTheSameModel() throws {
        XCTAssertEqual(try style("models", "export", "vangogh", "-o", "g.pth").status, 0)
        let imported = try style("models", "import", "g.pth", "-o", "mine")
        XCTAssertEqual(imported.status, 0, imported.output)
        XCTAssertTrue(imported.output.contains("leaky-relu:0.01; use it with --style mine"), imported.output)
        func facts(_ name: String) throws -> [String] {
            try style("models", "info", name).output.split(separator: "\n").map(String.init).filter {
                !$0.hasPrefix("path: ")
            }
        }
        XCTAssertEqual(try facts("mine"), try facts("vangogh"))
        XCTAssertTrue(try style("models", "list").output.contains("mine\t\(path("models"))/mine.safetensors"))
    }

    func testExtensionAndContainer_agree() throws {
        try importTiny()
        let pth = Self.checkpoint("training.pth")
        for wrong in ["x.pth", "x.pt", "dir/x", "x.onnx", "a b", ".hidden", ""] {
            XCTAssertEqual(try style("models", "import", pth, "-o", wrong).status, 64, wrong)
        }
        for wrong in ["x.onnx", "x", "x.safetensors.gz"] {
            XCTAssertEqual(try style("models", "export", "tiny", "-o", wrong).status, 64, wrong)
        }
        XCTAssertEqual(try style("models", "export", "tiny", "-o", "x.safetensors").status, 0)
        XCTAssertEqual(try Safetensors.read(path("x.safetensors")).metadata["format"], "cyclegan-generator/1")
        XCTAssertEqual(try style("models", "export", "tiny", "-o", "x.pt").status, 0)
        XCTAssertEqual(try WeightsFile.read(path("x.pt")).metadata["activation"], "relu")
        XCTAssertThrowsError(try Safetensors.read(path("x.pt")))
    }

    func testName_isNotTakenTwice() throws {
        try importTiny()
        let again = try style("models", "import", Self.checkpoint("compiled.pth"), "-o", "tiny")
        XCTAssertEqual(again.status, 1)
        XCTAssertTrue(again.output.contains("--force"), again.output)
        XCTAssertEqual(
            try style("models", "import", Self.checkpoint("compiled.pth"), "-o", "tiny", "--force").status, 0)
    }

    func testActivation_isSaidWhereItIsAssumed() throws {
        let assumed = try style("models", "import", Self.checkpoint("compiled.pth"), "-o", "a")
        XCTAssertTrue(
            assumed.output.contains("relu (assumed: the file does not say; --activation does)"), assumed.output)
        let given = try style(
            "models", "import", Self.checkpoint("compiled.pth"), "-o", "b", "--activation", "leaky-relu:0.2")
        XCTAssertFalse(given.output.contains("assumed"), given.output)
        XCTAssertTrue(try style("models", "info", "b").output.contains("activation: leaky-relu:0.2"))
    }

    func testTwoGenerators_oneIsChosenByName() throws {
        let refused = try style("models", "import", Self.checkpoint("two_generators.pth"), "-o", "a")
        XCTAssertEqual(refused.status, 1)
        XCTAssertTrue(refused.output.contains("--network netG_A"), refused.output)
        XCTAssertEqual(refused.output.filter { $0 == "\n" }.count, 1, refused.output)
        XCTAssertEqual(
            try style("models", "import", Self.checkpoint("two_generators.pth"), "-o", "a", "--network", "netG_B")
                .status, 0)
    }

    func testModelWithValuesThatAreNoNumbers_isRefusedAtImportAndAtLoad() throws {
        let expected = "tensor \"model.4.weight\" has 3 NaN and 1 infinite"
        let imported = try style("models", "import", Self.checkpoint("not_finite.pth"), "-o", "broken")
        XCTAssertEqual(imported.status, 1)
        XCTAssertTrue(imported.output.contains(expected), imported.output)
        XCTAssertFalse(FileManager.default.fileExists(atPath: path("models/broken.safetensors")))

        try importTiny()
        let tiny = try Safetensors.read(path("models/tiny.safetensors"))
        let tensors = try tiny.tensors.map { name, tensor in
            var values = try tensor.floats()
            if name == "model.7.bias" { values[0] = .infinity }
            return (name: name, shape: tensor.shape, values: values)
        }
        try Safetensors.write(path("models/tiny.safetensors"), tensors: tensors, metadata: tiny.metadata)
        try photo("sea.jpg")
        let result = try style("translate", "--style", "tiny", "-o", "x.jpg", "sea.jpg")
        XCTAssertEqual(result.status, 1, result.output)
        XCTAssertTrue(
            result.output.contains("tensor \"model.7.bias\" has 1 infinite among its 4 values"), result.output)
        XCTAssertFalse(FileManager.default.fileExists(atPath: path("x.jpg")))
    }

    func testUse_choosesAnInboxsModel() throws {
        try importTiny()
        let model = path("models/tiny.safetensors"), config = path("etc/config.yaml")
        try FileManager.default.createDirectory(atPath: path("etc"), withIntermediateDirectories: true)
        func configure(_ text: String) throws {
            try "spool: \(path("spool"))\nstate: \(path("state"))\n\(text)".write(
                toFile: config, atomically: true, encoding: .utf8)
        }
        func styles() throws -> [String] {
            try runCommand([
                Built.programs.appendingPathComponent("cyclegan-styled").path, "--print-config", "--config", config,
            ]).output
                .split(separator: "\n").filter { $0.hasPrefix("    style: ") }.map { String($0.dropFirst(11)) }
        }
        try configure("")
        let used = try style("models", "use", model, "--config", config)
        XCTAssertEqual(used.status, 0, used.output)
        XCTAssertTrue(used.output.contains("The inbox vangogh uses \(model)"), used.output)
        XCTAssertEqual(try styles(), ["\"\(model)\""])

        try configure(
            "inboxes:\n  a: {inbox: a, outbox: b, failed: c, style: vangogh}\n  d: {inbox: d, outbox: e, failed: f}\n")
        let unclear = try style("models", "use", "vangogh", "--config", config)
        XCTAssertEqual(unclear.status, 1)
        XCTAssertTrue(unclear.output.contains("--inbox"), unclear.output)
        XCTAssertEqual(try style("models", "use", model, "--inbox", "a", "--config", config).status, 0)
        XCTAssertEqual(try style("models", "use", "vangogh", "--inbox", "d", "--config", config).status, 0)
        XCTAssertEqual(try styles(), ["\"\(model)\"", "\"vangogh\""])

        let before = files("etc")
        for wrong in [
            ["nosuch", "--inbox", "a"], ["vangogh", "--inbox", "x"], [Self.checkpoint("training.pth"), "--inbox", "a"],
        ] {
            XCTAssertEqual(try style(["models", "use"] + wrong + ["--config", config]).status, 1, "\(wrong)")
        }
        XCTAssertEqual(files("etc"), before)
        try "inboxes: {d: {style: \(model)}}\n".write(
            toFile: path("etc/conf.d/99-own.yaml"), atomically: true, encoding: .utf8)
        let hidden = try style("models", "use", "vangogh", "--inbox", "d", "--config", config)
        XCTAssertEqual(hidden.status, 1)
        XCTAssertTrue(hidden.output.contains("set again by another file"), hidden.output)
    }
}
