import Glibc
import LinuxFiles
import Logging

/// Log lines on a descriptor. One write a line, so that lines of different threads do not mix.
struct LineOutput: Sendable {
    let descriptor: CInt

    /// `<6>message key=value`; every line of a longer message gets the priority, or journald would give the rest its
    /// own.
    func writePrefixed(level: Logger.Level, message: String, metadata: Logger.Metadata) {
        let text = message + Self.suffix(metadata)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        write(lines.map { "<\(level.syslogPriority)>\(Self.printable($0))\n" }.joined())
    }

    /// `12:03:04.567 info    label: message key=value`.
    func writePlain(level: Logger.Level, label: String, message: String, metadata: Logger.Metadata) {
        let text = message + Self.suffix(metadata)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true).map(Self.printable)
        let name = level.rawValue.padded(to: 8)
        write("\(Self.timeOfDay()) \(name) \(label): \(lines.joined(separator: "\n    "))\n")
    }

    /// Metadata without the fields that only a program reads.
    private static func suffix(_ metadata: Logger.Metadata) -> String {
        metadata.filter { !JournalField.isFieldName($0.key) }.sorted { $0.key < $1.key }
            .map { " \($0.key)=" + printable($0.value.description) }.joined()
    }

    /// A file's name must not move the cursor or begin a line of its own.
    private static func printable(_ text: some StringProtocol) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 && scalar != "\t" || (0x7F...0x9F).contains(scalar.value)
                    return isControl ? "\u{FFFD}" : scalar
                }))
    }

    private static func timeOfDay() -> String {
        let now = KernelClock.timeOfDay
        var seconds = time_t(now / 1_000_000_000), local = tm()
        localtime_r(&seconds, &local)
        let parts = [local.tm_hour, local.tm_min, local.tm_sec].map {
            String($0).padded(to: 2, with: "0", atStart: true)
        }
        return parts.joined(separator: ":") + "."
            + String(now % 1_000_000_000 / 1_000_000).padded(to: 3, with: "0", atStart: true)
    }

    private func write(_ text: String) {
        // Where that fails, nowhere is left to complain to.
        try? Array(text.utf8).withUnsafeBytes { try Files.write($0, to: descriptor) }
    }
}

extension String {
    fileprivate func padded(to width: Int, with filler: Character = " ", atStart: Bool = false) -> String {
        let padding = String(repeating: filler, count: max(0, width - count))
        return atStart ? padding + self : self + padding
    }
}
