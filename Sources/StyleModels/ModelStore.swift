import Digests
import Foundation
import LinuxFiles
import ServiceConfiguration
import Synchronization

/// A style that stands for no usable model.
package struct ModelError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Finds models by name or file.
///
/// A name stands for the model that was promoted under it, where there is one. Else it is looked up in the state
/// directory's `models`, then in `/usr/share/cyclegan-styled/models`, in `share` beside the program's own directory,
/// and in the build's resources. A file is taken as it is.
package final class ModelStore: Sendable {
    package static let fileExtension = "safetensors"

    /// In the order in which they are searched.
    package let directories: [BytePath]
    private let relativeTo: Mutex<BytePath>
    /// The file of the model that was promoted under a name; nil where none was.
    package typealias Promoted = @Sendable (_ style: String) throws -> BytePath?
    private let promoted = Mutex<Promoted?>(nil)
    private let hashes = Mutex<[BytePath: (FileIdentity, SHA256Digest)]>([:])

    /// - Parameters:
    ///   - state: the service's state directory; nil where there is none.
    ///   - base: what the path of a model's file is relative to.
    ///   - personal: a person's own models, before all others.
    package init(state: BytePath?, base: BytePath, personal: BytePath? = nil) {
        directories = (personal.map { [$0] } ?? []) + Self.directories(state: state, program: Self.programDirectory)
        relativeTo = Mutex(base)
    }

    /// What the path of a model's file is relative to.
    package var base: BytePath {
        get { relativeTo.withLock { $0 } }
        set { relativeTo.withLock { $0 = newValue } }
    }

    /// From now on names are looked up there first.
    package func follow(_ promoted: @escaping Promoted) { self.promoted.withLock { $0 = promoted } }

    static func directories(state: BytePath?, program: BytePath?) -> [BytePath] {
        var result: [BytePath] = []
        if let state { result.append(state.appending("models")) }
        result.append(BytePath("/usr/share/cyclegan-styled/models"))
        if let program {
            result.append(program.parent.appending("share/cyclegan-styled/models"))
            result.append(program.appending("cyclegan-styled_StyleModels.resources/models"))
        }
        return result.enumerated().filter { index, path in !result[..<index].contains(path) }.map(\.element)
    }

    /// Where the running program lies.
    package static let programDirectory: BytePath? = {
        let path = Files.resolved(BytePath("/proc/self/exe"))
        return path == BytePath("/proc/self/exe") ? nil : path.parent
    }()

    /// The file of a style.
    /// - Throws: `ModelError` saying where it was looked for and which models there are; what `follow`'s function
    ///   throws.
    package func file(for style: String) throws -> BytePath {
        if style.contains("/") || style.hasSuffix(".\(Self.fileExtension)") {
            let path = base.resolving(BytePath(style))
            if isFile(path) { return path }
            throw ModelError("the style '\(style)' names a file that is not there: \(path)")
        }
        if let path = try promoted.withLock({ $0 })?(style) { return path }
        for directory in directories {
            let path = directory.appending("\(style).\(Self.fileExtension)")
            if isFile(path) { return path }
        }
        let names = available().map(\.name)
        throw ModelError(
            "there is no model named '\(style)'\(didYouMean(style, among: names)). Looked in "
                + directories.map(\.description).joined(separator: ", ")
                + (names.isEmpty ? "; no model is installed" : "; there are: \(names.joined(separator: ", "))"))
    }

    /// What a later training goes on with, beside a model's file `NAME.safetensors`: `NAME.training.safetensors`.
    package static func trainingState(beside model: BytePath) -> BytePath {
        let suffix = Array(".\(fileExtension)".utf8)
        let stem =
            model.bytes.suffix(suffix.count).elementsEqual(suffix)
            ? model.bytes.dropLast(suffix.count) : model.bytes[...]
        return BytePath(bytes: stem + Array(stateSuffix.utf8))
    }

    private static let stateSuffix = ".training.\(fileExtension)"

    /// Every model by name; an earlier directory hides a later one's model of the same name.
    package func available() -> [(name: String, path: BytePath)] {
        var found: [String: BytePath] = [:]
        for directory in directories {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.description)) ?? []
            for name in names where name.hasSuffix(".\(Self.fileExtension)") && !name.hasPrefix(".") {
                if name.hasSuffix(Self.stateSuffix) { continue }
                let style = String(name.dropLast(Self.fileExtension.count + 1))
                if found[style] == nil { found[style] = directory.appending(name) }
            }
        }
        return found.map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    /// The model that a style stands for now. The file is read again only when it has changed.
    package func identity(for style: String) throws -> ModelIdentity {
        let path = try file(for: style)
        do {
            let status = try Files.identity(ofTarget: path)
            if let known = hashes.withLock({ $0[path] }), known.0 == status {
                return ModelIdentity(name: style, path: path, hash: known.1)
            }
            let hash = SHA256.hash(try Files.read(path, followingLinks: true))
            hashes.withLock { $0[path] = (status, hash) }
            return ModelIdentity(name: style, path: path, hash: hash)
        } catch { throw ModelError("the model '\(style)' cannot be read: \(error)") }
    }

    private func isFile(_ path: BytePath) -> Bool { (try? Files.isRegularTarget(path)) == true }
}
