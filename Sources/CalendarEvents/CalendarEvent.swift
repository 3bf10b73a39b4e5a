import Foundation

/// A calendar event as systemd's timers have them (systemd.time(7), "Calendar events"): when something is to happen
/// again and again.
///
/// Taken are weekdays, dates, times, lists, ranges, repetitions, days counted from the end of the month (`~`), the
/// shorthands from `minutely` to `yearly`, and a time zone at the end. Not taken are fractions of a second and `@` with
/// seconds since 1970.
package struct CalendarEvent: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    package let text: String
    /// The zone that the text names; nil where the machine's is meant.
    package let zone: TimeZone?

    /// Monday is 0; nil for every day.
    var weekdays: Set<Int>?
    /// Nil for "all" in each of them.
    var years, months, days: CalendarComponent?
    var hours, minutes, seconds: CalendarComponent?
    /// Days are counted from the last one of the month, which is 1.
    var countsFromEndOfMonth = false

    /// - Throws: `CalendarEventError` with the place in the text.
    package init(_ text: String) throws(CalendarEventError) {
        var parser = CalendarEventParser(text)
        let parts = try parser.parse()
        self.text = text
        (zone, weekdays, countsFromEndOfMonth) = (parts.zone, parts.weekdays, parts.countsFromEndOfMonth)
        (years, months, days) = (parts.years, parts.months, parts.days)
        (hours, minutes, seconds) = (parts.hours, parts.minutes, parts.seconds)
    }

    package var description: String { text }
}

/// Why a text is no calendar event, or none that is taken here.
package struct CalendarEventError: Error, Equatable, CustomStringConvertible {
    /// Characters of the text before the place that is wrong.
    package let offset: Int
    /// What is wrong there, without the place.
    package let reason: String

    package var description: String { reason }
}
