import Foundation
import LinuxFiles
import Yams

/// A configuration file's content with the place of every key and value, and the merging of several files.
struct ConfigurationTree: Sendable {
    enum Value: Sendable {
        case scalar(String)
        /// Nothing after the colon: the default holds.
        case nothing
        case list([ConfigurationTree])
        case map([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var position: SourcePosition
        var node: ConfigurationTree
    }

    var value: Value
    var position: SourcePosition

    static func empty(_ file: String) -> ConfigurationTree {
        ConfigurationTree(value: .map([]), position: SourcePosition(file: file, line: 1, column: 1))
    }

    /// Parses one file's text.
    /// - Throws: `ConfigurationProblem` with the place of the first thing that is no YAML.
    static func parse(_ text: String, file: String) throws -> ConfigurationTree {
        // Some editors begin UTF-8 with a byte order mark, which is no part of the first key.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        do {
            guard let node = try Yams.compose(yaml: text) else { return .empty(file) }
            return try convert(node, file: file)
        } catch let error as YamlError {
            throw problem(error, text: text, file: file)
        }
    }

    private static func convert(_ node: Node, file: String) throws -> ConfigurationTree {
        let mark = node.mark
        let position = SourcePosition(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            let isNothing = isPlain && ["", "~", "null"].contains(scalar.string.lowercased())
            return ConfigurationTree(value: isNothing ? .nothing : .scalar(scalar.string), position: position)
        case .sequence(let sequence):
            return ConfigurationTree(value: .list(try sequence.map { try convert($0, file: file) }), position: position)
        case .mapping(let mapping):
            let entries = try mapping.map { key, value in
                let place = SourcePosition(
                    file: file, line: key.mark?.line ?? position.line, column: key.mark?.column ?? 1)
                guard case .scalar(let name) = key else {
                    throw ConfigurationProblem(position: place, message: "a key must be a plain word")
                }
                return Entry(key: name.string, position: place, node: try convert(value, file: file))
            }
            return ConfigurationTree(value: .map(entries), position: position)
        case .alias:
            throw ConfigurationProblem(position: position, message: "an alias cannot be used here")
        }
    }

    private static func problem(_ error: YamlError, text: String, file: String) -> ConfigurationProblem {
        func at(_ line: Int, _ column: Int, _ message: String) -> ConfigurationProblem {
            ConfigurationProblem(position: SourcePosition(file: file, line: line, column: column), message: message)
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            return at(
                mark.line, mark.column,
                "not valid YAML: " + [context?.text, problem].compactMap(\.self).joined(separator: ", "))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = duplicates.first ?? ""
            let place = secondUse(of: key, after: context.mark, in: text)
            return at(place.line, place.column, "the key '\(key)' is given twice")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.textLines
            return at(max(line.count, 1), (line.last?.count ?? 0) + 1, "not readable as YAML: \(problem)")
        default:
            return at(1, 1, "not valid YAML: \(error)")
        }
    }

    /// Yams says where the mapping starts; a person looks for the repeated key.
    private static func secondUse(of key: String, after mark: Mark, in text: String) -> (line: Int, column: Int) {
        var uses = 0
        for (index, line) in text.textLines.enumerated().dropFirst(mark.line - 1) {
            let indentation = line.prefix { $0 == " " }.count
            guard line.dropFirst(indentation).hasPrefix("\(key):"), indentation == mark.column - 1 else { continue }
            uses += 1
            if uses == 2 { return (index + 1, indentation + 1) }
        }
        return (mark.line, mark.column)
    }

    /// `other` on top of this one: maps merge key by key, everything else is replaced.
    func merged(with other: ConfigurationTree) -> ConfigurationTree {
        guard case .map(var mine) = value, case .map(let theirs) = other.value else {
            if case .nothing = other.value { return self }
            return other
        }
        for entry in theirs {
            if let index = mine.firstIndex(where: { $0.key == entry.key }) {
                let merged = mine[index].node.merged(with: entry.node)
                let isOther = merged.position == entry.node.position
                mine[index] = Entry(
                    key: entry.key, position: isOther ? entry.position : mine[index].position, node: merged)
            } else {
                mine.append(entry)
            }
        }
        return ConfigurationTree(value: .map(mine), position: position)
    }

    /// The file, then every `conf.d/*.yaml` beside it in the order of their names.
    /// - Parameter isRequired: whether a missing file is an error; without one every default holds.
    /// - Throws: `ConfigurationError` naming every file that could not be read or parsed.
    static func load(_ path: String, isRequired: Bool) throws -> (tree: ConfigurationTree, files: [String]) {
        var tree = ConfigurationTree.empty(path), problems: [ConfigurationProblem] = [], files: [String] = []
        func add(_ file: String, isRequired: Bool) {
            do {
                let bytes = try Files.read(BytePath(file), followingLinks: true)
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    problems.append(ConfigurationProblem(position: nil, message: "\(file): is not UTF-8 text"))
                    return
                }
                let parsed = try parse(text, file: file)
                files.append(file)
                switch parsed.value {
                case .map: tree = files.count == 1 ? parsed : tree.merged(with: parsed)
                case .nothing: break
                default:
                    problems.append(
                        ConfigurationProblem(
                            position: parsed.position, message: "expected keys with values, such as 'settle: 2s'"))
                }
            } catch let problem as ConfigurationProblem {
                problems.append(problem)
            } catch {
                if !isRequired, (error as? SystemError)?.isMissing == true { return }
                problems.append(ConfigurationProblem(position: nil, message: "\(error)"))
            }
        }
        add(path, isRequired: isRequired)
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("conf.d").path
        let extra = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
            .filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted()
        for name in extra { add("\(directory)/\(name)", isRequired: true) }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return (tree, files)
    }
}
