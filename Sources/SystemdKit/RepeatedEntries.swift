import Dispatch
import Logging
import Synchronization

/// Lets the first of equal warnings through and counts the others for a while, then says how many there were: a warning that comes
/// back every second neither fills the journal nor meets its rate limit, which would take other entries with it.
///
/// Equal are entries of the same level with the same text and the same metadata, so that what is said of two photos never is.
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

    init(window: Duration) { self.window = window }

    /// Whether the entry is to be written now. If it comes again within the window, `write` is called at the window's end.
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
        if verdict == .first {
            // One timer for each warning while it is remembered, and none when there are no warnings.
            DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + window / .seconds(1)) { [weak self] in self?.end(entry) }
        }
        return verdict != .counted
    }

    var isEmpty: Bool { counts.withLock { $0.isEmpty } }

    /// Says what is still unsaid, as before the program ends.
    func flush() {
        for entry in counts.withLock({ Array($0.keys) }) { end(entry) }
    }

    private func end(_ entry: Entry) {
        guard let count = counts.withLock({ $0.removeValue(forKey: entry) }), count.repeated > 0 else { return }
        let seconds = Int(((ContinuousClock.now - count.began) / .seconds(1)).rounded())
        count.write("\(entry.message) (repeated \(count.repeated) \(count.repeated == 1 ? "time" : "times") in \(seconds) s)")
    }
}
