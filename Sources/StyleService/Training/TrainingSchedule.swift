import CalendarEvents
import Foundation
import LinuxFiles
import ServiceConfiguration

/// When a style's next run is due, on this machine.
package struct TrainingSchedule: Sendable {
    /// The text of /etc/machine-id.
    package var machine: String
    package var zone: TimeZone = .current

    /// The machine that this is; a fleet's machines, which all have one configuration, do not start together.
    package static let ofThisMachine = TrainingSchedule(
        machine: Files.kernelText("/etc/machine-id") ?? ProcessInfo.processInfo.hostName)

    /// nil where the style never trains by itself.
    func standing(_ style: StyleConfiguration, last: LedgerTime, now: LedgerTime) -> RunSchedule.Standing? {
        guard let event = style.retrain.when else { return nil }
        let jitter = jitter(style, event, after: now.date)
        return RunSchedule(event, zone: zone, jitter: jitter).standing(last: last.date, now: now.date)
    }

    /// Up to ten minutes, and never more than a tenth of the time from one elapse to the next: who writes `minutely`
    /// wants it each minute.
    private func jitter(_ style: StyleConfiguration, _ event: CalendarEvent, after now: Date) -> Int {
        let own = RunSchedule.jitter(machine: machine, name: style.key), zone = event.zone ?? zone
        guard let first = event.next(after: now, in: zone), let second = event.next(after: first, in: zone) else {
            return own
        }
        return min(own, Int(second.timeIntervalSince(first) / 10))
    }
}
