import Digests
import Foundation
import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration
import StyleModels

/// A photo on its way through the pipeline.
struct WorkItem: Sendable {
    enum Content: Sendable {
        case decoded(Photo)
        case translated(Photo)
        case finished(FinishedPicture)
    }

    var entry: LedgerEntry
    var inbox: InboxConfiguration
    var source: BytePath
    var hash: SHA256Digest
    var model: ModelIdentity
    var started: Date
    var content: Content
    var warnings: [String] = []
    /// When the translation began.
    var translated: Date?
    /// Whether it has waited for its outbox: the time it took says nothing of the pace.
    var wasParked = false
}

/// A picture that only has to be written into its outbox.
enum FinishedPicture: Sendable {
    case encoded(EncodedPicture)
    /// The same bytes were styled before: that picture is copied.
    case earlier(EarlierPicture)
}

/// A picture's file as it is to be written, and its size in pixels.
struct EncodedPicture: Sendable {
    var bytes: [UInt8]
    var format: PhotoFormat
    var width: Int
    var height: Int
}

/// The picture that a photo of the same bytes got before, as it is now.
struct EarlierPicture: Sendable {
    var path: BytePath
    var identity: FileIdentity
    /// That it was written in.
    var format: PhotoFormat
}

/// What people may see of a photo in work.
package struct WorkStatus: Sendable {
    package enum Stage: String, Sendable { case reading, waiting, translating, writing, blocked }
    package var file: InboxFile
    package var stage: Stage
    package var started: Date
    /// 0 to 1, of the translation.
    package var progress: Double
    var stageStarted: Date
    /// The same for photos with the same bytes, model and settings.
    var contentKey: [UInt8]?
    /// Seconds that the whole translation takes at the model's measured pace; nil before anything was measured.
    var expected: Double?

    /// Seconds that the translation still needs; nil where that cannot be told yet.
    ///
    /// The first percent says little: the model may have been loaded in it. So the model's measured pace counts at
    /// first, and what is seen of this photo the more of it is done.
    func remaining(now: Date) -> Double? {
        guard stage == .translating else { return nil }
        let elapsed = max(0, now.timeIntervalSince(stageStarted))
        let left = 1 - min(max(progress, 0), 1)
        if let expected { return left * (left * expected + elapsed) }
        return progress >= Self.telling ? elapsed * left / progress : nil
    }

    /// The part of a photo whose pace tells that of the rest, where nothing was measured before.
    private static let telling = 0.2
}

/// What the pipeline's threads share.
struct PipelineState {
    enum Phase: Comparable {
        /// Nothing is in work yet, and whoever starts the service decides about waiting.
        case recovering
        case running
        /// No further photo is begun; those in work are finished.
        case stopping
        /// The translation at work is to be given up.
        case abandoning
    }

    struct Elsewhere {
        /// By whom, for people, where that is known.
        var owner: String?
        var nextLook: ContinuousClock.Instant
    }

    /// The threads, in the order of a photo's way.
    enum Stage: Comparable { case taking, translating, publishing }

    var configuration: Configuration
    /// Grows with everything that may have made a photo due.
    var generation = 0
    var phase = Phase.running
    /// A person wants no further photo begun.
    var isPaused = false
    /// The ledger turned out damaged in use: only a start makes a new one.
    var isLedgerDamaged = false
    /// Why the ledger cannot be written at present: nothing can be done meanwhile.
    var blockedLedger: String?
    /// Why the pictures of an inbox cannot be written at present, by the inbox's key. Other inboxes go on.
    var blockedInboxes: [String: String] = [:]
    /// Decoded, and next to be translated.
    var decoded: WorkItem?
    /// Translated, and next to be written.
    var translated: WorkItem?
    /// Pictures that wait for their outbox to take them, a few for each inbox at most.
    var parked: [WorkItem] = []
    /// Whether originals could not be moved, so that it is tried again.
    var hasStuckOriginals = false
    var inWork: [Int64: WorkStatus] = [:]
    /// Where the spool is shared: rows whose photos another service has in work, and rows whose lease it has taken.
    var elsewhere: [Int64: Elsewhere] = [:]
    var lostLeases: Set<Int64> = []
    /// The last of the threads that has ended: each ends after the one before it.
    var ended: Stage?
    /// When counting began.
    let started = Date()
    var styled = 0, failed = 0
    var tally = Tally()
    var last: (name: String, seconds: Double, time: Date)?
    var pace = Pace()

    var isStopping: Bool { phase >= .stopping }

    func hasEnded(_ stage: Stage) -> Bool { ended.map { $0 >= stage } ?? false }

    /// Why something cannot be written at present.
    var blocked: String? { blockedLedger ?? blockedInboxes.min { $0.key < $1.key }?.value }

    var mayBegin: Bool { !isPaused && decoded == nil && blockedLedger == nil && !openInboxes.isEmpty }

    /// Whether nothing is in work but what waits for its outbox.
    var isNothingMoving: Bool { inWork.values.allSatisfy { $0.stage == .blocked } }

    /// Whether the writing thread has something to try again.
    var isWaitingForRoom: Bool { !parked.isEmpty || hasStuckOriginals }

    /// Whether no picture can be written at all.
    var isAllBlocked: Bool { blockedLedger != nil || !configuration.inboxes.isEmpty && openInboxes.isEmpty }

    /// The inboxes whose photos can be done.
    var openInboxes: [String] { configuration.inboxes.map(\.key).filter { blockedInboxes[$0] == nil } }
}

extension PipelineState {
    /// Until everything that is ready or in work is done, at the pace of late; nil where nothing is, or nothing moves.
    func queueSecondsLeft(ready: Int, _ ledger: Ledger, now: Date = Date()) -> Double? {
        let moving = inWork.values.filter { $0.stage != .blocked }
        guard !isPaused, !isAllBlocked, ready > 0 || !moving.isEmpty else { return nil }
        guard let each = pace.secondsPerPhoto ?? (try? ledger.recentSeconds()) ?? nil else {
            // Nothing was ever measured: the photo in work tells at least of itself.
            return ready > 0 ? nil : moving.compactMap { $0.remaining(now: now) }.max()
        }
        return Double(ready) * each
            + moving.reduce(0) { $0 + ($1.stage == .writing ? 0 : $1.remaining(now: now) ?? each) }
    }
}
