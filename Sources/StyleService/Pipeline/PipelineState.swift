import Foundation
import Photos

/// A photo on its way through the pipeline.
struct WorkItem: Sendable {
    enum Content: Sendable {
        case decoded(Photo)
        case translated(Photo)
        /// The same bytes were styled before: this picture is copied.
        case earlierPicture(BytePath, FileIdentity, PhotoFormat)
    }

    var entry: LedgerEntry
    var inbox: InboxConfiguration
    var source: BytePath
    var hash: [UInt8]
    var model: ModelIdentity
    var started: Date
    var content: Content
    var dimensions: (width: Int, height: Int)
    var warnings: [String] = []
}

/// What people may see of a photo in work.
public struct WorkStatus: Sendable {
    public enum Stage: String, Sendable { case reading, waiting, translating, writing, blocked }
    public var file: InboxFile
    public var stage: Stage
    public var started: Date
    /// 0 to 1, of the translation.
    public var progress: Double
    var stageStarted: Date
    /// The same for photos with the same bytes, model and settings.
    var contentKey: [UInt8]?

    /// Seconds that the translation still needs, from its pace so far.
    func remaining(now: Date) -> Double? {
        guard stage == .translating, progress > 0.01 else { return nil }
        return now.timeIntervalSince(stageStarted) * (1 - progress) / progress
    }
}

/// What the pipeline's threads share.
struct PipelineState {
    var configuration: Configuration
    /// Grows with everything that may have made a photo due.
    var generation = 0
    /// Nothing is in work yet, and whoever starts the service decides about waiting.
    var isStarting = false
    var isPaused = false
    var isStopping = false
    /// The ledger turned out damaged in use: only a start makes a new one.
    var isLedgerDamaged = false
    /// The translation at work is to be given up.
    var isAbandoning = false
    /// Why nothing can be written at present.
    var blocked: String?
    /// Decoded, and next to be translated.
    var decoded: WorkItem?
    /// Translated, and next to be written.
    var translated: WorkItem?
    var inWork: [Int64: WorkStatus] = [:]
    /// Set when the threads before have ended.
    var hasTakerEnded = false, hasTranslatorEnded = false, hasPublisherEnded = false
    var styled = 0, failed = 0
    var last: (name: String, seconds: Double, time: Date)?
}
