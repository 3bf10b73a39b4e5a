import Foundation

/// One sentence on what the service does, for `systemctl status`.
struct StatusSentence {
    var state: PipelineState
    var inboxStates: [(key: String, text: String, isWaiting: Bool)]
    var queued: Int
    var deferred: Int
    /// A configuration that was refused: said until a good one is loaded.
    var rejected: String?
    var now = Date()

    var text: String {
        var parts: [String] = []
        let current = state.inWork.values.first { $0.stage == .translating } ?? state.inWork.values.min { $0.started < $1.started }
        if state.isStopping {
            parts.append(current.map { "Stopping after \($0.file.path)" } ?? "Stopping")
        } else if let blocked = state.blocked {
            parts.append("Paused, nothing can be written: \(blocked)")
        } else if state.isPaused {
            parts.append("Paused by cyclegan-style pause")
        } else if let current {
            parts.append(Self.describe(current, now: now))
        } else {
            parts.append("Idle")
        }
        for inbox in inboxStates where inbox.isWaiting { parts.append("inbox \(inbox.key) \(inbox.text)") }
        parts.append("\(inboxStates.count) \(inboxStates.count == 1 ? "inbox" : "inboxes")")
        parts.append("\(queued) queued" + (deferred > 0 ? ", \(deferred) put off" : ""))
        parts.append("\(state.styled) styled, \(state.failed) failed since the start")
        if let last = state.last {
            parts.append("last \(last.time.formatted(.dateTime.hour(.twoDigits(amPM: .omitted)).minute())) \(last.name) in \(String(format: "%.1f", last.seconds)) s")
        }
        if let rejected { parts.append("the new configuration was refused (\(rejected)), the last good one is in use") }
        return parts.joined(separator: "; ")
    }

    private static func describe(_ work: WorkStatus, now: Date) -> String {
        guard work.stage == .translating else { return "Styling \(work.file.path)" }
        let eta = work.remaining(now: now).map { ", \(max(1, Int($0.rounded()))) s left" } ?? ""
        return "Styling \(work.file.path) (\(Int(work.progress * 100)) %\(eta))"
    }
}
