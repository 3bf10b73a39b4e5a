import CTensorKernels

/// Convolutions as products of overlapping rows with packed weights: no column matrix is ever made. Any kernel size and
/// stride, and those that double the size. Of an adjoint form it is the gradient with respect to the input.
final class DirectConvolution: ResizableConvolution {
    let context: ComputeContext
    let inputChannels, outputChannels: Int
    var rowAlignment: Int { geometry.upscale }
    var weightBytes: Int { 4 * weights.reduce(0) { $0 + $1.count } }
    /// A block's padded input.
    var scratchBytes: Int { 1 << 20 }
    var multiplications: Double {
        Double(geometry.phases.reduce(0) { $0 + $1.row.cells.count * $1.column.cells.count })
            / Double(geometry.phases.count)
    }
    let geometry: ConvolutionGeometry
    /// For each phase, packed (row cells * column cells * inputChannels) x outputChannels.
    private let weights: [Buffer]
    private let bias: Buffer?
    /// Instead of the geometry's.
    private let fixedSize: (height: Int, width: Int)?

    /// - Parameters:
    ///   - weight: laid out as the form says.
    ///   - bias: outputChannels values.
    init(
        _ form: ConvolutionForm, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?, in context: ComputeContext
    ) {
        let (ci, co) = (form.inputChannels, form.outputChannels)
        (self.context, inputChannels, outputChannels, geometry, fixedSize) = (context, ci, co, form.geometry, nil)
        weights = form.geometry.phases.map { phase in
            form.window(phase).pack(weight, inputChannels: ci, outputChannels: co, in: context)
        }
        self.bias = bias.map { context.buffers.copy($0, count: co) }
    }

    private init(_ other: DirectConvolution, size: (height: Int, width: Int)) {
        (context, inputChannels, outputChannels) = (other.context, other.inputChannels, other.outputChannels)
        (geometry, weights, bias, fixedSize) = (other.geometry, other.weights, other.bias, size)
    }

    func withOutputSize(height: Int, width: Int) -> any PackedConvolution {
        DirectConvolution(self, size: (height, width))
    }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        fixedSize ?? (geometry.outputSide(height), geometry.outputSide(width))
    }

    func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        let upscale = geometry.upscale
        let units = rows.lowerBound / upscale..<(rows.upperBound + upscale - 1) / upscale
        return windowRows(
            units, stride: geometry.stride, offset: geometry.window.offset, cells: geometry.window.cells, height: height
        )
    }

    func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        let (upscale, stride, window) = (geometry.upscale, geometry.stride, geometry.window)
        precondition(input.channels == inputChannels && rows.lowerBound % upscale == 0)
        let size = outputSize(height: input.height, width: input.width)
        let firstUnit = rows.lowerBound / upscale, units = (rows.upperBound + upscale - 1) / upscale - firstUnit
        let grid = BlockGrid(
            rows: units, columns: (size.width + upscale - 1) / upscale, stride: stride, windowRows: window.cells,
            windowColumns: window.cells, channels: inputChannels)
        let kernels = context.kernels.table
        let itemSums = sums?.extend(grid.count)
        let (ci, co) = (inputChannels, outputChannels)
        let phases = geometry.phases
        context.threads.forEach(grid.count) { item in
            let block = grid[item]
            let padded = block.padded(
                input, firstUnit: firstUnit, rowOffset: window.offset, columnOffset: window.offset,
                padding: geometry.padding, in: context)
            for (phase, weights) in zip(phases, weights) {
                let outWidth = (size.width - phase.column.parity + upscale - 1) / upscale
                let columns = min(block.columns.upperBound, outWidth) - block.columns.lowerBound
                let outHeight = (rows.count - phase.row.parity + upscale - 1) / upscale
                let groups = min(block.rows.upperBound, outHeight) - block.rows.lowerBound
                if columns <= 0 || groups <= 0 { continue }
                let a: [UnsafePointer<Float>?] = phase.row.cells.indices.map { cell in
                    UnsafePointer(
                        padded.pointer + (phase.row.offset - window.offset + cell) * block.rowFloats
                            + (phase.column.offset - window.offset) * ci)
                }
                let y = block.rows.lowerBound * upscale + phase.row.parity
                let c = output + (y * size.width + block.columns.lowerBound * upscale + phase.column.parity) * co
                var product = ctk_gemm(
                    rows: columns, columns: co, segmentColumns: phase.column.cells.count * ci, aStride: stride * ci,
                    b: weights.pointer, into: c, stride: upscale * co, bias: bias?.pointer)
                (product.groups, product.a_group, product.c_group) = (
                    groups, stride * block.rowFloats, upscale * size.width * co
                )
                kernels.multiply(a, product)
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
