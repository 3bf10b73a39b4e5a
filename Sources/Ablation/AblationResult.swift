import CycleGAN
import Evaluation
import Foundation

/// The figures of one trained model.
package struct AblationResult: Codable, Equatable, Sendable {
    package var variant: String
    package var seed, iterations: Int
    /// On what the distances are: `FID`, or what it is called with other features.
    package var distance: String
    package var dimensions: Int
    package var frechet: Double
    package var frechetAtInfinity: Double?
    package var kernel: Estimate
    package var content, reconstruction: Double?
    /// Held-out photos and paintings that were read.
    package var photos, paintings: Int

    static let fileName = "evaluation.json"
}

/// What several seeds say about one figure.
package struct SeedSummary: Equatable, Sendable {
    package var mean: Double
    /// Half of the 95 % interval of the mean, by Student's t; nil with one seed.
    package var half: Double?

    package init(_ values: [Double]) {
        let n = Double(values.count)
        let mean = values.reduce(0, +) / n
        self.mean = mean
        guard values.count > 1 else { return }
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
        half = Self.t(values.count - 1) * (variance / n).squareRoot()
    }

    /// The 97.5 % quantile of Student's t distribution.
    static func t(_ freedom: Int) -> Double {
        let table = [
            12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
            2.120, 2.110, 2.101, 2.093, 2.086,
        ]
        return freedom <= table.count ? table[freedom - 1] : 1.96 + 2.5 / Double(freedom)
    }
}
