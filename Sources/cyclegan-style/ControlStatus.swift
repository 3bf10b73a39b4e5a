import ArgumentParser
import Foundation
import Glibc
import StyleService

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what the service does: its queue, the photo in work, its pace, the last failures.")

    @OptionGroup var options: ControlOptions
    @Flag(name: .shortAndLong, help: "Show it again every second until interrupted.") var watch = false

    func run() throws {
        repeat {
            guard let status = try options.ask(ControlRequest(.status)).status else { return }
            if options.json {
                try options.printJSON(status)
            } else {
                // Home and clear below: the view stays in place without flicker.
                if watch, isatty(STDOUT_FILENO) == 1 { print("\u{1B}[H\u{1B}[J", terminator: "") }
                print(StatusView(status: status).text)
            }
            fflush(nil)
            if watch { sleep(1) }
        } while watch
    }
}

/// The status as a person reads it.
struct StatusView {
    var status: StatusReport
    var now = Date()

    var text: String {
        var lines = ["cyclegan-styled, process \(status.processId), up \(duration(now.timeIntervalSince(status.startedAt)))", status.sentence, ""]
        for inbox in status.inboxes {
            lines.append("Inbox \(inbox.key)  \(inbox.inbox.path) → \(inbox.outbox.path), style \(inbox.style)")
            lines.append("  \(inbox.state)" + (inbox.settling > 0 ? "; \(inbox.settling) files still arriving" : ""))
        }
        lines.append("Queue  \(status.ready) ready, \(status.deferred) put off")
        for work in status.inWork {
            var line = "  \(work.stage) \(work.file.path)"
            if let percent = work.percent { line += "  \(bar(percent)) \(percent) %" }
            if let left = work.secondsLeft { line += ", \(duration(left)) left" }
            lines.append(line)
        }
        var pace = "Pace   \(status.styledLastHour) photos in the last hour"
        if let seconds = status.secondsPerPhoto { pace += String(format: ", %.1f s each from claim to publication", seconds) }
        lines.append(pace)
        let totals = ["styled", "failed", "quarantined"].compactMap { state in status.totals[state].map { "\($0) \(state)" } }
        lines.append("Ledger \(totals.isEmpty ? "empty" : totals.joined(separator: ", "))")
        lines += status.training.map(training)
        if !status.lastFailures.isEmpty { lines.append("Last failures") }
        for failure in status.lastFailures {
            lines.append("  \(failure.time.formatted(.iso8601.dateTimeSeparator(.space)))  \(failure.file.path): \(failure.reason)")
        }
        if let refused = status.refusedConfiguration { lines.append("Refused configuration  \(refused)") }
        return lines.joined(separator: "\n")
    }

    private func training(_ report: TrainingReport) -> String {
        var parts = ["iteration \(report.iteration)" + (report.total.map { "/\($0)" } ?? "")]
        parts.append(String(format: "%.3g images/s", report.imagesPerSecond))
        if let left = report.secondsLeft { parts.append("\(duration(left)) left") }
        for name in ["generators", "discriminator.x", "discriminator.y"] {
            if let loss = report.losses[name] { parts.append("\(name) \(String(format: "%.3g", loss))") }
        }
        let percent = report.total.map { 100 * report.iteration / max($0, 1) }
        return "Training \(report.run.path)" + (percent.map { "  \(bar($0)) \($0) %" } ?? "") + "\n  " + parts.joined(separator: ", ")
    }

    private func bar(_ percent: Int) -> String {
        let width = 20, filled = min(width, percent * width / 100)
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    private func duration(_ seconds: TimeInterval) -> String {
        let total = Int(seconds.rounded())
        switch total {
        case ..<60: return "\(total) s"
        case ..<3600: return "\(total / 60) min \(total % 60) s"
        case ..<86400: return "\(total / 3600) h \(total % 3600 / 60) min"
        default: return "\(total / 86400) d \(total % 86400 / 3600) h"
        }
    }
}
