/// Collects what is wrong while the sections are read, so that a person sees all of it at once.
final class ConfigurationProblems {
    private(set) var found: [ConfigurationProblem] = []

    func add(_ position: SourcePosition?, _ message: String) {
        found.append(ConfigurationProblem(position: position, message: message))
    }
}

/// Reads one map of the configuration. Every key that is asked for becomes known; `finish` reports the others.
/// A value that is missing, or wrong, gives nil: the caller goes on with the default, and the problem is on the list.
final class ConfigurationSection {
    let position: SourcePosition
    private let entries: [ConfigurationTree.Entry]
    private let path: String
    private let problems: ConfigurationProblems
    private var known: Set<String> = []

    init(_ tree: ConfigurationTree, path: String = "", problems: ConfigurationProblems) {
        position = tree.position
        self.path = path
        self.problems = problems
        switch tree.value {
        case .map(let entries): self.entries = entries
        case .nothing: entries = []
        default:
            entries = []
            problems.add(tree.position, "\(path.isEmpty ? "the configuration" : path) needs keys with values below it")
        }
    }

    private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func entry(_ key: String) -> ConfigurationTree.Entry? {
        known.insert(key)
        return entries.first { $0.key == key }
    }

    var allEntries: [ConfigurationTree.Entry] { entries }

    func problem(_ key: String, _ message: String) {
        problems.add(entries.first { $0.key == key }?.node.position ?? position, "\(name(key)): \(message)")
    }

    func section(_ key: String) -> ConfigurationSection? {
        entry(key).map { ConfigurationSection($0.node, path: name(key), problems: problems) }
    }

    /// Whether the value is this word.
    func isWord(_ word: String, _ key: String) -> Bool {
        if case .scalar(word) = entry(key)?.node.value { true } else { false }
    }

    /// The text of a value.
    func text(_ key: String) -> String? {
        guard let entry = entry(key) else { return nil }
        switch entry.node.value {
        case .scalar(let text): return text
        case .nothing: return nil
        case .list: problems.add(entry.node.position, "\(name(key)): one value is expected here, not a list")
        case .map: problems.add(entry.node.position, "\(name(key)): one value is expected here, not keys with values")
        }
        return nil
    }

    /// The texts of a list; one text alone is a list of one.
    func texts(_ key: String) -> [String]? {
        guard let entry = entry(key), case .list(let nodes) = entry.node.value else { return text(key).map { [$0] } }
        return nodes.compactMap { node in
            if case .scalar(let text) = node.value { return text }
            problems.add(node.position, "\(name(key)): a list of plain words is expected here")
            return nil
        }
    }

    /// A value that `parse` understands; `expected` says in words what that is.
    func value<Value>(_ key: String, expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = text(key) else { return nil }
        if let value = parse(text) { return value }
        problem(key, "'\(text)' is not \(expected)")
        return nil
    }

    func number<Value: Comparable>(
        _ key: String, in range: ClosedRange<Value>, expected: String, show: (Value) -> String = { "\($0)" },
        _ parse: (String) -> Value?
    ) -> Value? {
        guard let value = value(key, expected: expected, parse) else { return nil }
        if range.contains(value) { return value }
        problem(
            key,
            "\(show(value)) is out of range: it must lie between \(show(range.lowerBound)) and "
                + "\(show(range.upperBound))"
        )
        return nil
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        number(key, in: range, expected: "a whole number") { Int($0) }
    }

    func fraction(_ key: String, in range: ClosedRange<Double>) -> Double? {
        number(key, in: range, expected: "a number") { Double($0) }
    }

    func count(_ key: String, in range: ClosedRange<Int>) -> Int? {
        number(key, in: range, expected: "a count such as 1000 or 100M", Quantity.count)
    }

    func bytes(_ key: String, in range: ClosedRange<Int>) -> Int? {
        number(key, in: range, expected: "a size such as 256M or 2G", show: Quantity.text(bytes:), Quantity.bytes)
    }

    func duration(_ key: String, in range: ClosedRange<Duration>) -> Duration? {
        number(
            key, in: range, expected: "a duration such as 500ms, 2s, 5min or 1h", show: Quantity.text, Quantity.duration
        )
    }

    func boolean(_ key: String) -> Bool? {
        value(key, expected: "yes or no") { text in
            switch text.lowercased() {
            case "yes", "true", "on": true
            case "no", "false", "off": false
            default: nil
            }
        }
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _: Choice.Type = Choice.self) -> Choice?
    where Choice.RawValue == String {
        guard let text = text(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        problem(key, "'\(text)' is none of \(words.joined(separator: ", "))\(didYouMean(text, among: words))")
        return nil
    }

    /// Reports every key that nobody asked for.
    func finish() {
        for entry in entries where !known.contains(entry.key) {
            problems.add(
                entry.position, "unknown key '\(name(entry.key))'\(didYouMean(entry.key, among: known.sorted()))")
        }
    }
}
