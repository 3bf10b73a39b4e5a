import Foundation
import LinuxFiles

extension TrainingConfiguration {
    /// In a run's directory.
    package static let fileName = "training.yaml"

    /// As a YAML mapping of scalars, every key that is set on a line of its own.
    package var yaml: String {
        let lines = Self.keys.compactMap { key in key.text(self).map { "\(key.name): \(Self.scalar($0))\n" } }
        return "# What this run does. Unknown keys are errors.\n" + lines.joined()
    }

    /// Reads what `yaml` writes, and the same by hand: one `key: value` a line, values plain or in double quotes,
    /// comments after #. Throws naming file, line and key.
    package init(yaml: String, path: String) throws {
        self.init()
        var seen: [String: Int] = [:]
        // Some editors begin UTF-8 with a byte order mark.
        let yaml = yaml.unicodeScalars.first == "\u{FEFF}" ? String(yaml.unicodeScalars.dropFirst()) : yaml
        for (index, line) in yaml.textLines.enumerated() {
            let number = index + 1
            func fail(_ reason: String) -> TrainingError { TrainingError("\(path):\(number): \(reason)") }
            let content = line.trimmingCharacters(in: .whitespaces)
            if content.isEmpty || content.hasPrefix("#") { continue }
            guard line.first?.isWhitespace != true, let colon = content.firstIndex(of: ":") else {
                throw fail("expected 'key: value'")
            }
            let key = String(content[..<colon])
            let rest = content[content.index(after: colon)...]
            guard rest.isEmpty || rest.first?.isWhitespace == true else {
                throw fail("\(key): there is no space after the colon")
            }
            guard let value = Self.value(rest.trimmingCharacters(in: .whitespaces)) else {
                throw fail("\(key): the value is not a plain or double-quoted text")
            }
            if let before = seen.updateValue(number, forKey: key) {
                throw fail("\(key) is set in line \(before) already")
            }
            do { try set(key, value) } catch let error as TrainingError { throw fail(error.description) }
        }
    }

    package init(contentsOf path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TrainingError("\(path) cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else { throw TrainingError("\(path) is not UTF-8 text") }
        try self.init(yaml: text, path: path)
    }

    private static let escapes: [(character: Character, code: Character)] = [
        ("\\", "\\"), ("\"", "\""), ("\n", "n"), ("\t", "t"), ("\r", "r"),
    ]

    /// Plain where YAML has no other reading of it.
    private static func scalar(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                || "/._,+-".unicodeScalars.contains($0)
        }
        if plain, let first = text.first, first != "-", first != ",", first != "." { return text }
        return "\"" + text.map { c in escapes.first { $0.character == c }.map { "\\\($0.code)" } ?? String(c) }.joined()
            + "\""
    }

    /// The text of a scalar; nil where it is not one.
    private static func value(_ scalar: String) -> String? {
        guard scalar.hasPrefix("\"") else {
            let plain = scalar.range(of: " #").map { String(scalar[..<$0.lowerBound]) } ?? scalar
            guard let first = plain.first, !"'[]{}&*!|>%@`#".contains(first), !plain.contains(": ") else { return nil }
            return plain.trimmingCharacters(in: .whitespaces)
        }
        var result = "", rest = scalar.dropFirst()
        while let c = rest.popFirst() {
            if c == "\"" {
                let tail = rest.trimmingCharacters(in: .whitespaces)
                return tail.isEmpty || tail.hasPrefix("#") ? result : nil
            }
            if c == "\\" {
                guard let code = rest.popFirst(), let escape = escapes.first(where: { $0.code == code }) else {
                    return nil
                }
                result.append(escape.character)
            } else {
                result.append(c)
            }
        }
        return nil
    }
}
