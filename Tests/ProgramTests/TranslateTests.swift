import Foundation
import Photos
import XCTest

/// `cyclegan-style translate` and `models` as a person uses them, and the daemon on a hundred photos.
final class TranslateTests: XCTestCase {
    private var directory = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("translate-\(getpid())")
        try FileManager.default.createDirectory(at: path("pictures"), withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: directory) }

    private func path(_ name: String) -> URL { directory.appendingPathComponent(name) }

    private func style(_ arguments: String...) throws -> CommandResult {
        try runCommand([Built.programs.appendingPathComponent("cyclegan-style").path] + arguments)
    }

    /// A small picture of its own for each seed.
    private func picture(_ seed: Int, width: Int = 50, height: Int = 38) -> Photo {
        Photo(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { i in
                UInt8(
                    truncatingIfNeeded: (i / 3 % width * (3 + seed % 5) + i / 3 / width * (2 + seed % 7) + i % 3 * 40
                        + seed) / 2)
            })
    }

    private func write(_ photo: Photo, _ name: String, _ format: PhotoFormat = .jpeg) throws -> String {
        let bytes = try PhotoEncoder.encode(photo, options: EncodingOptions(format: format))
        try Data(bytes).write(to: path(name))
        return path(name).path
    }

    func testOneFile_isTranslatedAndKeepsItsSize() throws {
        let photo = try write(picture(1), "sea.png", .png)
        let result = try style("translate", "-o", path("out.png").path, photo)
        XCTAssertEqual(result.status, 0, result.output)
        let before = try PhotoDecoder.decode(contentsOf: photo),
            after = try PhotoDecoder.decode(contentsOf: path("out.png").path)
        XCTAssertEqual([after.width, after.height], [50, 38])
        XCTAssertNotEqual(before.pixels, after.pixels)
        XCTAssertEqual(try style("translate", "--strength", "0", "-o", path("same.png").path, photo).status, 0)
        XCTAssertEqual(try PhotoDecoder.decode(contentsOf: path("same.png").path).pixels, before.pixels)
    }

    func testSeveralFiles_aBadOneFailsAlone() throws {
        let good = try write(picture(1), "sea.JPG"), other = try write(picture(2), "hill.png", .png)
        try Data("no picture".utf8).write(to: path("notes.jpg"))
        let result = try style(
            "translate", "-o", path("pictures").path, good, path("notes.jpg").path, path("missing.jpg").path, other)
        XCTAssertEqual(result.status, 1)
        let lines = result.output.split(separator: "\n")
        XCTAssertEqual(lines.count, 4, result.output)
        XCTAssertEqual(
            lines.filter { $0.contains("notes.jpg: ") || $0.contains("missing.jpg: ") }.count, 2, result.output)
        // A second time nothing is replaced.
        XCTAssertEqual(try style("translate", "-o", path("pictures").path, good).status, 0)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: path("pictures").path).sorted(),
            ["hill.vangogh.png", "sea.vangogh-1.JPG", "sea.vangogh.JPG"])
    }

    func testWrongOptions_end64_andAnUnknownStyleSaysWhatThereIs() throws {
        let photo = try write(picture(1), "sea.jpg")
        for wrong in [["--strength", "2"], ["--quality", "0"], ["--render", "huge"], ["--memory", "much"]] {
            XCTAssertEqual(
                try runCommand(
                    [
                        Built.programs.appendingPathComponent("cyclegan-style").path, "translate", "-o",
                        path("x.jpg").path, photo,
                    ] + wrong
                ).status, 64, "\(wrong)")
        }
        let unknown = try style("translate", "--style", "vangog", "-o", path("x.jpg").path, photo)
        XCTAssertEqual(unknown.status, 1)
        XCTAssertTrue(unknown.output.contains("vangogh"), unknown.output)
    }

    func testModels_exportAndImportGiveTheSamePicture() throws {
        let photo = try write(picture(3), "sea.png", .png)
        XCTAssertTrue(try style("models", "list").output.contains("vangogh\t"))
        XCTAssertTrue(try style("models", "info", "vangogh").output.contains("base-channels: 32"))
        XCTAssertEqual(try style("models", "export", "vangogh", "-o", path("g.pth").path).status, 0)
        let imported = try style(
            "models", "import", "--activation", "leaky-relu:0.01", "-o", path("g.safetensors").path, path("g.pth").path)
        XCTAssertEqual(imported.status, 0, imported.output)
        XCTAssertEqual(try style("translate", "-o", path("a.png").path, photo).status, 0)
        XCTAssertEqual(
            try style("translate", "--style", path("g.safetensors").path, "-o", path("b.png").path, photo).status, 0)
        XCTAssertEqual(try Data(contentsOf: path("a.png")), try Data(contentsOf: path("b.png")))
    }

    /// Fifty photos that are there before the daemon starts and fifty that come while it works: a hundred pictures.
    func testHundredPhotos_hundredPictures() throws {
        let inbox = path("spool/inbox")
        try FileManager.default.createDirectory(at: inbox, withIntermediateDirectories: true)
        try "spool: \(path("spool").path)\nstate: \(path("state").path)\nsettle: 200ms\n".write(
            to: path("config.yaml"), atomically: true, encoding: .utf8)
        for i in 0..<50 { _ = try write(picture(i), "spool/inbox/early \(i).jpg") }
        let daemon = Process()
        daemon.executableURL = Built.programs.appendingPathComponent("cyclegan-styled")
        daemon.arguments = ["--config", path("config.yaml").path]
        daemon.standardError = FileHandle.nullDevice
        try daemon.run()
        defer {
            daemon.terminate()
            daemon.waitUntilExit()
        }
        for i in 50..<100 { _ = try write(picture(i), "spool/inbox/late \(i).jpg") }
        func names(_ directory: String) -> [String] {
            ((try? FileManager.default.subpathsOfDirectory(atPath: path("spool/" + directory).path)) ?? []).sorted()
        }
        let deadline = Date().addingTimeInterval(120)
        while Date() < deadline, names("inbox").count > 0 || names("originals").count < 100 { usleep(100_000) }
        let expected = (0..<100).map { "\($0 < 50 ? "early" : "late") \($0)" }
        XCTAssertEqual(names("outbox"), expected.map { $0 + ".vangogh.jpg" }.sorted())
        XCTAssertEqual(names("originals").filter { $0.hasSuffix(".jpg") }.count, 100)
        XCTAssertEqual(names("inbox"), [])
        XCTAssertEqual(names("failed"), [])
        for name in names("outbox").prefix(5) {
            XCTAssertEqual(try PhotoDecoder.decode(contentsOf: path("spool/outbox/" + name).path).width, 50)
        }
    }
}
