import Digests
import DirectoryWatching
import Foundation
import LinuxFiles
import Logging
import Publishing
import SystemdKit

/// The kinds of journal entries that programs may look for: each has a message id of its own, under which the journal's
/// catalog explains it (`journalctl -x`).
package enum ServiceEvent: String, CaseIterable, Sendable {
    case photoStyled = "09d7d1f6bfb345fb9ec27496b1d47cf6"
    case photoFailed = "373eb88973004e42936a0840fc281aa8"
    case photoDeferred = "997cfa4bc31441df9b68f0aff78a72a6"
    case photoQuarantined = "0d38ebaaffc1485f95c86e47706e6245"
    case originalStays = "d530a000d0ef4a9fa3dd0f62e0c35202"
    case outputPaused = "08700b2f5bfa432da292f58e3793ad05"
    case outputResumed = "8fcb1823969f4f3d9684426a383432a5"
    case ledgerRebuilt = "e1a3a2d2df7a437baa6fc454d4d85544"
    case configurationRejected = "51e960e496174a84b10309714189baf2"
    case configurationLoaded = "46b998455a1c44638161b02318e80c9a"
    case inboxWaiting = "572c1820c3c744f199d0406118e13046"
    case modelPromoted = "48a203f4172a454f9551339832f054ac"
    case modelRolledBack = "d11a8a4a4d934868960fcaa7c68ba046"
    case modelLost = "4ddb77ef4a26442a8bc763d43af3ec2d"
    case trainingBegan = "a9beb8d64ee24150b8895827bd5d1f7c"
    case trainingPaused = "9a389b09fc65418abf47fba17fcc4a51"
    case trainingContinued = "44b0a9affed24a4f8f4d03e7f458e091"
    case trainingInterrupted = "371001a69eb647c1b963876835d634ec"
    case trainingStopped = "c6b869e6c1704d57808d041d81a5b86a"
    case trainingFailed = "53456a3a6f824d1ca21adbe2734e4a16"
    case trainingPutOff = "73e44356e73340198f7d8de6489b6582"
    case modelExamined = "8f4681ae0a1b46c6b56ffb5053598c3e"
    case domainFileRefused = "5e67bd7e712048f1b1582eddc60216a6"
    case leaseTakenOver = "96960e51946742d983d7d27e3537f0d8"
    case leaseLost = "f3e6751025ca4d6e8c7b50b411b9223b"
    case fileRefused = "e992fb368c3845d5b1b715a905a83206"
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
        .photo(inbox: file.inbox, file.path, event, reason: reason)
    }

    static func photo(inbox: String, _ path: BytePath, _ event: ServiceEvent? = nil, reason: String? = nil)
        -> Logger.Metadata
    {
        var fields: Logger.Metadata = event.map { .event($0, reason: reason) } ?? [:]
        fields["CYCLEGAN_INBOX"] = .string(inbox)
        fields["CYCLEGAN_FILE"] = .stringConvertible(JournalBytes(path.bytes))
        return fields
    }
}

extension Pipeline {
    /// The one line that a photo gets.
    func logStyled(_ item: WorkItem, _ picture: FinishedPicture, output: BytePath, seconds: Double) {
        let entry = item.entry
        var fields = Logger.Metadata.photo(entry.file, .photoStyled)
        fields["CYCLEGAN_OUTPUT"] = .stringConvertible(JournalBytes(output.bytes))
        fields["CYCLEGAN_JOB"] = .stringConvertible(entry.id)
        fields["CYCLEGAN_SHA256"] = .stringConvertible(item.hash)
        fields["CYCLEGAN_DURATION_US"] = .stringConvertible(Int(seconds * 1e6))
        fields["CYCLEGAN_MODEL"] = .string(item.model.name)
        fields["CYCLEGAN_MODEL_SHA256"] = .stringConvertible(item.model.hash)
        var message = "styled \(entry.file.path) as \(output) in \(String(format: "%.2f", seconds)) s"
        switch picture {
        case .earlier:
            fields["CYCLEGAN_REUSED"] = "1"
            message += ", a copy of an earlier picture of the same photo"
        case .encoded(let encoded):
            fields["CYCLEGAN_PIXELS"] = .stringConvertible(encoded.width * encoded.height)
            message += " (\(encoded.width)x\(encoded.height), \(item.model.name))"
        }
        if !item.warnings.isEmpty {
            let warnings = item.warnings.joined(separator: "; ")
            fields["CYCLEGAN_WARNING"] = .string(warnings)
            message += "; \(warnings)"
        }
        logger.info("\(message)", metadata: fields)
    }
}
