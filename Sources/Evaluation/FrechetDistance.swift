import Tensors

/// The Fréchet distance of two sets of features, each taken as normally distributed (Heusel et al. 2017):
/// |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), with the covariances of n - 1, as pytorch-fid has it.
///
/// With C = R^T R for each side, the trace of the root is the nuclear norm of R1 R2^T: exact however few images there
/// are, without an epsilon on the diagonal and without the imaginary rounding errors of a matrix root.
package enum FrechetDistance {
    /// Throws `EvaluationError` with fewer than two images on a side.
    package static func between(
        _ a: FeatureTable, _ b: FeatureTable, in context: ComputeContext = .default
    ) throws -> Double {
        try FeatureTable.check(a, b)
        return LinearAlgebra.onAllThreads(of: context) { distance(Side(a), Side(b)) }
    }

    /// The distance that infinitely many images would have (Chong and Forsyth 2020): on subsets of both sides, with 1/f
    /// of the images for f from 1 to 4, the distance is nearly a line over f, and this is its value at 0. Nil with too
    /// few images to tell.
    package static func extrapolated(
        _ a: FeatureTable, _ b: FeatureTable, seed: UInt64 = 1, in context: ComputeContext = .default
    ) throws -> Double? {
        try FeatureTable.check(a, b)
        guard min(a.count, b.count) >= leastImages else { return nil }
        var points: [(x: Double, y: Double)] = []
        LinearAlgebra.onAllThreads(of: context) {
            points.append((1, distance(Side(a), Side(b))))
            for step in 1...steps {
                let factor = 1 + 3 * Double(step) / Double(steps)
                // Draws of many images hardly differ, and take long.
                for draw in 0..<(min(a.count, b.count) < 1000 ? 4 : 1) {
                    func subset(_ table: FeatureTable, _ name: String) -> Side {
                        var random = EvaluationRandom(seed: seed, purpose: "subset \(name) \(step)", number: draw)
                        return Side(
                            table, random.chosen(Int((Double(table.count) / factor).rounded()), of: table.count))
                    }
                    let (left, right) = (subset(a, "a"), subset(b, "b"))
                    let parts = Double(a.count) / Double(left.count) + Double(b.count) / Double(right.count)
                    points.append((parts / 2, distance(left, right)))
                }
            }
        }
        let n = Double(points.count), meanX = points.reduce(0) { $0 + $1.x } / n,
            meanY = points.reduce(0) { $0 + $1.y } / n
        let slope =
            points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
            / points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        return meanY - slope * meanX
    }

    private static let steps = 6
    /// A quarter of them are still some.
    private static let leastImages = 16

    private static func distance(_ a: Side, _ b: Side) -> Double {
        let d = a.mean.count
        let means = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let product = LinearAlgebra.productWithTransposed(
            a.root, b.root, m: a.root.count / d, n: b.root.count / d, k: d)
        let root = LinearAlgebra.nuclearNorm(product, rows: a.root.count / d, columns: b.root.count / d)
        return means + a.trace + b.trace - 2 * root
    }

    /// A side's mean, trace of the covariance, and a root of it: R with R^T R = C.
    private struct Side {
        var count: Int
        var mean: [Double]
        var trace: Double
        var root: [Double]

        init(_ table: FeatureTable, _ rows: [Int]? = nil) {
            let d = table.dimensions, rows = rows ?? Array(0..<table.count), n = rows.count
            var mean = [Double](repeating: 0, count: d)
            for row in rows { for (j, v) in table.row(row).enumerated() { mean[j] += Double(v) } }
            for j in 0..<d { mean[j] /= Double(n) }
            let scale = 1 / Double(n - 1).squareRoot()
            var trace = 0.0
            // As many rows at a time as the triangle has: memory does not grow with the images.
            let most = 2 * d
            var root: [Double] = [], filled = 0
            root.reserveCapacity(min(n, most) * d)
            for row in rows {
                if filled == most {
                    LinearAlgebra.reduceToTriangle(&root, rows: filled, columns: d)
                    filled = d
                    root.removeLast(root.count - d * d)
                }
                for (j, v) in table.row(row).enumerated() {
                    let centred = (Double(v) - mean[j]) * scale
                    trace += centred * centred
                    root.append(centred)
                }
                filled += 1
            }
            if filled > d {
                LinearAlgebra.reduceToTriangle(&root, rows: filled, columns: d)
                root.removeLast(root.count - d * d)
            }
            (count, self.mean, self.trace, self.root) = (n, mean, trace, root)
        }
    }
}
