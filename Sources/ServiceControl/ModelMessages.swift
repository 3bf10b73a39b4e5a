import Foundation

/// What can be asked about the models that the service has had.
package struct ModelsRequest: Codable, Sendable {
    package enum Action: String, Codable, Sendable, CaseIterable {
        case list, info, promote, rollback, pin, unpin, forget
    }

    package var action: Action
    /// For `list`, all where it is nil, and for `rollback`.
    package var style: String?
    /// The first digits of a SHA-256, for all but `list` and `rollback`.
    package var model: String?
    /// For `promote`: whatever the gate said.
    package var isForced: Bool?

    package init(_ action: Action, style: String? = nil, model: String? = nil, isForced: Bool? = nil) {
        (self.action, self.style, self.model, self.isForced) = (action, style, model, isForced)
    }
}

/// One of the models that the service has had.
package struct ModelReport: Codable, Sendable {
    package var sha256: String
    package var style: String
    /// Of its file, whether it is there or not.
    package var path: String
    package var parentSha256: String?
    package var origin: String
    package var addedAt: Date
    package var bytes: Int
    package var decision: String
    package var reasons: [String]
    /// What it was trained on, and the gate's figures, as JSON.
    package var data: String?
    package var figures: String?
    package var isPinned: Bool
    package var isPresent: Bool
    package var isInUse: Bool
    package var isPredecessor: Bool

    package init(
        sha256: String, style: String, path: String, parentSha256: String?, origin: String, addedAt: Date, bytes: Int,
        decision: String, reasons: [String], data: String?, figures: String?, isPinned: Bool, isPresent: Bool,
        isInUse: Bool,
        isPredecessor: Bool
    ) {
        (self.sha256, self.style, self.path) = (sha256, style, path)
        (self.parentSha256, self.origin) = (parentSha256, origin)
        (self.addedAt, self.bytes, self.decision, self.reasons) = (addedAt, bytes, decision, reasons)
        (self.data, self.figures, self.isPinned, self.isPresent) = (data, figures, isPinned, isPresent)
        (self.isInUse, self.isPredecessor) = (isInUse, isPredecessor)
    }

    /// A line for people.
    package var line: String {
        let marks = [
            isInUse ? "in use" : nil, isPredecessor ? "the one before" : nil, isPinned ? "pinned" : nil,
            isPresent ? nil : "forgotten",
        ].compactMap(\.self)
        let words = [style, String(sha256.prefix(12)), origin, decision == "unexamined" ? nil : "gate: \(decision)"]
        return (words.compactMap(\.self) + marks).joined(separator: "  ")
    }
}
