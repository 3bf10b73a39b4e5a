import Digests
import Foundation

/// What the archive knows about one model.
public struct ModelRecord: Sendable, Equatable {
    public enum Origin: String, Sendable, Codable {
        /// Came with the programs.
        case shipped
        /// Brought by a person.
        case imported
        /// Fine-tuned or trained by this service.
        case trained
    }

    /// What the gate said of it.
    public enum Decision: String, Sendable, Codable {
        /// Nobody examined it.
        case unexamined
        case promote, keep, refuse
    }

    public var hash: SHA256Digest
    public var style: String
    /// The model that it was trained on from.
    public var parent: SHA256Digest?
    public var origin: Origin
    /// Milliseconds since 1970.
    public var added: Int64
    public var byteCount: Int
    /// What it was trained on and how, as JSON; the caller's matter.
    public var data: String?
    /// The gate's figures, as JSON; the caller's matter.
    public var figures: String?
    public var decision: Decision
    public var reasons: [String]
    /// Kept until a person says otherwise.
    public var isPinned: Bool
    /// Whether its file is there still.
    public var isPresent: Bool
    /// Whether the next photo is made with it.
    public var isInUse: Bool
    /// Whether a rollback leads to it.
    public var isPredecessor: Bool
}

/// Why something cannot be done with a model; one sentence with the remedy.
public struct ModelArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
