import Glibc
import LinuxFiles
import Logging
import Threads

/// Keeps the file that node_exporter's textfile collector reads. A slow disk keeps nobody waiting: the file is written
/// on a thread of its own, which lives while there is something to write.
final class MetricsExporter: Sendable {
    private struct State {
        var next: (path: BytePath, text: String)?
        var isWriting = false
        /// The file that is there, and the last complaint about one.
        var written: BytePath?
        var complaint: String?
    }

    private let state = Monitor(State())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// Writes the file soon; of several texts the last one.
    func write(_ text: String, to path: BytePath) {
        let mayStart = state.change { state in
            state.next = (path, text)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        guard mayStart else { return }
        do { try WorkerThread("metrics") { self.work() } } catch {
            state.change { $0.isWriting = false }
            complain("\(error)", path)
        }
    }

    /// Removes the file: a service that has stopped, or writes none any more, is seen to be absent.
    func remove() {
        state.change { $0.next = nil }
        state.wait(seconds: 1, for: { !$0.isWriting })
        let path = state.change { state in
            defer { state.written = nil }
            return state.written
        }
        if let path { try? Files.unlinkIfPresent(path) }
    }

    private func work() {
        while true {
            let job = state.change { state -> (path: BytePath, text: String)? in
                defer { state.next = nil }
                if state.next == nil { state.isWriting = false }
                return state.next
            }
            guard let job else { return }
            do {
                try Self.replace(job.path, with: job.text)
                let other = state.change { state -> BytePath? in
                    state.complaint = nil
                    defer { state.written = job.path }
                    return state.written == job.path ? nil : state.written
                }
                if let other { try? Files.unlinkIfPresent(other) }
            } catch { complain("\((error as? SystemError)?.reason ?? "\(error)")", job.path) }
        }
    }

    private func complain(_ reason: String, _ path: BytePath) {
        let isNew = state.change { state in
            defer { state.complaint = reason }
            return state.complaint != reason
        }
        guard isNew else { return }
        logger.warning(
            """
            metrics: \(path) cannot be written: \(reason). Outside the spool the unit needs a drop-in: \
            cyclegan-styled --check-config prints it.
            """)
    }

    /// Whoever reads the file has either the old text or the new one. It need not outlive a power failure.
    static func replace(_ path: BytePath, with text: String) throws {
        let temporary = path.parent.appending(Array(".".utf8) + path.name + Array(".new".utf8))
        try Files.unlinkIfPresent(temporary)
        do {
            let file = try Descriptor.open(
                temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644, trying: "create")
            try file.write(Array(text.utf8))
            // Whatever the unit's umask: the exporter runs under another account.
            try Files.setMode(temporary, 0o644)
            try Files.rename(temporary, to: path)
        } catch {
            try? Files.unlinkIfPresent(temporary)
            throw error
        }
    }
}
