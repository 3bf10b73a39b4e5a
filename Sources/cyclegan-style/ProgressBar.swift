import Foundation
import Glibc
import LinuxFiles
import Synchronization

/// A line with a bar on standard error, where that is a terminal and it is wanted; nothing elsewhere.
final class ProgressBar: Sendable {
    private let isTerminal: Bool
    private let shown = Mutex("")

    init(isQuiet: Bool = false) { isTerminal = !isQuiet && isatty(STDERR_FILENO) == 1 }

    func show(_ label: String, _ part: Double) {
        guard isTerminal else { return }
        var size = winsize()
        let columns = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        let percent = String(Int(part * 100)) + " %"
        let room = max(0, columns - percent.count - 26)
        let name = label.count > room ? "…" + label.suffix(max(0, room - 1)) : label
        let filled = Int(part * 20)
        let bar = String(repeating: "█", count: filled) + String(repeating: " ", count: 20 - filled)
        let line = "\(name) [\(bar)] \(percent)"
        shown.withLock { before in
            guard line != before else { return }
            before = line
            writeStandardError("\r\u{1B}[K\(line)")
        }
    }

    func clear() {
        guard isTerminal else { return }
        shown.withLock { $0 = "" }
        writeStandardError("\r\u{1B}[K")
    }
}
