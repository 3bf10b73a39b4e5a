import Foundation
import Glibc
import Photos
import XCTest

/// `cyclegan-style translate`: options, folders, lists, shards and reports.
final class TranslateOptionsTests: StyleTestCase {
    override func setUpWithError() throws {
        try super.setUpWithError()
        try importTiny()
    }

    private func translate(_ arguments: String...) throws -> CommandResult {
        try style(["translate", "--style", "tiny"] + arguments)
    }

    private func records(_ name: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n").map {
            try XCTUnwrap(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    func testExtensionOfTheOutput_decidesTheFormat() throws {
        try photo("beach.jpg")
        XCTAssertEqual(try translate("-o", "beach.png", "beach.jpg").status, 0)
        XCTAssertEqual(try format("beach.png"), .png)
        XCTAssertEqual(try translate("-o", "odd.png", "--format", "jpeg", "beach.jpg").status, 0)
        XCTAssertEqual(try format("odd.png"), .jpeg)
        for wrong in ["x.webp", "x"] { XCTAssertEqual(try translate("-o", wrong, "beach.jpg").status, 64, wrong) }
    }

    func testPhotoItself_isOverwrittenWithForceOnly() throws {
        try photo("self.jpg")
        let before = try Data(contentsOf: directory.appendingPathComponent("self.jpg"))
        let refused = try translate("-o", "self.jpg", "./self.jpg")
        XCTAssertEqual(refused.status, 1)
        XCTAssertTrue(refused.output.contains("--force"), refused.output)
        XCTAssertEqual(try Data(contentsOf: directory.appendingPathComponent("self.jpg")), before)
        XCTAssertEqual(try translate("-o", "self.jpg", "--force", "self.jpg").status, 0)
        XCTAssertNotEqual(try Data(contentsOf: directory.appendingPathComponent("self.jpg")), before)
    }

    func testMissingDirectory_isRefusedOrMade() throws {
        try photo("sea.jpg")
        XCTAssertEqual(try translate("-o", "nodir/x.jpg", "sea.jpg").status, 1)
        XCTAssertFalse(FileManager.default.fileExists(atPath: path("nodir")))
        XCTAssertEqual(try translate("-o", "made/", "sea.jpg").status, 0)
        XCTAssertEqual(files("made"), ["sea.tiny.jpg"])
    }

    func testStandardStreams_carryPhotoAndPictureAndNothingElse() throws {
        try photo("sea.png", .png)
        let result = try shell(
            "$style translate --style tiny -o - - < sea.png > out.png 2> said; echo $?; $style translate --style tiny "
                + "-o - sea.png | cmp - out.png && echo same"
        )
        XCTAssertEqual(result.output.split(separator: "\n").prefix(1), ["0"], result.output)
        XCTAssertTrue(result.output.hasSuffix("same\n"), result.output)
        XCTAssertEqual(try format("out.png"), .png)
        XCTAssertEqual(try String(contentsOfFile: path("said"), encoding: .utf8), "standard input -> -\n")
        XCTAssertFalse(FileManager.default.fileExists(atPath: path("-")))
        XCTAssertEqual(
            try shell("$style translate --style tiny -o named.jpg <(cat sea.png)").status, 0,
            "a pipe is a photo as well")
        XCTAssertEqual(try shell("$style translate --style tiny -o pictures/ - < sea.png").status, 0)
        XCTAssertEqual(files("pictures"), ["stdin.tiny.png"])
        XCTAssertEqual(try shell("$style translate --style tiny -o - sea.png > /dev/full").status, 1)
        let closed = try shell("set -o pipefail; $style translate --style tiny -o - sea.png | true; echo $?")
        XCTAssertFalse(closed.output.contains("141"), "no death by SIGPIPE: \(closed.output)")
        XCTAssertEqual(try shell("$style translate --style tiny -o pictures/ - - < sea.png").status, 64)
    }

    func testRenderSize_isThatOfTheConfiguration() throws {
        try photo("sea.jpg")
        for wrong in ["fit:15", "fit:70000", "fit:0", "huge", "fit:-1"] {
            XCTAssertEqual(try translate("--render", wrong, "-o", "x.jpg", "sea.jpg").status, 64, wrong)
        }
        for right in ["fit:16", "fit:65535", "original"] {
            XCTAssertEqual(try translate("--render", right, "-o", "x.jpg", "sea.jpg").status, 0, right)
        }
    }

    func testLimits_areOptionsAndAdviceNamesThem() throws {
        try photo("sea.jpg")
        let cases = [
            (["--max-side", "20"], "raise --max-side"), (["--max-pixels", "100"], "raise --max-pixels"),
            (["--max-file-bytes", "1"], "raise --max-file-bytes"),
            (["--memory", "64M"], "--memory 64 MiB is too small"),
        ]
        for (options, advice) in cases {
            let result = try style(["translate", "--style", "tiny", "-o", "x.jpg", "sea.jpg"] + options)
            XCTAssertEqual(result.status, 1, "\(options)")
            XCTAssertTrue(result.output.contains(advice), result.output)
            XCTAssertFalse(result.output.contains("limits."), result.output)
        }
        let threads = try translate("--threads", "1000", "--memory", "64M", "-o", "x.jpg", "sea.jpg")
        XCTAssertTrue(threads.output.contains("lower --threads"), threads.output)
        for wrong in [
            ["--max-side", "0"], ["--max-chunks", "many"], ["--memory", "1M"], ["--subsampling", "4:1:1"],
            ["--metadata", "some"],
        ] {
            XCTAssertEqual(
                try style(["translate", "--style", "tiny", "-o", "x.jpg", "sea.jpg"] + wrong).status, 64, "\(wrong)")
        }
        let whole = try Data(contentsOf: URL(fileURLWithPath: photo("large.jpg", width: 200, height: 200)))
        try whole.prefix(whole.count / 2).write(to: directory.appendingPathComponent("half.jpg"))
        XCTAssertEqual(try translate("-o", "x.jpg", "half.jpg").status, 1)
        XCTAssertEqual(try translate("-o", "x.jpg", "--truncated", "accept", "half.jpg").status, 0)
    }

    func testDryRun_saysAndMakesNothing() throws {
        try photo("sea.jpg")
        let result = try translate("--dry-run", "-o", "new/", "--report", "report", "sea.jpg", "missing.jpg")
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.output.contains("sea.jpg -> new/sea.tiny.jpg"), result.output)
        XCTAssertTrue(result.output.contains("missing.jpg: it cannot be read"), result.output)
        for name in ["new", "report"] { XCTAssertFalse(FileManager.default.fileExists(atPath: path(name)), name) }
    }

    func testJSONAndQuiet() throws {
        try photo("sea.jpg")
        let line = try translate("--json", "-o", "out/", "sea.jpg").output
        let record = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        XCTAssertEqual(record["result"] as? String, "translated")
        XCTAssertEqual(record["picture"] as? String, "out/sea.tiny.jpg")
        XCTAssertEqual([record["width"] as? Int, record["height"] as? Int], [24, 16])
        XCTAssertEqual(try translate("--quiet", "-o", "out/", "sea.jpg").output, "")
        XCTAssertEqual(try translate("--json", "-o", "-", "sea.jpg").status, 64)
    }

    func testNamesThatAreNoUTF8_areFilesLikeOthers() throws {
        try photo("plain.jpg")
        let result = try shell(
            "cp plain.jpg $'odd\\xff.jpg' && $style translate --style tiny -o out/ --report report $'odd\\xff.jpg' && "
                + "ls out | od -c | head -1"
        )
        XCTAssertEqual(result.status, 0, result.output)
        XCTAssertTrue(result.output.contains("377   .   t   i   n   y"), result.output)
        let record = try XCTUnwrap(records("report").first)
        XCTAssertEqual(record["photo"] as? String, "odd\\xFF.jpg")
        XCTAssertEqual(
            record["photo-bytes"] as? String,
            Data(Array("odd".utf8) + [0xFF] + Array(".jpg".utf8)).base64EncodedString())
    }

    func testRecursive_goesOnWhereItWasInterrupted() throws {
        for (number, name) in ["in/a.jpg", "in/trip/b.jpg", "in/trip/deep/c.png"].enumerated() {
            try photo(name, seed: number, name.hasSuffix("png") ? .png : .jpeg)
        }
        XCTAssertEqual(try translate("-r", "-o", "in/out/", "--report", "report", "in").status, 0)
        XCTAssertEqual(files("in/out"), ["a.tiny.jpg", "trip/b.tiny.jpg", "trip/deep/c.tiny.png"])
        try FileManager.default.removeItem(atPath: path("in/out/trip/b.tiny.jpg"))
        let again = try translate("-r", "--skip-existing", "-o", "in/out/", "--report", "report", "in")
        XCTAssertEqual(again.status, 0, again.output)
        XCTAssertEqual(files("in/out"), ["a.tiny.jpg", "trip/b.tiny.jpg", "trip/deep/c.tiny.png"])
        let results = try records("report").map { $0["result"] as? String }
        XCTAssertEqual(results, ["translated", "translated", "translated", "skipped", "translated", "skipped"])
        XCTAssertEqual(try translate("-o", "in/out/", "in").status, 1, "a folder without --recursive")
    }

    func testShards_makeEveryPictureOnceAlsoWhenTheListGrows() throws {
        var names = (0..<30).map { "in/\($0 % 3)/photo \($0).jpg" }
        for (number, name) in names.enumerated() { try photo(name, seed: number) }
        try photo("in/0/photo 0.png", .png)
        names.append("in/0/photo 0.png")
        func run(_ list: [String]) throws {
            try list.joined(separator: "\n").write(toFile: path("list"), atomically: true, encoding: .utf8)
            for shard in 0..<4 {
                let result = try translate(
                    "--list", "list", "--shard", "\(shard)/4", "--skip-existing", "-o", "out/", "--report",
                    "report.\(shard)")
                XCTAssertEqual(result.status, 0, result.output)
            }
        }
        func translated() throws -> [String] {
            try (0..<4).flatMap { try records("report.\($0)") }.filter { $0["result"] as? String == "translated" }
                .compactMap { $0["photo"] as? String }
        }
        try run(Array(names[..<20]))
        XCTAssertEqual(try translated().sorted(), names[..<20].sorted())
        try run(names)
        XCTAssertEqual(try translated().sorted(), names.sorted(), "each photo once in two runs")
        XCTAssertEqual(files("out").count, 31)
        XCTAssertTrue(files("out").contains("in/0/photo 0.tiny.png"))
        XCTAssertEqual(Set(try records("report.1").map { $0["shard"] as? String }), ["1/4"])
    }

    func testReport_goesOnAfterAHalfLine() throws {
        try photo("sea.jpg")
        try "{\"photo\":\"lo".write(toFile: path("report"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try translate("-o", "x.jpg", "--report", "report", "sea.jpg").status, 0)
        let lines = try String(contentsOfFile: path("report"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(lines.count, 2)
        XCTAssertNotNil(try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any])
        let refused = try translate("-o", "x.jpg", "--report", "sea.jpg", "sea.jpg")
        XCTAssertEqual(refused.status, 1, "a report is not appended to a photo")
    }

    func testStyleThatIsAFileToImport_isToldWithTheCommand() throws {
        try photo("sea.jpg")
        try FileManager.default.copyItem(atPath: Self.checkpoint("training.pth"), toPath: path("v.pth"))
        for name in ["v.pth", "./v.pth"] {
            let result = try style("translate", "--style", name, "-o", "x.jpg", "sea.jpg")
            XCTAssertEqual(result.status, 1)
            XCTAssertTrue(result.output.contains("models import \(name) -o v"), result.output)
        }
    }
}
