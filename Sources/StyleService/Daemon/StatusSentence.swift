import Foundation
import LinuxFiles
import Publishing
import ServiceControl

/// One sentence on what the service does, for `systemctl status`.
struct StatusSentence {
    var state: PipelineState
    var inboxStates: [(key: String, text: String, isWaiting: Bool)]
    var queued: Int
    var deferred: Int
    /// Until the queue is done.
    var secondsLeft: Double?
    /// Originals that cannot be moved.
    var staying = 0
    /// What is being trained.
    var training: String?
    /// A configuration that was refused: said until a good one is loaded.
    var rejected: String?
    /// Keys whose new value is not in use yet.
    var needsRestart: [String] = []
    var now = Date()

    var text: String {
        var parts: [String] = []
        let current =
            state.inWork.values.first { $0.stage == .translating }
            ?? state.inWork.values.min { $0.started < $1.started }
        if state.isStopping {
            parts.append(current.map { "Stopping after \($0.file.path)" } ?? "Stopping")
        } else if state.isAllBlocked, let blocked = state.blocked {
            parts.append("Paused, nothing can be written: \(blocked)")
        } else if state.isPaused {
            parts.append("Paused by cyclegan-style pause")
        } else if let current, current.stage != .blocked {
            parts.append(Self.describe(current, now: now))
        } else {
            parts.append("Idle")
        }
        if !state.isAllBlocked {
            for (key, reason) in state.blockedInboxes.sorted(by: { $0.key < $1.key }) {
                parts.append("inbox \(key) pauses, its pictures cannot be written: \(reason)")
            }
        }
        for inbox in inboxStates where inbox.isWaiting { parts.append("inbox \(inbox.key) \(inbox.text)") }
        parts.append(counted(inboxStates.count, "inbox", "inboxes"))
        parts.append(
            "\(queued) queued" + (deferred > 0 ? ", \(deferred) put off" : "")
                + (secondsLeft.map { ", about \(durationText($0)) left" } ?? ""))
        if let training { parts.append(training) }
        if staying > 0 {
            parts.append(
                "\(counted(staying, "original")) cannot be moved out of the inbox (cyclegan-style status says why)")
        }
        parts.append("\(state.styled) styled, \(state.failed) failed since the start")
        if let last = state.last {
            parts.append(
                "last \(timeText(last.time, now: now)) \(last.name) in \(String(format: "%.1f", last.seconds)) s")
        }
        if let rejected { parts.append("the new configuration was refused (\(rejected)), the last good one is in use") }
        if !needsRestart.isEmpty {
            parts.append("the new \(needsRestart.joined(separator: ", ")) of the configuration waits for a restart")
        }
        return terminalSafe(parts.joined(separator: "; "))
    }

    private static func describe(_ work: WorkStatus, now: Date) -> String {
        guard work.stage == .translating else { return "Styling \(work.file.path)" }
        let eta = work.remaining(now: now).map { ", \(max(1, Int($0.rounded()))) s left" } ?? ""
        return "Styling \(work.file.path) (\(Int(work.progress * 100)) %\(eta))"
    }
}
