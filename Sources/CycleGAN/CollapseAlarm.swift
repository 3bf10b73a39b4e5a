import Tensors

/// Watches the pictures that G makes during training for its two ways of failing: colours turned into their opposite,
/// and one picture for every photo.
package struct CollapseAlarm {
    private var correlation = 0.0, spread = 0.0, seen = 0
    private var raised: Set<String> = []
    /// Iterations over which is averaged, about, and which pass before the first alarm.
    private static let window = 100.0
    /// A picture with a deviation below this, of [-1, 1], shows nothing.
    private static let leastSpread = 0.03

    package init() {}

    /// Goes on where another alarm was; nil where the text is not a `state`.
    init?(state: String) {
        let parts = state.split(separator: " ")
        guard parts.count >= 3, let correlation = Double(parts[0]), let spread = Double(parts[1]),
            let seen = Int(parts[2])
        else { return nil }
        (self.correlation, self.spread, self.seen) = (correlation, spread, seen)
        raised = Set(parts[3...].map(String.init))
    }

    /// Both means, the pictures seen, what was raised.
    var state: String { (["\(correlation)", "\(spread)", "\(seen)"] + raised.sorted()).joined(separator: " ") }

    /// What is wrong after one more photo and its picture, once each; nil where nothing is, or is known already.
    /// - Parameter found: their statistics, or the means of a batch's.
    mutating func check(_ found: (correlation: Double, spread: Double)) -> String? {
        let (c, s) = found
        seen += 1
        let weight = max(1 / Double(seen), 1 / Self.window)
        correlation += weight * (c - correlation)
        spread += weight * (s - spread)
        guard Double(seen) >= Self.window else { return nil }
        if correlation < 0, raised.insert("inversion").inserted {
            return
                "alarm: the pictures' colours are the photos' inverted (correlation \(Self.rounded(correlation))); "
                + "start again with another seed "
                + "or a larger lambda-identity"
        }
        if spread < Self.leastSpread, raised.insert("collapse").inserted {
            return
                "alarm: the pictures are nearly of one colour (deviation \(Self.rounded(spread))); start again with "
                + "another seed, "
                + "or a smaller learning-rate"
        }
        return nil
    }

    private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    /// The mean over the channels of the correlation of x and picture, and of the picture's deviation.
    static func statistics(_ x: Tensor, _ picture: Tensor) -> (correlation: Double, spread: Double) {
        let channels = x.shape.c, pixels = x.shape.count / channels
        var correlation = 0.0, spread = 0.0
        for c in 0..<channels {
            var (sx, sy, sxx, syy, sxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
            for i in 0..<pixels {
                let (a, b) = (Double(x.pointer[i * channels + c]), Double(picture.pointer[i * channels + c]))
                (sx, sy, sxx, syy, sxy) = (sx + a, sy + b, sxx + a * a, syy + b * b, sxy + a * b)
            }
            let n = Double(pixels)
            let (vx, vy) = (max(0, sxx / n - sx / n * (sx / n)), max(0, syy / n - sy / n * (sy / n)))
            let both = (vx * vy).squareRoot()
            if both > 1e-12 { correlation += (sxy / n - sx / n * (sy / n)) / both }
            spread += vy.squareRoot()
        }
        return (correlation / Double(channels), spread / Double(channels))
    }
}
