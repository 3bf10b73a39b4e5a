import ArgumentParser
import Foundation
import ServiceConfiguration
import XCTest

@testable import Manual
@testable import cyclegan_style
@testable import cyclegan_styled

/// The manual pages say what the code says.
final class ManualTests: XCTestCase {
    private let pages = Built.project.appendingPathComponent("docs/man")

    func testPages_areNotStale() throws {
        let result = try runCommand([pages.appendingPathComponent("update.sh").path, Built.programs.path, "--check"])
        XCTAssertEqual(result.status, 0, result.output)
    }

    /// A check that finds nothing would let every page go stale.
    func testStalePage_isFound() throws {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("manual-\(getpid())")
        try? FileManager.default.removeItem(at: copy)
        try FileManager.default.copyItem(at: pages, to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        let page = copy.appendingPathComponent("cyclegan-styled.yaml.5")
        let text = try String(contentsOf: page, encoding: .utf8)
        try text.replacing("\\fBsettle\\fR", with: "\\fBsetle\\fR").write(to: page, atomically: true, encoding: .utf8)
        let check = try runCommand([copy.appendingPathComponent("update.sh").path, Built.programs.path, "--check"])
        XCTAssertNotEqual(check.status, 0)
        XCTAssertTrue(check.output.contains("cyclegan-styled.yaml.5 is stale: make man"), check.output)
        XCTAssertEqual(try runCommand([copy.appendingPathComponent("update.sh").path, Built.programs.path]).status, 0)
        XCTAssertEqual(try String(contentsOf: page, encoding: .utf8), text)
    }

    func testPages_areWellFormed() throws {
        try XCTSkipUnless(try runCommand(["sh", "-c", "command -v groff"]).status == 0, "groff is not installed")
        for page in ["cyclegan-style.1", "cyclegan-styled.8", "cyclegan-styled.yaml.5"] {
            let path = pages.appendingPathComponent(page).path
            let complaints = try runCommand(["sh", "-c", "groff -man -Tutf8 -ww -K utf8 '\(path)' 2>&1 > /dev/null"])
            XCTAssertEqual(complaints.output, "", page)
        }
    }

    func testEveryKey_hasAnExampleThatIsRead() throws {
        let keys = ServiceConfiguration.Configuration.reference.flatMap(\.keys)
        XCTAssertGreaterThan(keys.count, 30)
        let standard = try ServiceConfiguration.Configuration.parse("").yaml
        for key in keys {
            XCTAssertFalse(key.example.isEmpty, "KeyExamples has nothing for \(key.name)")
            XCTAssertNotEqual(key.type, "text", "\(key.name) says nothing of its values")
            do {
                let configuration = try ServiceConfiguration.Configuration.parse(key.example)
                XCTAssertNotEqual(configuration.yaml, standard, "\(key.example) changes nothing")
            } catch { XCTFail("\(key.example): \(error)") }
        }
    }

    func testEveryOption_hasAnExampleThatIsRead() throws {
        var checked = 0
        for program in [CycleGANStyle.self, CycleGANStyled.self] as [any ParsableCommand.Type] {
            for (words, command) in try ToolDescription(json: program._dumpHelp()).command.commands() {
                for argument in command.shown {
                    XCTAssertFalse(
                        OptionExamples.words(argument, of: command.commandName).isEmpty,
                        "OptionExamples has nothing for \(argument.name) of \(words)")
                    let line =
                        Array(words.dropFirst()) + requisites(words, command, argument)
                        + OptionExamples.words(argument, of: command.commandName)
                    do { _ = try program.parseAsRoot(line) } catch {
                        // The networks of a training that goes on are given; it takes the options of train to say so.
                        let isTold = words.last == "finetune" && "\(error)".contains("cannot be given to finetune")
                        XCTAssertTrue(isTold, "\(line): \(error)")
                    }
                    checked += 1
                }
            }
        }
        XCTAssertGreaterThan(checked, 150)
    }

    /// What a command wants beside the argument.
    private func requisites(_ words: [String], _ command: ToolDescription.Command, _ argument: ToolDescription.Argument)
        -> [String]
    {
        let needed = (command.arguments ?? []).filter { !$0.isOptional && $0.shouldDisplay && $0.name != argument.name }
        return Self.alsoNeeded(words.last ?? "", argument.name)
            + needed.flatMap { OptionExamples.words($0, of: command.commandName) }
    }

    /// What the description does not say.
    private static func alsoNeeded(_ command: String, _ argument: String) -> [String] {
        switch (command, argument) {
        case ("translate", "--null"), ("translate", "--relative-to"): ["--list", "photos.txt"]
        case ("translate", "--list"), ("translate", "photo"): []
        case ("translate", _): ["beach.jpg"]
        case ("ablate", "--photos"): ["--paintings", "paintings", "--iterations", "10"]
        case ("ablate", "--paintings"): ["--photos", "photos", "--iterations", "10"]
        case ("ablate", "--iterations"), ("ablate", "--minutes"): ["--photos", "photos", "--paintings", "paintings"]
        case ("retry", "--all"), ("retry", "files"): []
        case ("retry", _): ["beach.jpg"]
        case ("evaluate", "--back"): ["--style", "vangogh", "--photos", "photos"]
        case ("evaluate", "--style"): ["--photos", "photos"]
        case ("evaluate", "--photos"): ["--style", "vangogh"]
        case ("evaluate", "--generated"): []
        case ("evaluate", _): ["--generated", "pictures"]
        case ("retrain", "style"): []
        case ("retrain", _): ["vangogh"]
        case ("cyclegan-styled", "keys"): ["--print-config"]
        default: []
        }
    }
}
