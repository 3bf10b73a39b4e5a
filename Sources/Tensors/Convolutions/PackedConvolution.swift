/// A convolution with its weights packed: forward only, any band of output rows at a time.
package protocol PackedConvolution: Sendable {
    /// Where the weights lie, and where it computes.
    var context: ComputeContext { get }
    var inputChannels: Int { get }
    var outputChannels: Int { get }
    /// Output rows are made in groups that start at a multiple of this.
    var rowAlignment: Int { get }
    /// What the weights take in memory.
    var weightBytes: Int { get }
    /// What a thread needs besides while it computes, at most.
    var scratchBytes: Int { get }
    /// Multiplications for each output pixel, input channel and output channel, or what takes as long: an estimate.
    var multiplications: Double { get }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int)

    /// The input rows that output rows `rows` read, of an input `height` rows high.
    func inputRows(for rows: Range<Int>, height: Int) -> Range<Int>

    /// Computes output rows `rows` (starting at a multiple of `rowAlignment`) and adds their statistics to `sums`.
    /// - Parameters:
    ///   - input: rows of one image, (rows, W, inputChannels), those of `inputRows` at least.
    ///   - output: where row `rows.lowerBound` begins: (rows, W', outputChannels).
    func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?)
}

/// A convolution that can be given another output size than its geometry's: an adjoint has the size of the input it
/// came from. Of zero padding only: what lies beyond the geometry's own size reads zeros.
protocol ResizableConvolution: PackedConvolution {
    func withOutputSize(height: Int, width: Int) -> any PackedConvolution
}

extension PackedConvolution {
    /// The whole output of every image of x (N, H, W, inputChannels): (N, H', W', outputChannels). With a `slope`, the
    /// result carries the reading of an instance normalisation (Ulyanov et al. 2016; epsilon 1e-5, biased variance) and
    /// activation.
    package func callAsFunction(_ x: Tensor, normalizedWithSlope slope: Float? = nil) -> Tensor {
        let size = outputSize(height: x.shape.h, width: x.shape.w)
        let y = Tensor(Shape(x.shape.n, size.height, size.width, outputChannels), in: context)
        let reading = slope.map { Reading(n: x.shape.n, c: outputChannels, slope: $0, in: context) }
        for n in 0..<x.shape.n {
            let sums = reading.map { _ in ChannelSums(channels: outputChannels, in: context) }
            let pixels = size.height * size.width
            compute(Band(x, image: n), rows: 0..<size.height, into: y.pointer + n * pixels * outputChannels, sums: sums)
            if let reading { sums!.finish(pixels: pixels, into: reading, image: n) }
        }
        return y.read(through: reading)
    }

    /// Rows that windows of `cells` rows from `offset` at `stride` touch, with mirrored ones, clipped to the image.
    func windowRows(_ rows: Range<Int>, stride: Int, offset: Int, cells: Int, height: Int) -> Range<Int> {
        let first = rows.lowerBound * stride + offset, last = (rows.upperBound - 1) * stride + offset + cells - 1
        // A reflected row lies as far inside as it was asked for outside.
        let low = min(max(0, first), max(0, 2 * (height - 1) - last))
        let high = max(min(height - 1, last), min(height - 1, -first))
        return low..<high + 1
    }
}
