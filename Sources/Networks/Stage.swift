import Tensors

/// Rows of one layer's output, on demand.
protocol Stage {
    var height: Int { get }
    var width: Int { get }
    /// At least the rows `rows`, as a band; `owner` keeps them alive.
    func rows(_ rows: Range<Int>) throws -> (band: Band, owner: AnyObject)
}

/// The network's input, rows of it made by the caller: (rows, W, 3) in [-1, 1].
struct InputStage: Stage {
    let height, width: Int
    let context: ComputeContext
    let fill: (Range<Int>, UnsafeMutablePointer<Float>) -> Void

    func rows(_ rows: Range<Int>) -> (band: Band, owner: AnyObject) {
        let buffer = context.buffers.take(rows.count * width * 3)
        fill(rows, buffer.pointer)
        let band = Band(
            data: buffer.pointer, firstRow: rows.lowerBound, height: height, width: width, channels: 3, reading: nil)
        return (band, buffer)
    }
}

/// A layer's output kept whole.
struct StoredStage: Stage {
    let tensor: Tensor
    var height: Int { tensor.shape.h }
    var width: Int { tensor.shape.w }

    func rows(_ rows: Range<Int>) -> (band: Band, owner: AnyObject) { (Band(tensor), tensor) }
}

/// A layer's output computed anew whenever rows of it are read; its statistics are known.
struct ComputedStage: Stage {
    let convolution: any PackedConvolution
    let input: any Stage
    let height, width: Int
    let reading: Reading?
    let meter: Meter

    func rows(_ rows: Range<Int>) throws -> (band: Band, owner: AnyObject) {
        let aligned = rows.lowerBound / convolution.rowAlignment * convolution.rowAlignment..<rows.upperBound
        let buffer = convolution.context.buffers.take(aligned.count * width * convolution.outputChannels)
        try compute(convolution, input, aligned, into: buffer.pointer, sums: nil, meter)
        let band = Band(
            data: buffer.pointer, firstRow: aligned.lowerBound, height: height, width: width,
            channels: convolution.outputChannels, reading: reading)
        return (band, buffer)
    }
}

/// Computes output rows of a convolution from the input rows that they need.
func compute(
    _ convolution: any PackedConvolution, _ input: any Stage, _ rows: Range<Int>,
    into output: UnsafeMutablePointer<Float>,
    sums: ChannelSums?, _ meter: Meter
) throws {
    let (band, owner) = try input.rows(convolution.inputRows(for: rows, height: input.height))
    withExtendedLifetime(owner) { convolution.compute(band, rows: rows, into: output, sums: sums) }
    try meter.add(convolution, rows: rows.count, width: convolution.outputSize(height: 1, width: input.width).width)
}

/// Counts the work done, so that a caller can show progress and stop it.
final class Meter {
    private let report: ((Double) -> Bool)?
    private let total: Double
    private var done = 0.0

    init(total: Double, report: ((Double) -> Bool)?) { (self.total, self.report) = (total, report) }

    func add(_ convolution: any PackedConvolution, rows: Int, width: Int) throws {
        done += Meter.work(convolution, pixels: rows * width)
        if let report, !report(min(1, done / total)) { throw GeneratorError.abandoned }
    }

    /// Roughly proportional to time: products of an output of so many pixels.
    static func work(_ convolution: any PackedConvolution, pixels: Int) -> Double {
        Double(pixels) * Double(convolution.inputChannels * convolution.outputChannels) * convolution.multiplications
    }
}

package enum GeneratorError: Error {
    /// The progress report answered false.
    case abandoned
}
