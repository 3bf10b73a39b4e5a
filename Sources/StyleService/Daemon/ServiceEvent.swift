import DirectoryWatching
import Foundation
import Logging
import SystemdKit

/// The kinds of journal entries that programs may look for: each has a message id of its own, under which the journal's catalog
/// explains it (`journalctl -x`).
public enum ServiceEvent: String, CaseIterable, Sendable {
    case photoStyled = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d001"
    case photoFailed = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d002"
    case photoDeferred = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d003"
    case photoQuarantined = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d004"
    case originalStays = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d005"
    case outputPaused = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d006"
    case outputResumed = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d007"
    case ledgerRebuilt = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d008"
    case configurationRejected = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d009"
    case configurationLoaded = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d00a"
    case inboxWaiting = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d00b"
    case fileRefused = "9c1f0a6cf2fb4f5d9f0d4a1be3a3d00c"
}

extension Logger.Metadata {
    /// The journal's fields for an event.
    static func event(_ event: ServiceEvent, reason: String? = nil) -> Logger.Metadata {
        var fields: Logger.Metadata = ["MESSAGE_ID": .string(event.rawValue)]
        if let reason { fields["CYCLEGAN_REASON"] = .string(reason) }
        return fields
    }

    /// The journal's fields for a photo: its name goes there as bytes, whatever they are.
    static func photo(_ file: InboxFile, _ event: ServiceEvent? = nil, reason: String? = nil) -> Logger.Metadata {
        var fields: Logger.Metadata = event.map { .event($0, reason: reason) } ?? [:]
        fields["CYCLEGAN_INBOX"] = .string(file.inbox)
        fields["CYCLEGAN_FILE"] = .stringConvertible(JournalBytes(file.path.bytes))
        return fields
    }
}

extension Pipeline {
    /// The one line that a photo gets.
    func logStyled(_ item: WorkItem, output: BytePath, seconds: Double) {
        let entry = item.entry
        var fields = Logger.Metadata.photo(entry.file, .photoStyled)
        fields["CYCLEGAN_OUTPUT"] = .stringConvertible(JournalBytes(output.bytes))
        fields["CYCLEGAN_JOB"] = .stringConvertible(entry.id)
        fields["CYCLEGAN_SHA256"] = .string(hexadecimal(item.hash))
        fields["CYCLEGAN_DURATION_US"] = .stringConvertible(Int(seconds * 1e6))
        fields["CYCLEGAN_MODEL"] = .string(item.model.name)
        fields["CYCLEGAN_MODEL_SHA256"] = .string(hexadecimal(item.model.hash))
        var message = "styled \(entry.file.path) as \(output) in \(String(format: "%.2f", seconds)) s"
        if case .earlierPicture = item.content {
            fields["CYCLEGAN_REUSED"] = "1"
            message += ", a copy of an earlier picture of the same photo"
        } else {
            fields["CYCLEGAN_PIXELS"] = .stringConvertible(item.dimensions.width * item.dimensions.height)
            message += " (\(item.dimensions.width)x\(item.dimensions.height), \(item.model.name))"
        }
        if !item.warnings.isEmpty {
            let warnings = item.warnings.joined(separator: "; ")
            fields["CYCLEGAN_WARNING"] = .string(warnings)
            message += "; \(warnings)"
        }
        logger.info("\(message)", metadata: fields)
    }
}

/// Bytes as lower-case hexadecimal digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
