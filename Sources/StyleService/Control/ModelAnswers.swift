import Digests
import Foundation
import LinuxFiles
import Logging
import ModelLedger
import ServiceControl

/// What the service answers about its models.
struct ModelAnswers: Sendable {
    let archive: ModelArchive
    let logger: Logger
    /// Told of a style that has another model since.
    var promoted: @Sendable (_ style: String) -> Void = { _ in }

    /// - Throws: `ModelArchiveError`, `SystemError`, `DatabaseError`
    func answer(_ request: ModelsRequest) throws -> ControlReply {
        switch request.action {
        case .list:
            var reply = ControlReply.success()
            reply.models = try archive.records(style: request.style).map(report)
            return reply
        case .info: return try described("", record(request).hash)
        case .promote:
            let record = try record(request)
            let before = try archive.promote(record.hash, why: "by hand", isForced: request.isForced == true)
            let message = "Model \(record.hash.short) makes the pictures of '\(record.style)' from the next photo on."
            logger.notice(
                "\(message)\(before.map { " Before: \($0.short)." } ?? "")",
                metadata: .model(record.hash, style: record.style, .modelPromoted))
            promoted(record.style)
            return try described(message, record.hash)
        case .rollback:
            guard let style = request.style else { return .failure("rollback needs a style") }
            let step = try archive.rollback(style)
            let now = step.to.map { "model \($0.short)" } ?? "the model that ships under that name"
            let message = "The pictures of '\(style)' are made by \(now) again, from the next photo on."
            logger.notice("\(message)", metadata: .model(step.from, style: style, .modelRolledBack))
            return try described(message, step.to ?? step.from)
        case .pin, .unpin:
            let hash = try record(request).hash, isPinned = request.action == .pin
            try archive.pin(hash, isPinned)
            let standing = isPinned ? "is kept until it is unpinned" : "is pinned no more"
            return try described("Model \(hash.short) \(standing).", hash)
        case .forget:
            let hash = try record(request).hash
            try archive.forget(hash)
            return try described("The file of model \(hash.short) is removed.", hash)
        }
    }

    private func record(_ request: ModelsRequest) throws -> ModelRecord {
        try archive.record(named: request.model ?? "")
    }

    private func described(_ message: String, _ hash: SHA256Digest) throws -> ControlReply {
        var reply = ControlReply.success(message.isEmpty ? nil : message)
        reply.models = try archive.record(hash).map { [report($0)] }
        return reply
    }

    private func report(_ record: ModelRecord) -> ModelReport {
        ModelReport(
            sha256: record.hash.description, style: record.style, path: archive.path(of: record.hash).description,
            parentSha256: record.parent?.description, origin: record.origin.rawValue,
            addedAt: Date(timeIntervalSince1970: Double(record.added) / 1000), bytes: record.byteCount,
            decision: record.decision.rawValue, reasons: record.reasons, data: record.data, figures: record.figures,
            isPinned: record.isPinned, isPresent: record.isPresent, isInUse: record.isInUse,
            isPredecessor: record.isPredecessor)
    }
}

extension Logger.Metadata {
    /// The journal's fields for a model.
    static func model(_ hash: SHA256Digest, style: String, _ event: ServiceEvent) -> Logger.Metadata {
        var fields: Logger.Metadata = .event(event)
        fields["CYCLEGAN_STYLE"] = .string(style)
        fields["CYCLEGAN_MODEL_SHA256"] = .stringConvertible(hash)
        return fields
    }
}
