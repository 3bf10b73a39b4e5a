import Foundation

extension CalendarEvent {
    /// The first time after `base` at which the event elapses; nil where it never does again (before the year 2200).
    ///
    /// Daylight saving goes as in systemd: a local time that the clocks skip does not elapse on that day, and one that
    /// comes twice elapses the first time.
    /// - Parameter zone: used where the event names none.
    package func next(after base: Date, in zone: TimeZone = .current) -> Date? {
        let zone = LocalClock(zone: self.zone ?? zone)
        let base = Int(base.timeIntervalSince1970.rounded(.down))
        let local = base + zone.offset(at: base)
        var day = CivilDay(secondsSince1970: local)
        // First occurrences of local times follow one another as the times do: what is not later than base's has
        // passed.
        var secondOfDay = local - day.secondsSince1970 + 1
        let times = (
            hours: hours?.values(to: 23) ?? Array(0...23), minutes: minutes?.values(to: 59) ?? Array(0...59),
            seconds: seconds?.values(to: 59) ?? Array(0...59)
        )
        while day.year <= CalendarEventParser.years.upperBound {
            if years?.contains(day.year) == false {
                day = day.nextYear
            } else if months?.contains(day.month) == false {
                day = day.nextMonth
            } else {
                if matches(day), let found = Self.first(times, from: secondOfDay, of: day, after: base, zone) {
                    return Date(timeIntervalSince1970: Double(found))
                }
                day = day.next
            }
            secondOfDay = 0
        }
        return nil
    }

    private func matches(_ day: CivilDay) -> Bool {
        if weekdays?.contains(day.weekday) == false { return false }
        guard let days else { return true }
        return (countsFromEndOfMonth ? days.counted(fromEndOf: day.lengthOfMonth) : days).contains(day.day)
    }

    private typealias Times = (hours: [Int], minutes: [Int], seconds: [Int])

    /// The first of a day's times from a second on that exists and comes after `base`.
    private static func first(
        _ times: Times, from start: Int, of day: CivilDay, after base: Int, _ zone: LocalClock
    ) -> Int? {
        for hour in times.hours where hour * 3600 + 3599 >= start {
            for minute in times.minutes where hour * 3600 + minute * 60 + 59 >= start {
                for second in times.seconds where hour * 3600 + minute * 60 + second >= start {
                    let local = day.secondsSince1970 + hour * 3600 + minute * 60 + second
                    if let instant = zone.instant(local), instant > base { return instant }
                }
            }
        }
        return nil
    }
}

/// A zone's clocks, in whole seconds.
struct LocalClock {
    let zone: TimeZone

    /// What the local time is ahead of UTC.
    func offset(at instant: Int) -> Int { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant))) }

    /// When the clocks first show a local time, given as if it were UTC; nil where they skip it.
    func instant(_ local: Int) -> Int? {
        let day = 86400
        let before = offset(at: local - day), after = offset(at: local + day)
        if before == after { return local - before }
        return [before, after].filter { offset(at: local - $0) == $0 }.map { local - $0 }.min()
    }
}

/// A day of the Gregorian calendar.
struct CivilDay {
    let year, month, day: Int
    /// Days since 1970-01-01.
    let number: Int

    var secondsSince1970: Int { number * 86400 }
    /// Monday is 0; 1970-01-01 was a Thursday.
    var weekday: Int { ((number + 3) % 7 + 7) % 7 }
    var next: CivilDay { CivilDay(number: number + 1) }
    var nextMonth: CivilDay { month == 12 ? nextYear : CivilDay(year: year, month: month + 1, day: 1) }
    var nextYear: CivilDay { CivilDay(year: year + 1, month: 1, day: 1) }
    var lengthOfMonth: Int { nextMonth.number - CivilDay(year: year, month: month, day: 1).number }

    init(secondsSince1970 seconds: Int) { self.init(number: Int((Double(seconds) / 86400).rounded(.down))) }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that a leap day is the
    /// last one.
    init(year: Int, month: Int, day: Int) {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400, yearOfEra = y - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        (self.year, self.month, self.day, number) = (year, month, day, era * 146_097 + dayOfEra - 719_468)
    }

    init(number: Int) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097, dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        self.number = number
    }
}
