import Foundation
import Glibc
import Synchronization

/// A line with a bar on standard error, where that is a terminal; nothing elsewhere.
final class ProgressBar: Sendable {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let shown = Mutex("")

    func show(_ label: String, _ part: Double) {
        guard isTerminal else { return }
        var size = winsize()
        let columns = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        let percent = String(Int(part * 100)) + " %"
        let room = max(0, columns - percent.count - 26)
        let name = label.count > room ? "…" + label.suffix(max(0, room - 1)) : label
        let filled = Int(part * 20)
        let line = "\(name) [\(String(repeating: "█", count: filled))\(String(repeating: " ", count: 20 - filled))] \(percent)"
        shown.withLock { before in
            guard line != before else { return }
            before = line
            FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
        }
    }

    func clear() {
        guard isTerminal else { return }
        shown.withLock { $0 = "" }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
