/// What is counted from the service's start on, for monitoring.
struct Tally: Sendable {
    /// What became of a photo.
    enum Outcome: String, CaseIterable, Sendable { case styled, reused, failed, quarantined, deferred }

    private(set) var photos: [String: [Outcome: Int]] = [:]
    /// Seconds of each translation.
    private(set) var translations = Histogram(bounds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500])
    /// Of photos' files, and of pictures' files.
    private(set) var bytesRead = 0, bytesWritten = 0

    mutating func count(_ outcome: Outcome, inbox: String) { photos[inbox, default: [:]][outcome, default: 0] += 1 }
    mutating func read(bytes: Int) { bytesRead += bytes }
    mutating func wrote(bytes: Int) { bytesWritten += bytes }
    mutating func translated(seconds: Double) { translations.add(seconds) }
}

/// How many values lay at or below each of a few bounds, as Prometheus has it.
struct Histogram: Sendable, Equatable {
    let bounds: [Double]
    /// By bound, each with those below it.
    private(set) var cumulative: [Int]
    private(set) var count = 0
    private(set) var sum = 0.0

    /// - Parameter bounds: in ascending order.
    init(bounds: [Double]) {
        self.bounds = bounds
        cumulative = bounds.map { _ in 0 }
    }

    mutating func add(_ value: Double) {
        for (index, bound) in bounds.enumerated() where value <= bound { cumulative[index] += 1 }
        count += 1
        sum += value
    }
}
