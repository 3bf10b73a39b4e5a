import LinuxFiles

/// Sizes and durations as people write them.
package enum Quantity {
    private static let durationUnits: [(names: [String], seconds: Double)] = [
        (["ms", "msec"], 0.001), (["s", "", "sec", "second", "seconds"], 1), (["m", "min", "minute", "minutes"], 60),
        (["h", "hr", "hour", "hours"], 3600), (["d", "day", "days"], 86400), (["w", "week", "weeks"], 604_800),
        (["y", "year", "years"], 31_557_600),
    ]
    private static let factors: [Character: Int] = ["K": 1, "M": 2, "G": 3, "T": 4]

    /// `2s`, `500ms`, `1.5h`, `1min 30s`, `7d`; a plain number is seconds.
    package static func duration(_ text: String) -> Duration? {
        var seconds = 0.0
        var rest = Substring(text.filter { $0 != " " })
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), number.isFinite,
                let factor = durationUnits.first(where: { $0.names.contains(String(unit)) })?.seconds
            else { return nil }
            seconds += number * factor
        }
        guard seconds <= 1e10 else { return nil }
        return .nanoseconds(Int64(seconds * 1e9))
    }

    /// Bytes: `256M`, `2G`, `1.5 GiB`, `64 kB`; K, M, G and T are powers of 1024.
    package static func bytes(_ text: String) -> Int? { scaled(text, step: 1024, suffixes: ["", "B", "iB"]) }

    /// A count: `100M` is a hundred million; `MP` stands for megapixels.
    package static func count(_ text: String) -> Int? { scaled(text, step: 1000, suffixes: ["", "P"]) }

    private static func scaled(_ text: String, step: Double, suffixes: [String]) -> Int? {
        let text = text.filter { $0 != " " && $0 != "_" }
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        var unit = text.dropFirst(digits.count)
        guard let number = Double(digits) else { return nil }
        var value = number
        if let letter = unit.first.map({ Character($0.uppercased()) }), let power = factors[letter] {
            for _ in 0..<power { value *= step }
            unit = unit.dropFirst()
        }
        guard suffixes.contains(where: { $0.lowercased() == unit.lowercased() }), value < 9e18 else { return nil }
        return Int(value.rounded())
    }

    package static func text(_ duration: Duration) -> String {
        let milliseconds = Int((duration.seconds * 1000).rounded())
        for unit in durationUnits.reversed() {
            let factor = Int(unit.seconds * 1000)
            if milliseconds >= factor, milliseconds % factor == 0 { return "\(milliseconds / factor)\(unit.names[0])" }
        }
        return "0s"
    }

    package static func text(bytes: Int) -> String {
        for (letter, power) in factors.sorted(by: { $0.value > $1.value }) {
            let unit = 1 << (10 * power)
            if bytes >= unit, bytes % unit == 0 { return "\(bytes / unit)\(letter)" }
        }
        return "\(bytes)"
    }
}
