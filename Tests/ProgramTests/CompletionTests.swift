import Foundation
import XCTest

/// `--version` and completion in a shell.
final class CompletionTests: StyleTestCase {
    /// What bash offers for the last word of a command line.
    private func completions(_ line: String) throws -> [String] {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map { "'\($0)'" }
        let result = try shell(
            """
            PATH="$(dirname "$style"):$PATH"
            source <("$style" --generate-completion-script bash)
            COMP_WORDS=(\(words.joined(separator: " "))); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}
            _cyclegan-style cyclegan-style "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """)
        XCTAssertEqual(result.status, 0, result.output)
        return result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    func testVersion_ofBothPrograms() throws {
        for name in ["cyclegan-style", "cyclegan-styled"] {
            let result = try runCommand([Built.programs.appendingPathComponent(name).path, "--version"])
            XCTAssertEqual(result.status, 0)
            XCTAssertNotNil(
                result.output.wholeMatch(
                    of: try Regex("\(name) [0-9]+\\.[0-9]+\\.[0-9]+( \\(revision [-0-9a-z]+\\))?\nkernels: [a-z0-9]+\n")
                ),
                result.output)
        }
    }

    func testKernelsThatThisMachineLacks_areAnErrorOfUsage() throws {
        for name in ["cyclegan-style", "cyclegan-styled"] {
            let program = Built.programs.appendingPathComponent(name).path
            let result = try runCommand([program, "--version"], environment: ["CYCLEGAN_STYLED_KERNELS": "vector9"])
            XCTAssertEqual(result.status, 64, result.output)
            XCTAssertTrue(
                result.output.contains("CYCLEGAN_STYLED_KERNELS is \"vector9\"; this machine can run "), result.output)
            XCTAssertEqual(
                try runCommand([program, "--version"], environment: ["CYCLEGAN_STYLED_KERNELS": "portable"]).status, 0)
        }
    }

    func testBash_completesStylesVariantsAndFilesAndKeepsNames() throws {
        try importTiny()
        try photo("sea side.jpg")
        XCTAssertEqual(try completions("cyclegan-style translate --style ti"), ["tiny"])
        XCTAssertTrue(try completions("cyclegan-style translate --style ").contains("vangogh"))
        XCTAssertEqual(
            Set(try completions("cyclegan-style train --variant ")), ["original", "leaky-relu", "semantic", "hybrid"])
        XCTAssertEqual(try completions("cyclegan-style translate se"), ["sea side.jpg"])
        XCTAssertEqual(try completions("cyclegan-style translate --metadata ").sorted(), ["all", "basic", "none"])
        XCTAssertTrue(try completions("cyclegan-style tr").contains("translate"))
        let script = try style("--generate-completion-script", "bash").output
        XCTAssertTrue(
            script.contains("complete -o default -o filenames -F _cyclegan-style cyclegan-style"),
            "names are kept where nothing else is known")
    }

    func testBash_completesConfigurationKeys() throws {
        let script = try runCommand([
            Built.programs.appendingPathComponent("cyclegan-styled").path, "--generate-completion-script", "bash",
        ])
        XCTAssertEqual(script.status, 0)
        for key in ["settle", "limits.max-pixels", "metrics", "outbox"] {
            XCTAssertTrue(
                script.output.contains(" \(key)") || script.output.contains("\n\(key)")
                    || script.output.contains("'\(key)"), key)
        }
    }

    func testFish_completesStylesAndKeys() throws {
        try XCTSkipUnless(try runCommand(["sh", "-c", "command -v fish"]).status == 0, "fish is not installed")
        try importTiny()
        // Fish completes on a terminal only.
        let offered = try shell(
            """
            export PATH="$(dirname "$style"):$PATH" TERM=xterm
            for name in cyclegan-style cyclegan-styled; do $name --generate-completion-script fish; done > script.fish
            for line in 'cyclegan-style translate --style ti' 'cyclegan-styled --print-config sett'; do
                { sleep 2; printf 'source script.fish\\r'; sleep 2; printf '%s\\t' "$line"; sleep 4; printf \
                '\\003exit\\r'; sleep 1; } |
                    timeout 60 script -qec 'fish --private --no-config' /dev/null
            done
            """)
        XCTAssertTrue(offered.output.contains("tiny"), offered.output)
        XCTAssertTrue(offered.output.contains("settle"), offered.output)
    }

    func testZsh_readsTheScripts() throws {
        try XCTSkipUnless(try runCommand(["sh", "-c", "command -v zsh"]).status == 0, "zsh is not installed")
        for name in ["cyclegan-style", "cyclegan-styled"] {
            let result = try shell(
                "\"$(dirname \"$style\")\"/\(name) --generate-completion-script zsh > script && zsh -n script && head "
                    + "-1 script"
            )
            XCTAssertEqual(result.status, 0, result.output)
            XCTAssertTrue(result.output.hasPrefix("#compdef \(name)"), result.output)
        }
    }

    /// What is installed is one program under two names.
    func testServicesProgram_isTheCommandLineToo() throws {
        let link = path("cyclegan-style")
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: Built.programs.appendingPathComponent("cyclegan-styled").path)
        XCTAssertTrue(try runCommand([link, "--version"]).output.hasPrefix("cyclegan-style "))
        XCTAssertTrue(try runCommand([link, "models", "list"]).output.contains("vangogh"))
        let service = try runCommand([Built.programs.appendingPathComponent("cyclegan-styled").path, "--version"])
        XCTAssertTrue(service.output.hasPrefix("cyclegan-styled "))
    }
}
