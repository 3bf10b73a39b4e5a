import Digests
import Foundation

/// What the archive knows about one model.
package struct ModelRecord: Sendable, Equatable {
    package enum Origin: String, Sendable, Codable {
        /// Came with the programs.
        case shipped
        /// Brought by a person.
        case imported
        /// Fine-tuned or trained by this service.
        case trained
    }

    /// What the gate said of it.
    package enum Decision: String, Sendable, Codable {
        /// Nobody examined it.
        case unexamined
        case promote, keep, refuse
    }

    package var hash: SHA256Digest
    package var style: String
    /// The model that it was trained on from.
    package var parent: SHA256Digest?
    package var origin: Origin
    /// Milliseconds since 1970.
    package var added: Int64
    package var byteCount: Int
    /// What it was trained on and how, as JSON; the caller's matter.
    package var data: String?
    /// The gate's figures, as JSON; the caller's matter.
    package var figures: String?
    package var decision: Decision
    package var reasons: [String]
    /// Kept until a person says otherwise.
    package var isPinned: Bool
    /// Whether its file is there still.
    package var isPresent: Bool
    /// Whether the next photo is made with it.
    package var isInUse: Bool
    /// Whether a rollback leads to it.
    package var isPredecessor: Bool
}

/// Why something cannot be done with a model; one sentence with the remedy.
package struct ModelArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
