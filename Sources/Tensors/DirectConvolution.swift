import CTensorKernels

/// Convolutions as products of overlapping rows with packed weights: no column matrix is ever made. Any kernel size and
/// stride; and those that double the size (transposed, or after nearest-neighbour doubling), as four dense convolutions
/// of the small input, one for each parity of the output's row and column.
public final class DirectConvolution: Convolution {
    /// The part of the output that one dense convolution makes: rows outRow, outRow + upscale, ... and columns likewise.
    private struct Phase {
        var outRow = 0, outColumn = 0
        var rowOffset, rowTaps, columnOffset, columnTaps: Int
        /// Packed (rowTaps * columnTaps * inputChannels) x outputChannels.
        var weights: Buffer
    }

    public let inputChannels, outputChannels: Int
    public var rowAlignment: Int { upscale }
    let padding: Padding
    private let stride: Int
    private let upscale: Int
    /// Output size of a side: (side + sizeOffset) / stride + 1, or twice the side.
    private let sizeOffset: Int
    private let phases: [Phase]
    private let bias: Buffer?

    private init(
        inputChannels: Int, outputChannels: Int, padding: Padding, stride: Int, upscale: Int, sizeOffset: Int,
        phases: [Phase], bias: UnsafePointer<Float>?
    ) {
        (self.inputChannels, self.outputChannels, self.padding) = (inputChannels, outputChannels, padding)
        (self.stride, self.upscale, self.sizeOffset, self.phases) = (stride, upscale, sizeOffset, phases)
        self.bias = bias.map { copy($0, count: outputChannels) }
    }

    /// An ordinary convolution.
    /// - Parameter weight: (outputChannels, inputChannels, kernelSize, kernelSize).
    public convenience init(
        weight: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, inputChannels: Int, outputChannels: Int,
        kernelSize k: Int, stride: Int = 1, padding: Padding, pad: Int
    ) {
        let packed = packTaps(rows: k, columns: k, inputChannels, outputChannels) { y, x, i, o in
            weight[((o * inputChannels + i) * k + y) * k + x]
        }
        self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, padding: padding, stride: stride, upscale: 1,
            sizeOffset: 2 * pad - k,
            phases: [Phase(rowOffset: -pad, rowTaps: k, columnOffset: -pad, columnTaps: k, weights: packed)], bias: bias)
    }

    /// PyTorch's ConvTranspose2d with kernel 3, stride 2, padding 1, output padding 1: doubles the size.
    /// - Parameter weight: (inputChannels, outputChannels, 3, 3).
    public convenience init(
        transposed weight: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, inputChannels: Int, outputChannels: Int
    ) {
        // Output row 2m takes tap 1 of row m; row 2m+1 takes tap 2 of row m and tap 0 of row m+1.
        let taps = [[1], [2, 0]]
        var phases: [Phase] = []
        for a in 0..<2 {
            for b in 0..<2 {
                let packed = packTaps(rows: taps[a].count, columns: taps[b].count, inputChannels, outputChannels) { y, x, i, o in
                    weight[(i * outputChannels + o) * 9 + taps[a][y] * 3 + taps[b][x]]
                }
                phases.append(Phase(
                    outRow: a, outColumn: b, rowOffset: 0, rowTaps: taps[a].count, columnOffset: 0,
                    columnTaps: taps[b].count, weights: packed))
            }
        }
        self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, padding: .zero, stride: 1, upscale: 2,
            sizeOffset: 0, phases: phases, bias: bias)
    }

    /// Nearest-neighbour doubling, reflection padding 1, 3x3 convolution (Odena et al. 2016): the doubled image is never
    /// made, and its reflection is the small image's edge repeated.
    /// - Parameter weight: (outputChannels, inputChannels, 3, 3).
    public convenience init(
        afterDoubling weight: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, inputChannels: Int,
        outputChannels: Int
    ) {
        // Output row 2m reads small rows m-1 (tap 0), m (taps 1 and 2); row 2m+1 reads m (taps 0 and 1), m+1 (tap 2).
        let taps = [[[0], [1, 2]], [[0, 1], [2]]]
        var phases: [Phase] = []
        for a in 0..<2 {
            for b in 0..<2 {
                let packed = packTaps(rows: 2, columns: 2, inputChannels, outputChannels) { y, x, i, o in
                    var sum: Float = 0
                    for ky in taps[a][y] {
                        for kx in taps[b][x] { sum += weight[((o * inputChannels + i) * 3 + ky) * 3 + kx] }
                    }
                    return sum
                }
                phases.append(Phase(
                    outRow: a, outColumn: b, rowOffset: a - 1, rowTaps: 2, columnOffset: b - 1, columnTaps: 2,
                    weights: packed))
            }
        }
        self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, padding: .edge, stride: 1, upscale: 2,
            sizeOffset: 0, phases: phases, bias: bias)
    }

    public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        func side(_ n: Int) -> Int { upscale == 2 ? 2 * n : (n + sizeOffset) / stride + 1 }
        return (side(height), side(width))
    }

    /// The smallest row window that holds every phase's.
    private var rowWindow: (offset: Int, taps: Int) {
        let low = phases.map(\.rowOffset).min()!, high = phases.map { $0.rowOffset + $0.rowTaps }.max()!
        return (low, high - low)
    }

    private var columnWindow: (offset: Int, taps: Int) {
        let low = phases.map(\.columnOffset).min()!, high = phases.map { $0.columnOffset + $0.columnTaps }.max()!
        return (low, high - low)
    }

    public func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        let units = rows.lowerBound / upscale..<(rows.upperBound + upscale - 1) / upscale
        return window(units, stride: stride, offset: rowWindow.offset, taps: rowWindow.taps, height: height)
    }

    public func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        precondition(input.channels == inputChannels && rows.lowerBound % upscale == 0)
        let size = outputSize(height: input.height, width: input.width)
        let firstUnit = rows.lowerBound / upscale, units = (rows.upperBound + upscale - 1) / upscale - firstUnit
        let grid = BlockGrid(
            rows: units, columns: (size.width + upscale - 1) / upscale, stride: stride, rowTaps: rowWindow.taps,
            columnTaps: columnWindow.taps, channels: inputChannels)
        let kernels = Kernels.current.pointee
        let itemSums = sums?.extend(grid.count)
        let (ci, co) = (inputChannels, outputChannels)
        let (rowWindow, columnWindow) = (rowWindow, columnWindow)
        ThreadPool.shared.forEach(grid.count) { item in
            let block = grid[item]
            let padded = block.padded(input, firstUnit: firstUnit, rowOffset: rowWindow.offset, columnOffset: columnWindow.offset, padding: padding)
            for phase in phases {
                let outWidth = (size.width - phase.outColumn + upscale - 1) / upscale
                let columns = min(block.columns.upperBound, outWidth) - block.columns.lowerBound
                let outHeight = (rows.count - phase.outRow + upscale - 1) / upscale
                let groups = min(block.rows.upperBound, outHeight) - block.rows.lowerBound
                if columns <= 0 || groups <= 0 { continue }
                let a: [UnsafePointer<Float>?] = (0..<phase.rowTaps).map { t in
                    UnsafePointer(
                        padded.pointer + (phase.rowOffset - rowWindow.offset + t) * block.rowFloats
                            + (phase.columnOffset - columnWindow.offset) * ci)
                }
                let y = block.rows.lowerBound * upscale + phase.outRow
                let c = output + (y * size.width + block.columns.lowerBound * upscale + phase.outColumn) * co
                kernels.gemm(
                    groups, stride * block.rowFloats, upscale * size.width * co, columns, co, phase.rowTaps,
                    phase.columnTaps * ci, a, stride * ci, phase.weights.pointer, c, upscale * co, bias?.pointer, 0)
            }
            if let s = itemSums?[item] {
                let from = block.columns.lowerBound * upscale, to = min(block.columns.upperBound * upscale, size.width)
                for y in block.rows.lowerBound * upscale..<min(block.rows.upperBound * upscale, rows.count) {
                    kernels.statistics(to - from, co, output + (y * size.width + from) * co, co, s)
                }
            }
        }
    }
}

/// Packs weights given by (row tap, column tap, input channel, output channel) for the product.
func packTaps(
    rows: Int, columns: Int, _ ci: Int, _ co: Int, _ weight: (Int, Int, Int, Int) -> Float
) -> Buffer {
    let k = rows * columns * ci
    let plain = BufferPool.shared.take(k * co), packed = BufferPool.shared.take(ctk_packed_size(k, co))
    for y in 0..<rows {
        for x in 0..<columns {
            for i in 0..<ci {
                for o in 0..<co { plain.pointer[((y * columns + x) * ci + i) * co + o] = weight(y, x, i, o) }
            }
        }
    }
    Kernels.current.pointee.pack_b(k, co, plain.pointer, co, 0, packed.pointer)
    return packed
}
