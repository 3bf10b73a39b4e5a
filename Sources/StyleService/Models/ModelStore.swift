import Crypto
import Foundation
import Synchronization

/// A style that stands for no usable model.
public struct ModelError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// Finds models by name or file.
///
/// A name is looked up in the state directory's `models`, then in `/usr/share/cyclegan-styled/models`, in `share` beside the
/// program's own directory, and in the build's resources. A file is taken as it is.
public final class ModelStore: Sendable {
    public static let fileExtension = "safetensors"

    /// In the order in which they are searched.
    public let directories: [BytePath]
    private let relativeTo: BytePath
    private let hashes = Mutex<[BytePath: (FileIdentity, [UInt8])]>([:])

    /// - Parameters:
    ///   - state: the service's state directory; nil where there is none.
    ///   - base: what the path of a model's file is relative to.
    public init(state: BytePath?, base: BytePath) {
        directories = Self.directories(state: state, program: Self.programDirectory)
        relativeTo = base
    }

    static func directories(state: BytePath?, program: BytePath?) -> [BytePath] {
        var result: [BytePath] = []
        if let state { result.append(state.appending("models")) }
        result.append(BytePath("/usr/share/cyclegan-styled/models"))
        if let program {
            result.append(program.parent.appending("share/cyclegan-styled/models"))
            result.append(program.appending("cyclegan-styled_StyleService.resources/models"))
        }
        return result.enumerated().filter { index, path in !result[..<index].contains(path) }.map(\.element)
    }

    /// Where the running program lies.
    static let programDirectory: BytePath? = {
        let path = Files.resolved(BytePath("/proc/self/exe"))
        return path == BytePath("/proc/self/exe") ? nil : path.parent
    }()

    /// The file of a style.
    /// - Throws: `ModelError` saying where it was looked for and which models there are.
    public func file(for style: String) throws -> BytePath {
        if style.contains("/") || style.hasSuffix(".\(Self.fileExtension)") {
            let path = relativeTo.resolving(BytePath(style))
            if isFile(path) { return path }
            throw ModelError("the style '\(style)' names a file that is not there: \(path)")
        }
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

    /// Every model by name; an earlier directory hides a later one's model of the same name.
    public func available() -> [(name: String, path: BytePath)] {
        var found: [String: BytePath] = [:]
        for directory in directories {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.description)) ?? []
            for name in names where name.hasSuffix(".\(Self.fileExtension)") && !name.hasPrefix(".") {
                let style = String(name.dropLast(Self.fileExtension.count + 1))
                if found[style] == nil { found[style] = directory.appending(name) }
            }
        }
        return found.map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    /// The model that a style stands for now. The file is read again only when it has changed.
    public func identity(for style: String) throws -> ModelIdentity {
        let path = try file(for: style)
        do {
            let status = try Files.identity(ofTarget: path)
            if let known = hashes.withLock({ $0[path] }), known.0 == status {
                return ModelIdentity(name: style, path: path, hash: known.1)
            }
            let hash = Array(SHA256.hash(data: try Files.read(path, followingLinks: true)))
            hashes.withLock { $0[path] = (status, hash) }
            return ModelIdentity(name: style, path: path, hash: hash)
        } catch { throw ModelError("the model '\(style)' cannot be read: \(error)") }
    }

    private func isFile(_ path: BytePath) -> Bool { (try? Files.isRegularTarget(path)) == true }
}
