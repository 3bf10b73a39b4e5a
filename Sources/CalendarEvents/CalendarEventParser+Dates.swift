extension CalendarEventParser {
    mutating func spelledOut() throws(CalendarEventError) -> Parts {
        var parts = Parts()
        if nextIs("@") { throw error("has seconds since 1970 (\"@\"), which happen once and are not taken") }
        if let next, next.isLetter, weekday(text, 0) == nil {
            throw error(
                "has \"\(word)\", which is no weekday and none of minutely, hourly, daily, weekly, monthly, quarterly, "
                    + "semiannually, yearly")
        }
        parts.weekdays = try weekdays()
        if try !date(&parts) || !atEnd {
            try time(&parts)
        } else {
            let midnight = CalendarComponent(0)
            (parts.hours, parts.minutes, parts.seconds) = (midnight, midnight, midnight)
        }
        return parts
    }

    /// `year-month-day`, `month-day`, with `~` in place of the last `-`.
    /// - Returns: false where a time stands here.
    private mutating func date(_ parts: inout Parts) throws(CalendarEventError) -> Bool {
        if atEnd { return true }
        let start = position, first = try field()
        if nextIs(":") {
            position = start
            return false
        }
        var separator = try dateSeparator()
        let second = try field()
        if atEnd || nextIs(" ") {
            (parts.months, parts.days) = (first.component, second.component)
            try check(first, 1...12, "months")
            try check(second, 1...31, "days", countedFromEnd: separator == "~")
        } else {
            if separator == "~" { throw unexpected("the end of the date: \"~\" stands before the day") }
            separator = try dateSeparator()
            let third = try field()
            if !atEnd, !nextIs(" ") { throw unexpected("a space or the end") }
            parts.years = Self.inFull(first.component)
            (parts.months, parts.days) = (second.component, third.component)
            try check((parts.years, first.offset), Self.years, "years")
            try check(second, 1...12, "months")
            try check(third, 1...31, "days", countedFromEnd: separator == "~")
        }
        parts.countsFromEndOfMonth = separator == "~" && parts.days != nil
        skipSpaces()
        return true
    }

    private mutating func dateSeparator() throws(CalendarEventError) -> Character {
        if nextIs("~") || nextIs("-") {
            defer { position += 1 }
            return nextIs("~") ? "~" : "-"
        }
        throw unexpected("\"-\" of a date or \":\" of a time")
    }

    /// `hours:minutes` or `hours:minutes:seconds`.
    private mutating func time(_ parts: inout Parts) throws(CalendarEventError) {
        let hours = try field()
        try colon()
        let minutes = try field()
        try check(hours, 0...23, "hours")
        try check(minutes, 0...59, "minutes")
        (parts.hours, parts.minutes, parts.seconds) = (hours.component, minutes.component, CalendarComponent(0))
        if atEnd { return }
        try colon()
        let seconds = try field(ofSeconds: true)
        try check(seconds, 0...59, "seconds")
        parts.seconds = seconds.component
        if !atEnd { throw unexpected("the end, or a space and a time zone") }
    }

    private mutating func colon() throws(CalendarEventError) {
        guard nextIs(":") else { throw unexpected("\":\" and minutes or seconds") }
        position += 1
    }

    /// `*`, or a list of `number`, `number..number`, each with `/step`.
    private mutating func field(ofSeconds: Bool = false) throws(CalendarEventError) -> Field {
        let start = position
        if nextIs("*") {
            position += 1
            if nextIs("/") { throw error("has a step after \"*\"; write the first value, as in \"0/15\"") }
            return (nil, start)
        }
        var items: [CalendarComponent.Item] = []
        while true {
            let itemStart = position
            var item = CalendarComponent.Item(start: try number(ofSeconds: ofSeconds), stop: nil, step: 0)
            if nextIs("."), nextIs(".", after: 1) {
                position += 2
                item.stop = try number(ofSeconds: ofSeconds)
                item.step = 1
            }
            if nextIs("/") {
                position += 1
                let place = position
                item.step = try number(ofSeconds: ofSeconds)
                if item.step == 0 { throw error("has a step of 0", at: place) }
            } else if ofSeconds, item.stop == item.start {
                throw error("has a range of seconds with one value", at: itemStart)
            }
            // A range ends with the last value that it reaches: 6..13/6 is 6..12.
            if let stop = item.stop, stop > item.start { item.stop = stop - (stop - item.start) % item.step }
            if let next, !Self.separators.contains(next) { throw unexpected("one of \", - : / ..\" or the end") }
            items.append(item)
            guard nextIs(",") else { return (CalendarComponent(items), start) }
            position += 1
        }
    }

    private mutating func number(ofSeconds: Bool) throws(CalendarEventError) -> Int {
        let start = position
        while let next, next.isDigit { position += 1 }
        if position == start { throw unexpected("a number or \"*\"") }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        guard let value = Int(digits), value < 1 << 31 else {
            throw error("has the number \(digits), which is too large", at: start)
        }
        if ofSeconds, nextIs("."), !nextIs(".", after: 1) {
            throw error("has fractions of a second, which are not taken")
        }
        return value
    }

    /// Years of two digits: 70 to 99 are the last century's.
    private static func inFull(_ years: CalendarComponent?) -> CalendarComponent? {
        func full(_ year: Int) -> Int { year < 70 ? year + 2000 : year < 100 ? year + 1900 : year }
        return years.map { years in
            CalendarComponent(years.items.map { .init(start: full($0.start), stop: $0.stop.map(full), step: $0.step) })
        }
    }

    /// Throws where a value is impossible or a repetition never comes to pass.
    private func check(
        _ field: Field, _ range: ClosedRange<Int>, _ name: String, countedFromEnd: Bool = false
    ) throws(CalendarEventError) {
        // The 29th to last day is not there in every month.
        let range = countedFromEnd ? range.lowerBound...range.upperBound - 3 : range
        for item in field.component?.items ?? [] {
            for value in [item.start, item.stop ?? item.start] where !range.contains(value) {
                let most = range.upperBound
                throw error(
                    "has the value \(value) for \(name), which go from \(range.lowerBound) to \(most)",
                    at: field.offset)
            }
            if let stop = item.stop {
                if stop < item.start {
                    throw error("has a range of \(name) that ends before it begins", at: field.offset)
                }
                continue
            }
            let second = countedFromEnd ? item.start - item.step : item.start + item.step
            if !range.contains(second) {
                throw error("has a step of \(item.step) for \(name) that leads out of them at once", at: field.offset)
            }
        }
    }
}
