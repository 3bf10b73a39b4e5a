/// How often each image counts in each of many sets drawn with replacement (Efron 1979). The first set is the images
/// themselves.
package struct Bootstrap: Sendable {
    package let images, sets: Int
    /// Row i: how often image i counts in each set.
    let counts: [Double]

    /// - Parameters:
    ///   - sets: drawn ones, beside the images themselves.
    ///   - purpose: other draws for another purpose. Two models are compared with the same draw of photos: the
    ///     comparison is paired.
    package init(images n: Int, sets drawn: Int, seed: UInt64, purpose: String) {
        precondition(n >= 2)
        (images, sets) = (n, drawn + 1)
        var counts = [Double](repeating: 0, count: n * (drawn + 1))
        for i in 0..<n { counts[i * (drawn + 1)] = 1 }
        for set in 1..<max(1, drawn + 1) {
            var random = EvaluationRandom(seed: seed, purpose: "bootstrap \(purpose)", number: set)
            var first: Int?, areTwo = false
            // A set of one image alone has no pairs.
            while !areTwo {
                if let first { counts[first * (drawn + 1) + set] = 0 }
                first = nil
                for _ in 0..<n {
                    let i = random.below(n)
                    counts[i * (drawn + 1) + set] += 1
                    if first == nil { first = i } else if i != first { areTwo = true }
                }
            }
        }
        self.counts = counts
    }

    /// The middle `confidence` of the drawn sets' values; the first value, of the images themselves, is left out.
    static func interval(_ values: [Double], confidence: Double = 0.95) -> ClosedRange<Double> {
        let sorted = values.dropFirst().sorted()
        guard !sorted.isEmpty else { return values[0]...values[0] }
        func quantile(_ q: Double) -> Double {
            let place = q * Double(sorted.count - 1), low = Int(place), high = min(low + 1, sorted.count - 1)
            return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
        }
        return quantile((1 - confidence) / 2)...quantile((1 + confidence) / 2)
    }
}

/// A figure with the interval that 95 % of the drawn sets lie in.
package struct Estimate: Sendable, Equatable, Codable {
    package var value, low, high: Double

    package init(value: Double, low: Double, high: Double) { (self.value, self.low, self.high) = (value, low, high) }

    /// The first value is the figure; the others are of the drawn sets.
    init(_ values: [Double]) {
        let interval = Bootstrap.interval(values)
        self.init(value: values[0], low: interval.lowerBound, high: interval.upperBound)
    }
}
