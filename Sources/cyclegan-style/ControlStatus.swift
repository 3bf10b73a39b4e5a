import ArgumentParser
import Foundation
import Glibc
import LinuxFiles
import ServiceControl

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what the service does: its queue, the photo in work, its pace, the last failures.")

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
        let age = durationText(now.timeIntervalSince(status.startedAt))
        var lines = ["cyclegan-styled, process \(status.processId), up \(age)", status.sentence, ""]
        for inbox in status.inboxes { lines += describe(inbox) }
        var queue = "Queue  \(status.ready) ready, \(status.deferred) put off"
        if let left = status.queueSecondsLeft { queue += ", about \(durationText(left)) left" }
        lines.append(queue)
        for work in status.inWork {
            var line = "  \(work.stage) \(work.file.bytePath)"
            if let percent = work.percent { line += "  \(bar(percent)) \(percent) %" }
            if let left = work.secondsLeft { line += ", \(durationText(left)) left" }
            lines.append(line)
        }
        for work in status.elsewhere ?? [] {
            lines.append("  elsewhere \(work.file.bytePath), on \(work.host) (process \(work.processId))")
        }
        var pace = "Pace   \(counted(status.styledLastHour, "photo")) in the last hour"
        if let seconds = status.secondsPerPhoto {
            pace += String(format: ", %.1f s each from claim to publication", seconds)
        }
        lines.append(pace)
        let totals = ["styled", "failed", "quarantined"].compactMap { state in
            status.totals[state].map { "\($0) \(state)" }
        }
        lines.append("Ledger \(totals.isEmpty ? "empty" : totals.joined(separator: ", "))")
        lines += status.styles.flatMap { $0.lines(now: now) + ($0.progress.map(progress) ?? []) }
        lines += status.training.flatMap(training)
        if !status.lastFailures.isEmpty { lines.append("Last failures") }
        for failure in status.lastFailures {
            lines.append("  \(timeText(failure.time, now: now))  \(failure.file.bytePath): \(failure.reason)")
        }
        if let refused = status.refusedConfiguration { lines.append("Refused configuration  \(refused)") }
        if !status.needsRestart.isEmpty {
            lines.append("After a restart  the new \(status.needsRestart.joined(separator: ", ")) of the configuration")
        }
        return lines.map(terminalSafe).joined(separator: "\n")
    }

    private func describe(_ inbox: StatusReport.Inbox) -> [String] {
        var lines = ["Inbox \(inbox.key)  \(inbox.inbox.bytePath) → \(inbox.outbox.bytePath), style \(inbox.style)"]
        var parts = [inbox.state]
        if inbox.settling > 0 { parts.append("\(counted(inbox.settling, "file")) still arriving") }
        if inbox.empty > 0 { parts.append("\(counted(inbox.empty, "empty file")) waited for") }
        if inbox.unreadable > 0 {
            parts.append("\(inbox.unreadable) that the service may not read (cyclegan-style explain says why)")
        }
        lines.append("  " + parts.joined(separator: "; "))
        if let blocked = inbox.blocked { lines.append("  pauses, its pictures cannot be written: \(blocked)") }
        if inbox.stayingOriginals > 0 {
            lines.append(
                "  \(counted(inbox.stayingOriginals, "original")) cannot be moved out of it: "
                    + "\(inbox.stayingReason ?? "")"
            )
        }
        return lines
    }

    private func training(_ report: TrainingReport) -> [String] {
        let percent = report.total.map { 100 * report.iteration / max($0, 1) }
        let meter = percent.map { "  \(bar($0)) \($0) %" } ?? ""
        return ["Training \(report.run.bytePath)\(meter)"] + details(report)
    }

    /// Of the service's own run.
    private func progress(_ report: TrainingReport) -> [String] {
        let (done, all) = report.toExamine.map { (report.examined ?? 0, $0) } ?? (report.iteration, report.total ?? 0)
        let percent = 100 * done / max(all, 1)
        return (all > 0 ? ["  \(bar(percent)) \(percent) %"] : []) + (report.examined == nil ? details(report) : [])
    }

    private func details(_ report: TrainingReport) -> [String] {
        var parts = ["iteration \(report.iteration)" + (report.total.map { "/\($0)" } ?? "")]
        parts.append(String(format: "%.3g images/s", report.imagesPerSecond))
        if let left = report.secondsLeft { parts.append("\(durationText(left)) left") }
        for name in ["generators", "discriminator.x", "discriminator.y"] {
            if let loss = report.losses[name] { parts.append("\(name) \(String(format: "%.3g", loss))") }
        }
        return ["  " + parts.joined(separator: ", ")]
    }

    private func bar(_ percent: Int) -> String {
        let width = 20, filled = min(width, percent * width / 100)
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }
}
