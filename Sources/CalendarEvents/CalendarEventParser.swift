import Foundation

/// Reads calendar events. The grammar, and what counts as valid, are those of systemd's calendarspec.c.
struct CalendarEventParser {
    struct Parts {
        var zone: TimeZone?
        var weekdays: Set<Int>?
        var years, months, days: CalendarComponent?
        var countsFromEndOfMonth = false
        var hours, minutes, seconds: CalendarComponent?
    }

    /// A number, or several, or `*` (nil), with the place where it stands.
    typealias Field = (component: CalendarComponent?, offset: Int)

    static let years = 1970...2199
    private static let weekdayNames = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    static let separators = Set(" ,-~:".utf8)

    /// Without the zone.
    var text: [UInt8]
    var position = 0
    private let zone: (name: String, offset: Int)?

    init(_ whole: String) {
        let bytes = Array(whole.utf8)
        text = bytes
        // A last word with a letter in it can only be a zone: weekdays stand before everything else.
        guard let space = bytes.lastIndex(of: UInt8(ascii: " ")), bytes[space...].contains(where: \.isLetter) else {
            zone = nil
            return
        }
        text.removeSubrange(space...)
        zone = (String(decoding: bytes[(space + 1)...], as: UTF8.self), space + 1)
    }

    mutating func parse() throws(CalendarEventError) -> Parts {
        if text.isEmpty, zone == nil {
            throw error("is empty; give a calendar event such as \"weekly\" or \"Sun 03:00\"")
        }
        // As in systemd.
        if text.first.map({ $0 == UInt8(ascii: " ") }) ?? true { throw error("begins with a space", at: 0) }
        if text.last == UInt8(ascii: " ") { throw error("ends with a space", at: text.count - 1) }
        var parts: Parts
        if let known = shorthand() { parts = known } else { parts = try spelledOut() }
        parts.zone = try timeZone()
        return parts
    }

    var next: UInt8? { position < text.count ? text[position] : nil }
    var atEnd: Bool { position == text.count }

    func nextIs(_ character: Unicode.Scalar, after count: Int = 0) -> Bool {
        position + count < text.count && text[position + count] == UInt8(ascii: character)
    }

    func error(_ reason: String, at offset: Int? = nil) -> CalendarEventError {
        CalendarEventError(offset: offset ?? position, reason: reason)
    }

    /// From here to the next space, for messages.
    var word: String {
        let rest = text[position...]
        return String(decoding: rest.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
    }

    func unexpected(_ expected: String) -> CalendarEventError {
        guard let next else { return error("ends where \(expected) is expected") }
        if next == UInt8(ascii: "\t") { return error("has a tab; words are parted by spaces") }
        return error("has \"\(word)\" where \(expected) is expected")
    }
}

extension CalendarEventParser {
    private func shorthand() -> Parts? {
        var parts = Parts()
        parts.seconds = CalendarComponent(0)
        let name = String(decoding: text, as: UTF8.self).lowercased()
        if name == "minutely" { return parts }
        parts.minutes = CalendarComponent(0)
        if name == "hourly" { return parts }
        parts.hours = CalendarComponent(0)
        switch name {
        case "daily": return parts
        case "weekly":
            parts.weekdays = [0]
            return parts
        case "monthly": break
        case "yearly", "annually", "anually": parts.months = CalendarComponent(1)
        case "quarterly": parts.months = CalendarComponent(1, 4, 7, 10)
        case "semiannually", "semi-annually", "biannually", "bi-annually": parts.months = CalendarComponent(1, 7)
        default: return nil
        }
        parts.days = CalendarComponent(1)
        return parts
    }

    private func timeZone() throws(CalendarEventError) -> TimeZone? {
        guard let zone else { return nil }
        if zone.name.lowercased() == "utc" { return TimeZone(secondsFromGMT: 0) }
        if weekday(Array(zone.name.utf8), 0) != nil {
            throw error(
                "has the weekday \"\(zone.name)\" at the end; weekdays stand before date and time", at: zone.offset)
        }
        let isPlain = zone.name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "_+-/".utf8.contains($0) }
        guard isPlain, Self.isKnown(zone.name), let found = TimeZone(identifier: zone.name) else {
            throw error(
                "has the unknown time zone \"\(zone.name)\"; 'timedatectl list-timezones' lists them, "
                    + "such as Europe/Berlin, and UTC", at: zone.offset)
        }
        return found
    }

    /// Foundation takes spellings that systemd does not.
    private static func isKnown(_ name: String) -> Bool {
        var isDirectory: ObjCBool = false
        let file = "/usr/share/zoneinfo/\(name)"
        if FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) { return !isDirectory.boolValue }
        return TimeZone.knownTimeZoneIdentifiers.contains(name)
    }

    /// The weekday whose name begins there, in full or its first three letters.
    func weekday(_ bytes: [UInt8], _ start: Int) -> (number: Int, length: Int)? {
        let rest = String(decoding: bytes[start...], as: UTF8.self).lowercased()
        for (number, name) in Self.weekdayNames.enumerated() {
            for candidate in [name, String(name.prefix(3))] where rest.hasPrefix(candidate.lowercased()) {
                return (number, candidate.utf8.count)
            }
        }
        return nil
    }

    /// `Mon`, `Mon..Fri`, `Mon,Thu`, and the older `Mon-Fri`; nil where none stand here.
    mutating func weekdays() throws(CalendarEventError) -> Set<Int>? {
        var result: Set<Int> = [], rangeStart: Int?
        while true {
            guard let (number, length) = weekday(text, position) else {
                if result.isEmpty { return nil }
                throw unexpected("a weekday")
            }
            let start = position
            position += length
            if let next, !" -.,".utf8.contains(next) {
                position = start
                throw unexpected("a weekday such as \"Mon\" or \"Monday\"")
            }
            if let first = rangeStart {
                if first > number {
                    throw error("has a range of weekdays that ends before it begins; weeks begin on Monday", at: start)
                }
                result.formUnion(first...number)
            }
            result.insert(number)
            switch next {
            case UInt8(ascii: "."), UInt8(ascii: "-"):
                if rangeStart != nil { throw unexpected("a comma or the end of the range") }
                let isDot = nextIs(".")
                if isDot, !nextIs(".", after: 1) { throw unexpected("\"..\"") }
                position += isDot ? 2 : 1
                rangeStart = number
            case UInt8(ascii: ","):
                position += 1
                rangeStart = nil
            default: rangeStart = nil
            }
            if atEnd || nextIs(" ") {
                if rangeStart != nil { throw unexpected("the last weekday of the range") }
                skipSpaces()
                return result.count == 7 ? nil : result
            }
        }
    }

    mutating func skipSpaces() { while nextIs(" ") { position += 1 } }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
}
