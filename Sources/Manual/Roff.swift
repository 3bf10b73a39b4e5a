/// Text as manual pages have it.
enum Roff {
    /// Plain text: nothing in it is a command or a special character.
    static func text(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("→", with: "\\(->")
        return escaped.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.first == "." || line.first == "'" ? "\\&" + line : String(line)
        }.joined(separator: "\n")
    }

    static func bold(_ text: String) -> String { "\\fB\(Self.text(text))\\fR" }

    static func italic(_ text: String) -> String { "\\fI\(Self.text(text))\\fR" }

    /// A term, and what is said of it.
    static func item(_ term: String, _ lines: [String]) -> [String] { [".TP", term] + lines }
}
