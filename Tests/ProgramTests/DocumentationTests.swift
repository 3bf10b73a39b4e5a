import ArgumentParser
import Foundation
import ServiceConfiguration
import XCTest

@testable import cyclegan_style
@testable import cyclegan_styled

/// The examples in the documentation work, and its tables are complete.
final class DocumentationTests: StyleTestCase {
    /// A command line that a page shows.
    private struct Example {
        var page: String
        var words: [String]
        var text: String { "\(page): \(words.joined(separator: " "))" }
    }

    private func page(_ name: String) throws -> String {
        try String(contentsOf: Built.project.appendingPathComponent(name), encoding: .utf8)
    }

    private func pages() throws -> [String] {
        let docs = try FileManager.default.contentsOfDirectory(
            atPath: Built.project.appendingPathComponent("docs").path)
        return ["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
    }

    /// The lines of code blocks, indented or fenced, with those that a backslash continues put together.
    private func lines(of name: String) throws -> [String] {
        var isFenced = false, lines: [String] = []
        for line in try page(name).split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                isFenced.toggle()
            } else if isFenced || line.hasPrefix("    ") {
                let text = line.trimmingCharacters(in: .whitespaces)
                if let last = lines.last, last.hasSuffix("\\") {
                    lines[lines.count - 1] = last.dropLast() + text
                } else {
                    lines.append(text)
                }
            }
        }
        return lines
    }

    /// Every call of one of the programs, as a shell splits it.
    private func examples() throws -> [Example] {
        try pages().flatMap { name in
            try lines(of: name).compactMap { line -> Example? in
                guard line.hasPrefix("cyclegan-style ") || line.hasPrefix("cyclegan-styled ") else { return nil }
                let command = line.split(separator: /\s+[#|>]|;|&&/)[0]
                let words = try shell("set -f; printf '%s\\n' \(command)").output.split(separator: "\n").map(
                    String.init)
                return Example(page: name, words: words)
            }
        }
    }

    func testEveryCommandInTheDocumentation_isUnderstood() throws {
        let examples = try examples()
        XCTAssertGreaterThan(examples.count, 20)
        for example in examples {
            let program: any ParsableCommand.Type =
                example.words[0] == "cyclegan-style" ? CycleGANStyle.self : CycleGANStyled.self
            XCTAssertNoThrow(try program.parseAsRoot(Array(example.words.dropFirst())), example.text)
        }
    }

    /// Those that need neither the service nor a network nor hours are run, with a model that costs nothing.
    func testCommandsOnPhotosAndModels_work() throws {
        XCTAssertEqual(try style("models", "import", Self.checkpoint("training.pth"), "-o", "vangogh").status, 0)
        try photo("beach.jpg")
        try photo("photos/trip/harbour.png", seed: 2, .png)
        try "photos/trip/harbour.png\n".write(toFile: path("photos.txt"), atomically: true, encoding: .utf8)
        try FileManager.default.copyItem(atPath: Self.checkpoint("training.pth"), toPath: path("latest_net_G.pth"))
        var run = 0
        for example in try examples() where example.words[0] == "cyclegan-style" {
            guard example.words[1] == "translate" || example.words[1] == "models" && example.words[2] != "use" else {
                continue
            }
            let words = example.words.dropFirst().map { $0.contains("*") ? $0 : "'\($0)'" }.joined(separator: " ")
            let result = try shell("\"$style\" \(words)")
            XCTAssertEqual(result.status, 0, "\(example.text)\n\(result.output)")
            run += 1
        }
        XCTAssertGreaterThan(run, 4)
    }

    func testConfigurationsInTheDocumentation_areRead() throws {
        var read = 0
        for name in try pages() {
            for block in try page(name).matches(of: /```yaml\n((?:.|\n)*?)```/) {
                XCTAssertNoThrow(try ServiceConfiguration.Configuration.parse(String(block.1)), "\(name): \(block.1)")
                read += 1
            }
        }
        XCTAssertGreaterThan(read, 1)
    }

    func testOperations_sayWhatToDoAboutEveryMessage() throws {
        let catalog = try page("systemd/cyclegan-styled.catalog"), operations = try page("docs/operations.md")
        let subjects = catalog.matches(of: /(?m)^Subject: (.+)$/).map { String($0.1) }
        XCTAssertGreaterThan(subjects.count, 10)
        for subject in subjects { XCTAssertTrue(operations.contains("\n| \(subject) | "), subject) }
    }

    func testSecurity_explainsEveryLineOfTheSandbox() throws {
        let unit = try page("systemd/cyclegan-styled.service"), security = try page("docs/security.md")
        let service = try XCTUnwrap(unit.split(separator: "[Service]").last?.split(separator: "[Install]").first)
        // What starts and stops the service is no sandbox.
        let others: Set = [
            "Type", "ExecStart", "ExecReload", "Restart", "RestartSec", "RestartPreventExitStatus", "TimeoutStartSec",
            "TimeoutStopSec",
            "WatchdogSec", "StateDirectoryMode", "RuntimeDirectoryMode",
        ]
        var explained = 0
        for match in service.matches(of: /(?m)^(\w+)=(.*)$/) where !others.contains(String(match.1)) {
            let name = String(match.1), line = "\(name)=\(match.2)"
            XCTAssertTrue(security.contains("`\(name)=`") || security.contains("`\(line)`"), line)
            explained += 1
        }
        XCTAssertGreaterThan(explained, 30)
    }

    func testWatching_namesEverySituation() throws {
        let watching = try page("docs/watching.md")
        let listed = watching.matches(of: /(?m)^\| T(\d+)\*? \| .+ \| .+ \|$/).compactMap { Int($0.1) }
        XCTAssertEqual(listed, Array(1...47))
        let tests = try FileManager.default.contentsOfDirectory(
            atPath: Built.project.appendingPathComponent("Tests/DirectoryWatchingTests").path)
        var named: Set<Int> = []
        for file in tests where file.hasSuffix(".swift") {
            named.formUnion(
                try page("Tests/DirectoryWatchingTests/\(file)").matches(of: /\bT(\d+)\b/).compactMap { Int($0.1) })
        }
        XCTAssertEqual(named.subtracting(listed), [])
    }

    func testVersions_agree() throws {
        let changelog = try page("CHANGELOG.md"), debian = try page("debian/changelog")
        XCTAssertTrue(changelog.contains("\n## [\(Version.current)] - "))
        XCTAssertTrue(debian.hasPrefix("cyclegan-styled (\(Version.current))"))
    }

    /// The last section of the README has a line for every target that people call.
    func testReadme_namesTheTargets() throws {
        let making = try XCTUnwrap(page("README.md").split(separator: "\n## ").last)
        XCTAssertTrue(making.hasPrefix("Making\n"))
        for target in [
            "help", "test", "lint", "man", "bench", "fuzz", "sanitize", "deb", "package-test", "install", "uninstall",
        ] {
            XCTAssertTrue(making.contains("\n    make \(target) "), target)
        }
        let offered = try runCommand(["make", "-C", Built.project.path, "--no-print-directory", "help"]).output
        for match in making.matches(of: /make ([a-z-]+)/) {
            XCTAssertTrue(offered.contains("make \(match.1) "), "\(match.1)")
        }
    }
}
