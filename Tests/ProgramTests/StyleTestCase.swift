import Foundation
import Photos
import XCTest

/// A directory of its own, a model that costs nothing, and small photos, for tests of `cyclegan-style`.
class StyleTestCase: XCTestCase {
    private(set) var directory = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("style-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    /// A PyTorch file that ships with the tests of Weights.
    static func checkpoint(_ name: String) -> String {
        Built.project.appendingPathComponent("Tests/WeightsTests/files/\(name)").path
    }

    static var program: String { Built.programs.appendingPathComponent("cyclegan-style").path }

    /// Runs `cyclegan-style` in the directory; models are kept there too.
    @discardableResult
    func style(_ arguments: String...) throws -> CommandResult { try style(arguments) }

    func style(_ arguments: [String]) throws -> CommandResult {
        try runCommand(
            ["-C", directory.path, Self.program] + arguments, environment: ["CYCLEGAN_STYLE_MODELS": path("models")])
    }

    /// A shell command with the program as `$style`, in the directory.
    func shell(_ command: String) throws -> CommandResult {
        try runCommand(
            ["-C", directory.path, "bash", "-c", command],
            environment: ["CYCLEGAN_STYLE_MODELS": path("models"), "style": Self.program])
    }

    /// The model `tiny`: one channel, one block.
    func importTiny() throws {
        let result = try style("models", "import", Self.checkpoint("training.pth"), "-o", "tiny")
        XCTAssertEqual(result.status, 0, result.output)
    }

    @discardableResult
    func photo(
        _ name: String, seed: Int = 1, width: Int = 24, height: Int = 16, _ format: PhotoFormat = .jpeg
    ) throws -> String {
        let photo = Photo(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { i in
                UInt8(
                    truncatingIfNeeded: (i / 3 % width * (3 + seed % 5) + i / 3 / width * (2 + seed % 7) + i % 3 * 40
                        + seed) / 2)
            })
        let url = directory.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(try PhotoEncoder.encode(photo, options: EncodingOptions(format: format))).write(to: url)
        return url.path
    }

    func format(_ name: String) throws -> PhotoFormat? {
        try Data(contentsOf: URL(fileURLWithPath: path(name))).withUnsafeBytes { PhotoFormat.sniff($0) }
    }

    /// Every file below a directory, sorted.
    func files(_ name: String) -> [String] {
        let enumerated = (FileManager.default.enumerator(atPath: path(name))?.allObjects as? [String]) ?? []
        return enumerated.filter { file in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path(name) + "/" + file, isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }
}
