import LinuxFiles

/// One key of the configuration, in one place: how it is read, how it is printed, what it means, and what has to happen
/// when its value changes. `Settings` is the part of the configuration that holds the value.
package struct ConfigurationKey<Settings> {
    package let name: String
    /// What it is for, with the values that it takes.
    package let help: String
    package let effects: KeyEffects
    /// The values that it takes, for the manual.
    package let type: String
    /// The value as a configuration file says it. Two values are the same where this is.
    package let text: (Settings) -> String
    /// The value as it stands in a picture's fingerprint; nil where the picture does not depend on it.
    let fingerprint: ((Settings) -> String)?
    /// Takes the value from other settings.
    let copy: (Settings, inout Settings) -> Void
    /// Takes the value out of a section of the file; a missing or wrong one leaves the settings as they are.
    let read: (ConfigurationSection, inout Settings) -> Void

    /// - Parameters:
    ///   - type: the values that it takes, for the manual.
    ///   - text: the value as a configuration file says it.
    ///   - fingerprint: the same for fingerprints; nil where the text will do.
    ///   - parse: takes the value out of a section; nil where it is missing or wrong.
    init<Value>(
        _ name: String, _ path: WritableKeyPath<Settings, Value>, _ help: String, _ effects: KeyEffects = [],
        type: String = "text", text: @escaping (Value) -> String, fingerprint: ((Value) -> String)? = nil,
        parse: @escaping (ConfigurationSection) -> Value?
    ) {
        self.name = name
        self.help = help
        self.effects = effects
        self.type = type
        self.text = { text($0[keyPath: path]) }
        self.fingerprint = effects.contains(.changesThePicture) ? { (fingerprint ?? text)($0[keyPath: path]) } : nil
        copy = { $1[keyPath: path] = $0[keyPath: path] }
        read = { if let value = parse($0) { $1[keyPath: path] = value } }
    }

    /// A key of a part of these settings.
    init<Part>(_ key: ConfigurationKey<Part>, of part: WritableKeyPath<Settings, Part>) {
        name = key.name
        help = key.help
        effects = key.effects
        type = key.type
        text = { key.text($0[keyPath: part]) }
        fingerprint = key.fingerprint.map { own in { own($0[keyPath: part]) } }
        copy = { key.copy($0[keyPath: part], &$1[keyPath: part]) }
        read = { key.read($0, &$1[keyPath: part]) }
    }
}

/// What has to happen when a key's value changes, beyond that photos taken from then on follow it.
package struct KeyEffects: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The new value is used after a restart.
    package static let needsRestart = KeyEffects(rawValue: 1)
    /// Another picture comes out: one made before is not used again for the same photo.
    package static let changesThePicture = KeyEffects(rawValue: 2)
    /// The inbox is watched anew.
    package static let changesTheWatcher = KeyEffects(rawValue: 4)
}

// MARK: Kinds of values

extension ConfigurationKey {
    typealias Path<Value> = WritableKeyPath<Settings, Value>

    static func duration(
        _ name: String, _ path: Path<Duration>, in range: ClosedRange<Duration>, _ help: String,
        _ effects: KeyEffects = []
    ) -> Self {
        let type = "duration from \(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))"
        return Self(name, path, help, effects, type: type, text: { Quantity.text($0) }) { $0.duration(name, in: range) }
    }

    /// `forever` is nil.
    static func retention(_ name: String, _ path: Path<Duration?>, _ help: String) -> Self {
        let range = Duration.seconds(60)...Duration.seconds(1_000_000_000)
        return Self(
            name, path, help, [], type: "duration of a minute or more, or forever",
            text: { $0.map(Quantity.text) ?? "forever" }
        ) { section -> Duration?? in
            section.isWord("forever", name) ? .some(nil) : section.duration(name, in: range).map { .some($0) }
        }
    }

    /// `auto` is nil.
    static func automatic<Value>(
        _ name: String, _ path: Path<Value?>, _ help: String, _ effects: KeyEffects, type: String = "auto, or a value",
        text: @escaping (Value) -> String, parse: @escaping (ConfigurationSection) -> Value?
    ) -> Self {
        Self(name, path, help, effects, type: type, text: { $0.map(text) ?? "auto" }) { section -> Value?? in
            section.isWord("auto", name) ? .some(nil) : parse(section).map { .some($0) }
        }
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ path: Path<Choice>, _ help: String, _ effects: KeyEffects = []
    ) -> Self where Choice.RawValue == String {
        let type = "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return Self(name, path, help, effects, type: type, text: \.rawValue) { $0.choice(name) }
    }

    static func flag(_ name: String, _ path: Path<Bool>, _ help: String, _ effects: KeyEffects = []) -> Self {
        Self(name, path, help, effects, type: "yes or no", text: { $0 ? "yes" : "no" }) { $0.boolean(name) }
    }

    static func integer(
        _ name: String, _ path: Path<Int>, in range: ClosedRange<Int>, _ help: String, _ effects: KeyEffects = []
    ) -> Self {
        let type = "whole number from \(range.lowerBound) to \(range.upperBound)"
        return Self(name, path, help, effects, type: type, text: { "\($0)" }) { $0.integer(name, in: range) }
    }

    static func fraction(_ name: String, _ path: Path<Double>, _ help: String, _ effects: KeyEffects = []) -> Self {
        Self(name, path, help, effects, type: "number from 0 to 1", text: { "\($0)" }) { $0.fraction(name, in: 0...1) }
    }

    static func count(_ name: String, _ path: Path<Int>, in range: ClosedRange<Int>, _ help: String) -> Self {
        let type = "count from \(range.lowerBound) to \(range.upperBound)"
        return Self(name, path, help, [], type: type, text: { "\($0)" }) { $0.count(name, in: range) }
    }

    static func bytes(_ name: String, _ path: Path<Int>, in range: ClosedRange<Int>, _ help: String) -> Self {
        let type = "size from \(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound))"
        return Self(name, path, help, [], type: type, text: { Quantity.text(bytes: $0) }) { $0.bytes(name, in: range) }
    }

    /// A directory's path. What a relative one is relative to is decided when all keys are read.
    static func directory(_ name: String, _ path: Path<BytePath>, _ help: String, _ effects: KeyEffects = []) -> Self {
        Self(name, path, help, effects, type: "directory", text: { quoted($0.description) }) { section in
            guard let text = section.text(name) else { return nil }
            if text.isEmpty { section.problem(name, "must name a directory") }
            return BytePath(text)
        }
    }

    /// The absolute path of a file with a given ending; `off` is nil.
    static func file(_ name: String, _ path: Path<BytePath?>, ending: String, _ help: String) -> Self {
        Self(
            name, path, help, [], type: "file, or off", text: { $0.map { quoted($0.description) } ?? "off" }
        ) { section -> BytePath?? in
            if section.isWord("off", name) { return .some(nil) }
            guard let text = section.text(name) else { return nil }
            guard text.hasPrefix("/"), text.hasSuffix(ending) else {
                section.problem(name, "'\(text)' must be off, or an absolute path that ends in \(ending)")
                return nil
            }
            return .some(BytePath(text).normalized)
        }
    }
}

/// A text as YAML has it between double quotes.
func quoted(_ text: String) -> String {
    "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
}
