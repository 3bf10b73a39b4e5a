import Glibc
import Logging
import Synchronization

/// Lets the first of equal warnings through and counts the others for a while, then says how many there were: a warning
/// that comes back every second neither fills the journal nor meets its rate limit, which would take other entries with
/// it.
///
/// Equal are entries of the same level with the same text and the same metadata, so that what is said of two photos
/// never is.
final class RepeatedEntries: Sendable {
    struct Entry: Hashable, Sendable {
        var level: Logger.Level
        var message: String
        /// Names and values, in name order. Bytes: two names that differ in what is no text are not equal.
        var metadata: [[UInt8]]
    }

    private struct Count {
        var began: ContinuousClock.Instant
        var repeated = 0
        /// Writes the entry with another text.
        var write: @Sendable (String) -> Void
    }

    /// More different warnings at a time are not compared with later ones.
    private static let most = 256

    /// How long equal entries are counted as one.
    let window: Duration
    private let counts = Mutex<[Entry: Count]>([:])
    /// Whether the thread is there that ends windows. A timer of libdispatch would come with threads that raise their
    /// priority, which the unit's sandbox forbids and the journal would tell of.
    private let hasThread = Mutex(false)

    init(window: Duration) { self.window = window }

    /// Whether the entry is to be written now. If it comes again within the window, `write` is called at the window's
    /// end.
    func admits(_ entry: Entry, write: @escaping @Sendable (String) -> Void) -> Bool {
        enum Verdict { case first, counted, uncounted }
        let verdict: Verdict = counts.withLock { counts in
            if counts[entry] != nil {
                counts[entry]!.repeated += 1
                return .counted
            }
            guard counts.count < Self.most else { return .uncounted }
            counts[entry] = Count(began: .now, write: write)
            return .first
        }
        if verdict == .first { ensureThread() }
        return verdict != .counted
    }

    /// One thread while any warning is remembered, and none when there are no warnings.
    private func ensureThread() {
        let isNeeded = hasThread.withLock { has in
            defer { has = true }
            return !has
        }
        guard isNeeded else { return }
        var thread = pthread_t()
        let own = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<RepeatedEntries>.fromOpaque(argument!).takeRetainedValue().endWindows()
                return nil
            }, own.toOpaque())
        if result == 0 {
            pthread_detach(thread)
        } else {
            // Without a thread the repetitions are told when the program ends.
            own.release()
            hasThread.withLock { $0 = false }
        }
    }

    private func endWindows() {
        while true {
            let now = ContinuousClock.now
            let (due, next) = counts.withLock { counts in
                (counts.filter { now - $0.value.began >= window }.map(\.key), counts.values.map(\.began).min())
            }
            due.forEach(end)
            guard let next else {
                // Whoever adds an entry from here on starts a thread, or has seen that this one is there and is seen
                // here.
                hasThread.withLock { $0 = false }
                if isEmpty { return }
                ensureThread()
                return
            }
            let left = max(window - (now - next), .milliseconds(1))
            var time = timespec(
                tv_sec: Int(left.components.seconds), tv_nsec: Int(left.components.attoseconds / 1_000_000_000))
            nanosleep(&time, nil)
        }
    }

    var isEmpty: Bool { counts.withLock { $0.isEmpty } }

    /// Says what is still unsaid, as before the program ends.
    func flush() {
        for entry in counts.withLock({ Array($0.keys) }) { end(entry) }
    }

    private func end(_ entry: Entry) {
        guard let count = counts.withLock({ $0.removeValue(forKey: entry) }), count.repeated > 0 else { return }
        let seconds = Int(((ContinuousClock.now - count.began) / .seconds(1)).rounded())
        count.write(
            "\(entry.message) (repeated \(count.repeated) \(count.repeated == 1 ? "time" : "times") in \(seconds) s)")
    }
}
