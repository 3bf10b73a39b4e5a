import LinuxFiles

/// A weights file that cannot be read, written or used; says which file and what would make it right.
public struct WeightsError: Error, Sendable, CustomStringConvertible {
    /// The file concerned; nil where only its metadata was at hand.
    public let path: String?
    public let reason: String

    public init(path: String? = nil, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String {
        path.map { "\($0): \(reason)" } ?? reason
    }
}

extension WeightsError {
    /// Runs `body`; a system call that fails in it is told as what it means for the file, with the kernel's reason.
    /// - Parameter what: such as `cannot be opened`.
    public static func explaining<Result: ~Copyable>(
        _ path: String, _ what: String, _ body: () throws -> Result
    ) throws -> Result {
        do { return try body() } catch let error as SystemError {
            throw WeightsError(path: path, "\(what): \(error.reason)")
        } catch let error as OutputError { throw WeightsError(error.description) }
    }
}

/// A name out of an untrusted file, fit for a message: quoted, without control characters, cut to a readable length.
func quoted(_ name: some StringProtocol) -> String {
    let kept = name.unicodeScalars.prefix(120).map { scalar in
        scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(scalar)
    }
    return "\"" + kept.joined() + (name.unicodeScalars.count > 120 ? "…" : "") + "\""
}
