import Foundation

/// A program as the argument parser describes it (`--experimental-dump-help`): its commands and their arguments.
package struct ToolDescription: Decodable {
    package struct Name: Decodable {
        var kind: String
        var name: String

        var written: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }

    package struct Argument: Decodable {
        var kind: String
        var shouldDisplay: Bool
        var sectionTitle: String?
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var preferredName: Name?
        var valueName: String?
        var defaultValue: String?
        var allValues: [String]?
        var abstract: String?
        var discussion: String?

        /// As tables name it.
        package var name: String { preferredName?.written ?? valueName ?? "" }
    }

    package struct Command: Decodable {
        package var commandName: String
        var shouldDisplay: Bool
        var abstract: String?
        var discussion: String?
        package var subcommands: [Command]?
        package var arguments: [Argument]?

        /// What the manual says something of: not the help that every command has.
        package var shown: [Argument] {
            (arguments ?? []).filter { $0.shouldDisplay && $0.name != "--help" && $0.name != "--version" }
        }

        var shownCommands: [Command] { (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" } }

        /// Every command that does something, with the words that call it.
        package func commands(below words: [String] = []) -> [(words: [String], command: Command)] {
            let own = words + [commandName], below = shownCommands
            return below.isEmpty ? [(own, self)] : below.flatMap { $0.commands(below: own) }
        }
    }

    package var command: Command

    /// - Throws: `DecodingError` where the text is something else.
    package init(json: String) throws { self = try JSONDecoder().decode(ToolDescription.self, from: Data(json.utf8)) }
}
