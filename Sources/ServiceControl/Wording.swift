import Foundation

/// `1 photo`, `2 photos`.
package func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// A time of day as a person reads it, with 24 hours and in local time; with its day where that is not today.
package func timeText(_ date: Date, now: Date = Date(), seconds: Bool = false, timeZone: TimeZone = .current) -> String
{
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    let fields: Set<Calendar.Component> = [.year, .month, .day, .hour, .minute, .second]
    let time = calendar.dateComponents(fields, from: date), today = calendar.dateComponents(fields, from: now)
    func digits(_ value: Int?, _ width: Int = 2) -> String {
        let text = String(value ?? 0)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    let clock =
        [time.hour, time.minute].map { digits($0) }.joined(separator: ":") + (seconds ? ":" + digits(time.second) : "")
    if (time.year, time.month, time.day) == (today.year, today.month, today.day) { return clock }
    return "\(digits(time.year, 4))-\(digits(time.month))-\(digits(time.day)) \(clock)"
}

/// A time span in its two largest units.
package func durationText(_ seconds: TimeInterval) -> String {
    let total = Int(max(0, min(seconds, 1e12)).rounded())
    switch total {
    case ..<60: return "\(total) s"
    case ..<3600: return "\(total / 60) min \(total % 60) s"
    case ..<86400: return "\(total / 3600) h \(total % 3600 / 60) min"
    default: return "\(total / 86400) d \(total % 86400 / 3600) h"
    }
}
