import Foundation

/// When something that follows a calendar event is due: some minutes later on each machine, and once where it was
/// missed.
package struct RunSchedule: Sendable, Hashable {
    package let event: CalendarEvent
    package let zone: TimeZone
    /// Seconds by which every elapse is late on this machine.
    package let jitter: Int

    package static let largestJitter = 600

    /// - Parameter zone: used where the event names none.
    package init(_ event: CalendarEvent, zone: TimeZone = .current, jitter: Int) {
        self.event = event
        self.zone = event.zone ?? zone
        self.jitter = jitter
    }

    package enum Standing: Sendable, Hashable {
        case never
        case waits(until: Date)
        /// Due since then. Where several elapses were missed, while the machine was off or busy, this is the first one,
        /// and one run makes up for all of them.
        case due(since: Date)
    }

    /// - Parameter last: when the last run began, or when the schedule was first seen.
    package func standing(last: Date, now: Date) -> Standing {
        // A last run in the future means that the clock was ahead then: it must not stop the schedule until it is that
        // late again.
        let delay = TimeInterval(jitter), last = min(last, now)
        guard let elapse = event.next(after: last - delay, in: zone) else { return .never }
        let due = elapse + delay
        return due <= now ? .due(since: due) : .waits(until: due)
    }

    /// The jitter of a machine: 0 up to ten minutes, always the same, spread evenly over machines, and another one for
    /// each name.
    /// - Parameters:
    ///   - machine: the text of /etc/machine-id, which must not be published; this number does not give it away.
    ///   - name: of what runs, so that one machine's tasks do not start together either.
    package static func jitter(machine: String, name: String) -> Int {
        // FNV-1a, whose low bits alone are not mixed well; then the finish of SplitMix64 (Steele et al. 2014).
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array("\(machine)\0\(name)".utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((hash ^ hash >> 31) % UInt64(largestJitter + 1))
    }
}
