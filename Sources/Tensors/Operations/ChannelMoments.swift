/// The mean and the deviation (of the population) of each channel of one image, in double precision: a summary of
/// features that does not know where they are.
package struct ChannelMoments: Sendable {
    package let means, deviations: [Double]

    /// Of image n of x, as it is read.
    package init(_ x: Tensor, image n: Int = 0) {
        let x = x.applied(), c = x.shape.c, pixels = x.shape.h * x.shape.w
        let start = x.pointer + n * pixels * c
        let sums = ChannelSums(channels: c, in: x.context), kernels = x.context.kernels.table
        // Parts of a fixed size: the sums do not depend on the threads.
        let part = 1024, items = sums.extend((pixels + part - 1) / part)
        x.context.threads.forEach(items.count) { i in
            kernels.statistics(min(part, pixels - i * part), c, start + i * part * c, c, items[i])
        }
        let totals = sums.totals
        means = (0..<c).map { totals[$0] / Double(pixels) }
        deviations = (0..<c).map {
            max(0, totals[c + $0] / Double(pixels) - totals[$0] / Double(pixels) * totals[$0] / Double(pixels))
                .squareRoot()
        }
    }

    /// The same, slow and obvious.
    static func reference(_ x: ReferenceTensor, image n: Int) -> (means: [Double], deviations: [Double]) {
        let pixels = Double(x.shape.h * x.shape.w)
        func total(_ value: (Int, Int) -> Double) -> Double {
            var sum = 0.0
            for y in 0..<x.shape.h { for xx in 0..<x.shape.w { sum += value(y, xx) } }
            return sum
        }
        let means = (0..<x.shape.c).map { c in total { x[n, $0, $1, c] } / pixels }
        let deviations = (0..<x.shape.c).map { c in
            (total { (x[n, $0, $1, c] - means[c]) * (x[n, $0, $1, c] - means[c]) } / pixels).squareRoot()
        }
        return (means, deviations)
    }
}
