import CTensorKernels

/// A stride-1 convolution with few output channels (the generator's last, to RGB): the products are made for all
/// columns of taps at once, (pixels) x (kernelSize * inputChannels) by (kernelSize * outputChannels), then summed along
/// the row.
final class NarrowConvolution: Convolution {
    let context: ComputeContext
    let inputChannels, outputChannels: Int
    let rowAlignment = 1
    var weightBytes: Int { 4 * weights.count }
    /// A block's padded input, and its products.
    var scratchBytes: Int { 1 << 20 }
    var multiplications: Double { Double(kernelSize * kernelSize) }
    private let kernelSize, pad: Int
    private let padding: Padding
    private let weights: Buffer
    private let bias: Buffer?
    private let appliesTanh: Bool

    /// - Parameters:
    ///   - weight: laid out as `layout` says.
    ///   - tanh: apply the hyperbolic tangent to the result.
    init(
        weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?, inputChannels: Int, outputChannels: Int,
        kernelSize k: Int, padding: Padding, pad: Int, tanh: Bool, layout: WeightLayout, in context: ComputeContext
    ) {
        (self.inputChannels, self.outputChannels, kernelSize) = (inputChannels, outputChannels, k)
        (self.pad, self.padding, appliesTanh, self.context) = (pad, padding, tanh, context)
        self.bias = bias.map { context.buffers.copy($0, count: outputChannels) }
        let columns = k * outputChannels
        let plain = context.buffers.take(k * inputChannels * columns)
        for y in 0..<k {
            for i in 0..<inputChannels {
                for column in 0..<columns {
                    let (x, o) = (column / outputChannels, column % outputChannels)
                    plain.pointer[(y * inputChannels + i) * columns + column] = weight[layout.offset(y, x, i, o)]
                }
            }
        }
        weights = context.buffers.take(ctk_packed_size(k * inputChannels, columns))
        context.kernels.table.pack_b(k * inputChannels, columns, plain.pointer, weights.pointer)
    }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        (height + 2 * pad - kernelSize + 1, width + 2 * pad - kernelSize + 1)
    }

    func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        window(rows, stride: 1, offset: -pad, taps: kernelSize, height: height)
    }

    func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        precondition(input.channels == inputChannels)
        let size = outputSize(height: input.height, width: input.width)
        let (ci, co, k) = (inputChannels, outputChannels, kernelSize)
        let grid = BlockGrid(
            rows: rows.count, columns: size.width, stride: 1, rowTaps: k, columnTaps: k, channels: ci,
            productsOverlap: true)
        let kernels = context.kernels.table
        let itemSums = sums?.extend(grid.count)
        context.threads.forEach(grid.count) { item in
            let block = grid[item]
            let padded = block.padded(
                input, firstUnit: rows.lowerBound, rowOffset: -pad, columnOffset: -pad, padding: padding,
                in: context)
            let width = block.columns.count
            // Rounded up to whole panels, which the summation reads a little over.
            let columns = (k * co + 7) / 8 * 8, pixels = width + k - 1
            let products = context.buffers.take(pixels * columns * block.rows.count + 4)
            let a: [UnsafePointer<Float>?] = (0..<k).map { UnsafePointer(padded.pointer + $0 * block.rowFloats) }
            var product = ctk_gemm(
                rows: pixels, columns: k * co, segmentColumns: ci, aStride: ci, b: weights.pointer,
                into: products.pointer, stride: columns)
            (product.groups, product.a_group, product.c_group) = (
                block.rows.count, block.rowFloats, pixels * columns
            )
            kernels.multiply(a, product)
            // The summation writes a little past a row's end, so it has a row of its own.
            let sum = context.buffers.take(width * co + 4)
            for y in block.rows {
                let p = products.pointer + (y - block.rows.lowerBound) * pixels * columns
                kernels.sum_taps(width, k, co, p, columns, bias?.pointer, sum.pointer)
                let out = output + (y * size.width + block.columns.lowerBound) * co
                if appliesTanh {
                    kernels.tanh(width * co, sum.pointer, out)
                } else {
                    out.update(from: sum.pointer, count: width * co)
                }
                if let s = itemSums?[item] { kernels.statistics(width, co, out, co, s) }
            }
        }
    }
}
