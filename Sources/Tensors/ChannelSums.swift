import CTensorKernels

/// Sums and sums of squares of each channel, one set for each work item, put together in the items' order: the result
/// does not depend on which thread did what.
package final class ChannelSums {
    package let channels: Int
    private let buffers: BufferPool
    private var items: [Buffer] = []

    package init(channels: Int, in context: ComputeContext) { (self.channels, buffers) = (channels, context.buffers) }

    /// Room for `count` more work items; returns one pointer each, to 2 x channels zeros.
    func extend(_ count: Int) -> [UnsafeMutablePointer<Double>] {
        let buffer = buffers.take(count * channels * 4)
        items.append(buffer)
        let doubles = UnsafeMutableRawPointer(buffer.pointer).bindMemory(
            to: Double.self, capacity: count * channels * 2)
        doubles.update(repeating: 0, count: count * channels * 2)
        return (0..<count).map { doubles + $0 * channels * 2 }
    }

    /// Each channel's sum, then each channel's sum of squares.
    var totals: [Double] {
        var total = [Double](repeating: 0, count: 2 * channels)
        for buffer in items {
            let count = buffer.count / 4
            UnsafeMutableRawPointer(buffer.pointer).withMemoryRebound(to: Double.self, capacity: count * 2) { p in
                for i in stride(from: 0, to: count * 2, by: 2 * channels) {
                    for j in 0..<2 * channels { total[j] += p[i + j] }
                }
            }
        }
        return total
    }

    /// Writes the instance normalisation of these sums over `pixels` pixels to image n of `reading`:
    /// scale = 1 / sqrt(biased variance + epsilon).
    package func finish(pixels: Int, epsilon: Double = 1e-5, into reading: Reading, image n: Int) {
        let total = totals
        let mean = reading.mean + n * channels, scale = reading.scale + n * channels
        for c in 0..<channels {
            let m = total[c] / Double(pixels)
            let variance = max(0, total[channels + c] / Double(pixels) - m * m)
            mean[c] = Float(m)
            scale[c] = Float(1 / (variance + epsilon).squareRoot())
        }
    }
}
