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

/// A name out of an untrusted file, fit for a message: quoted, without control characters, cut to a readable length.
func quoted(_ name: some StringProtocol) -> String {
    let kept = name.unicodeScalars.prefix(120).map { scalar in
        scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(scalar)
    }
    return "\"" + kept.joined() + (name.unicodeScalars.count > 120 ? "…" : "") + "\""
}
