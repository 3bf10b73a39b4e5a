/// The reference part of a program's manual page: every command with its arguments.
package struct CommandManual {
    private let tool: ToolDescription

    package init(_ tool: ToolDescription) { self.tool = tool }

    package var text: String {
        let commands = tool.command.commands()
        var lines: [String] = []
        for (words, command) in commands {
            if commands.count > 1 {
                lines += [".SS \(Roff.text(words.joined(separator: " ")))"]
                lines += [command.abstract, command.discussion].compactMap(\.self).filter { !$0.isEmpty }.flatMap {
                    [Roff.text($0), ".PP"]
                }
            }
            var section: String?
            for argument in command.shown {
                if let title = argument.sectionTitle, title != section { lines += [".PP", "\(Roff.italic(title)):"] }
                section = argument.sectionTitle
                lines += item(argument, of: command.commandName)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func item(_ argument: ToolDescription.Argument, of command: String) -> [String] {
        let written = (argument.names ?? []).map(\.written).sorted { $0.count < $1.count }
        var term = written.map(Roff.bold).joined(separator: ", ")
        if argument.kind == "positional" {
            term = Roff.italic(argument.valueName ?? "") + (argument.isRepeating ? " ..." : "")
        } else if argument.kind == "option" {
            term += " " + Roff.italic(argument.valueName ?? "")
        }
        let help = ArgumentHelpText(argument)
        let example = OptionExamples.example(argument, of: command)
        return Roff.item(
            term,
            [
                Roff.text(help.sentence), ".br", Roff.text("Type: \(help.type). Default: \(help.standard)."), ".br",
                "Example: \(Roff.bold(example))",
            ])
    }
}

/// What the parser's help text says of an argument, taken apart.
struct ArgumentHelpText {
    /// The explanation, without the default.
    var sentence: String
    var type: String
    var standard: String

    init(_ argument: ToolDescription.Argument) {
        var text = argument.abstract ?? ""
        var told: String?
        if let match = text.firstMatch(of: /\s*\((?:default: )?([^()]*)\)(?=(?: \.\.\.|[.,])*$)/) {
            // A page that tells more is no default.
            if !match.1.hasPrefix("docs/") {
                told = String(match.1)
                text.removeSubrange(match.range)
            }
        }
        sentence = text.hasSuffix(".") || text.hasSuffix(",") || text.isEmpty ? text : text + "."
        let isFlag = argument.kind == "flag"
        let none = argument.isOptional || argument.kind == "option" ? "none" : "it must be given"
        standard = argument.defaultValue ?? told ?? (isFlag ? "off" : argument.isOptional ? none : "it must be given")
        type = isFlag ? "flag" : Self.type(argument)
    }

    private static func type(_ argument: ToolDescription.Argument) -> String {
        if let type = OptionExamples.typesByName[argument.name] { return type }
        if let values = argument.allValues, !values.isEmpty { return "one of " + values.joined(separator: ", ") }
        return OptionExamples.types[argument.valueName ?? ""] ?? "text"
    }
}
