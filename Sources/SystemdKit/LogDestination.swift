import CSystemd
import Glibc

/// Where log lines go.
package enum LogDestination: Sendable, Hashable {
    /// The journal when standard error is connected to it, as it is in a service; else lines for people on standard
    /// error.
    case automatic
    /// The journal's socket; lines with a `<N>` priority on standard error while it does not answer.
    case journal
    /// Lines on standard error that begin with `<N>`, the syslog priority, which journald understands.
    case prefixedLines
    /// Lines for people on standard error, with time and level.
    case plainLines

    /// Whether descriptor 2 is the stream that systemd announced in JOURNAL_STREAM (`device:inode`). A service whose
    /// standard error was redirected elsewhere keeps the variable but not the stream.
    static func isStandardErrorJournal(_ announced: String?) -> Bool {
        let parts = announced?.split(separator: ":").map { UInt64($0) } ?? []
        guard parts.count == 2, let device = parts[0], let inode = parts[1] else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }

    var resolved: LogDestination {
        guard self == .automatic else { return self }
        return Self.isStandardErrorJournal(getenv("JOURNAL_STREAM").map { String(cString: $0) })
            ? .journal : .plainLines
    }
}

/// Sends one entry to the journal.
enum Journal {
    private static let socketPath = "/run/systemd/journal/socket"

    /// Returns false when the journal did not take it. Values may be any bytes.
    static func send(_ fields: [(name: String, value: [UInt8])]) -> Bool {
        // libsystemd calls it a success when there is no journal at all.
        guard access(socketPath, W_OK) == 0 else { return false }
        var lines: [UInt8] = []
        var ranges: [Range<Int>] = []
        for field in fields {
            let start = lines.count
            lines += field.name.utf8
            lines.append(UInt8(ascii: "="))
            lines += field.value
            ranges.append(start..<lines.count)
        }
        return lines.withUnsafeMutableBytes { lines in
            let vectors = ranges.map { iovec(iov_base: lines.baseAddress! + $0.lowerBound, iov_len: $0.count) }
            return sd_journal_sendv(vectors, CInt(vectors.count)) == 0
        }
    }
}
