import LinuxFiles

/// A weights file that cannot be read, written or used; says which file and what would make it right.
package struct WeightsError: Error, Sendable, CustomStringConvertible {
    /// The file concerned; nil where only its metadata was at hand.
    package let path: String?
    private let text: @Sendable ((Remedy) -> String) -> String

    /// What would help, where its name is another in each program: a command that downloads, an option.
    package enum Remedy: Sendable {
        /// Published weights, by their name.
        case published(String)
        /// One of several networks in a file, by its name.
        case network(String)
        /// So many features of the Inception network.
        case dimensions(Int)

        /// In no program's words.
        package var plain: String {
            switch self {
            case .published(let name): "what is published as \(name)"
            case .network(let name): "its name, \(name)"
            case .dimensions(let count): "\(count) dimensions"
            }
        }
    }

    package init(path: String? = nil, _ reason: String) {
        self.path = path
        text = { _ in reason }
    }

    /// - Parameter reason: gets what a program calls a remedy.
    package init(path: String? = nil, _ reason: @escaping @Sendable ((Remedy) -> String) -> String) {
        self.path = path
        text = reason
    }

    package var reason: String { text { $0.plain } }

    /// The same in a program's words.
    package func naming(_ remedy: (Remedy) -> String) -> WeightsError { WeightsError(path: path, text(remedy)) }

    package var description: String {
        path.map { "\($0): \(reason)" } ?? reason
    }
}

extension WeightsError {
    /// Runs `body`; a system call that fails in it is told as what it means for the file, with the kernel's reason.
    /// - Parameter what: such as `cannot be opened`.
    package static func explaining<Result: ~Copyable>(
        _ path: String, _ what: String, _ body: () throws -> Result
    ) throws -> Result {
        do { return try body() } catch let error as SystemError {
            throw WeightsError(path: path, "\(what): \(error.reason)")
        } catch let error as OutputError { throw WeightsError(error.description) }
    }
}

/// A name out of an untrusted file, fit for a message: quoted, without control characters, cut to a readable length.
package func quoted(_ name: some StringProtocol) -> String {
    let kept = name.unicodeScalars.prefix(120).map { scalar in
        scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(scalar)
    }
    return "\"" + kept.joined() + (name.unicodeScalars.count > 120 ? "…" : "") + "\""
}
