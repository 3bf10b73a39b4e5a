import CTensorKernels

/// A stride-1 convolution with few output channels (the generator's last, to RGB): the products are made for all
/// columns of taps at once, (pixels) x (kernelSize * inputChannels) by (kernelSize * outputChannels), then summed along
/// the row. Of an adjoint form it is the gradient with respect to the input.
final class NarrowConvolution: PackedConvolution {
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
    ///   - form: of stride 1, without doubling.
    ///   - weight: laid out as the form says.
    ///   - bias: outputChannels values.
    ///   - tanh: apply the hyperbolic tangent to the result.
    init(
        _ form: ConvolutionForm, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?, tanh: Bool = false,
        in context: ComputeContext
    ) {
        precondition(form.geometry.stride == 1 && form.geometry.upscale == 1)
        let k = form.geometry.kernelSize, ci = form.inputChannels, co = form.outputChannels
        (inputChannels, outputChannels) = (ci, co)
        (kernelSize, pad, padding) = (k, -form.geometry.window.offset, form.geometry.padding)
        (appliesTanh, self.context) = (tanh, context)
        self.bias = bias.map { context.buffers.copy($0, count: co) }
        let columns = k * co
        let plain = context.buffers.take(k * ci * columns)
        for y in 0..<k {
            for i in 0..<ci {
                for column in 0..<columns {
                    let (x, o) = (column / co, column % co)
                    plain.pointer[(y * ci + i) * columns + column] = weight[form.layout.offset(y, x, i, o)]
                }
            }
        }
        weights = context.buffers.take(ctk_packed_size(k * ci, columns))
        context.kernels.table.pack_b(k * ci, columns, plain.pointer, weights.pointer)
    }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        (height + 2 * pad - kernelSize + 1, width + 2 * pad - kernelSize + 1)
    }

    func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        windowRows(rows, stride: 1, offset: -pad, cells: kernelSize, height: height)
    }

    func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        precondition(input.channels == inputChannels)
        let size = outputSize(height: input.height, width: input.width)
        let (ci, co, k) = (inputChannels, outputChannels, kernelSize)
        let grid = BlockGrid(
            rows: rows.count, columns: size.width, stride: 1, windowRows: k, windowColumns: k, channels: ci,
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
