import Foundation
import LinuxFiles
import ServiceConfiguration

/// What can be asked about the training of styles.
package struct RetrainRequest: Codable, Sendable {
    package enum Action: String, Codable, Sendable, CaseIterable { case start, stop, status }

    package var action: Action
    /// For `start`; for the others all styles where it is nil.
    package var style: String?
    /// For `start`: however few images are new.
    package var isForced: Bool?
    /// For `start`, in place of the configuration's.
    package var mode: TrainingMode?
    package var budgetSeconds: Double?
    package var iterations: Int?

    package init(
        _ action: Action, style: String? = nil, isForced: Bool? = nil, mode: TrainingMode? = nil,
        budgetSeconds: Double? = nil,
        iterations: Int? = nil
    ) {
        (self.action, self.style, self.isForced, self.mode) = (action, style, isForced, mode)
        (self.budgetSeconds, self.iterations) = (budgetSeconds, iterations)
    }
}

/// How the training of a style stands.
package struct StyleReport: Codable, Sendable {
    package enum Activity: String, Codable, Sendable {
        /// No run is at work, and none is due.
        case idle
        /// One is due, and waits for its turn.
        case waiting
        case training
        /// The gate compares the new model with the one in use.
        case examining
        /// Stopped while the queue is long.
        case paused
    }

    /// A run that has ended.
    package struct Run: Codable, Sendable {
        package var directory: FileName
        package var began: Date
        package var ended: Date?
        /// `running`, `decided`, `stopped` or `failed`.
        package var state: String
        package var reason: String?
        package var modelSha256: String?

        package init(
            directory: BytePath, began: Date, ended: Date?, state: String, reason: String?, modelSha256: String?
        ) {
            (self.directory, self.began, self.ended) = (FileName(directory), began, ended)
            (self.state, self.reason, self.modelSha256) = (state, reason, modelSha256)
        }
    }

    package var style: String
    package var activity: Activity
    /// For a person: what it does, or waits for.
    package var sentence: String
    package var paintings: Int
    package var photos: Int
    /// Of both, the images that no run has learnt from.
    package var new: Int
    /// When the next run is due by the schedule.
    package var next: Date?
    /// The run at work, or the last one.
    package var run: Run?
    /// How the run at work gets on.
    package var progress: TrainingReport?

    package init(
        style: String, activity: Activity, sentence: String, paintings: Int, photos: Int, new: Int, next: Date?,
        run: Run?,
        progress: TrainingReport?
    ) {
        (self.style, self.activity, self.sentence) = (style, activity, sentence)
        (self.paintings, self.photos, self.new, self.next) = (paintings, photos, new, next)
        (self.run, self.progress) = (run, progress)
    }
}

extension StyleReport {
    /// Lines for a person.
    package func lines(now: Date = Date()) -> [String] {
        var lines = ["Style \(style)  \(sentence)"]
        var facts = [counted(paintings, "painting"), counted(photos, "photo"), "\(new) of them new"]
        if let next { facts.append("next run \(timeText(next, now: now))") }
        lines.append("  " + facts.joined(separator: ", "))
        if let run, let ended = run.ended {
            lines.append(
                "  last run, ended \(timeText(ended, now: now)): \(run.state)" + (run.reason.map { ": \($0)" } ?? ""))
        }
        return lines
    }
}
