import CTensorKernels

/// Convolutions as products of overlapping rows with packed weights: no column matrix is ever made. Any kernel size and
/// stride, and those that double the size.
final class DirectConvolution: ResizableConvolution {
    let context: ComputeContext
    let inputChannels, outputChannels: Int
    var rowAlignment: Int { geometry.upscale }
    var weightBytes: Int { 4 * weights.reduce(0) { $0 + $1.count } }
    /// A block's padded input.
    var scratchBytes: Int { 1 << 20 }
    var multiplications: Double {
        Double(geometry.phases.reduce(0) { $0 + $1.row.taps.count * $1.column.taps.count })
            / Double(geometry.phases.count)
    }
    let geometry: ConvolutionGeometry
    /// For each phase, packed (row taps * column taps * inputChannels) x outputChannels.
    private let weights: [Buffer]
    private let bias: Buffer?
    /// Instead of the geometry's.
    private let fixedSize: (height: Int, width: Int)?

    private init(
        inputChannels: Int, outputChannels: Int, geometry: ConvolutionGeometry, weights: [Buffer], bias: Buffer?,
        fixedSize: (height: Int, width: Int)?, in context: ComputeContext
    ) {
        self.context = context
        (self.inputChannels, self.outputChannels, self.geometry) = (inputChannels, outputChannels, geometry)
        (self.weights, self.bias, self.fixedSize) = (weights, bias, fixedSize)
    }

    /// - Parameter weight: laid out as `layout` says.
    convenience init(
        weight: UnsafePointer<Float>, layout: WeightLayout, bias: UnsafePointer<Float>? = nil, inputChannels ci: Int,
        outputChannels co: Int, geometry: ConvolutionGeometry, in context: ComputeContext
    ) {
        let weights = geometry.phases.map { phase in
            let taps = TapSums(layout, rows: phase.row.taps, columns: phase.column.taps, scale: geometry.tapScale)
            return packWeights(weight, taps, inputChannels: ci, outputChannels: co, context)
        }
        self.init(
            inputChannels: ci, outputChannels: co, geometry: geometry, weights: weights,
            bias: bias.map { context.buffers.copy($0, count: co) }, fixedSize: nil, in: context)
    }

    func withOutputSize(height: Int, width: Int) -> any Convolution {
        DirectConvolution(
            inputChannels: inputChannels, outputChannels: outputChannels, geometry: geometry, weights: weights,
            bias: bias,
            fixedSize: (height, width), in: context)
    }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        fixedSize ?? (geometry.outputSide(height), geometry.outputSide(width))
    }

    func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        let upscale = geometry.upscale
        let units = rows.lowerBound / upscale..<(rows.upperBound + upscale - 1) / upscale
        return window(
            units, stride: geometry.stride, offset: geometry.window.offset, taps: geometry.window.taps, height: height)
    }

    func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        let (upscale, stride, window) = (geometry.upscale, geometry.stride, geometry.window)
        precondition(input.channels == inputChannels && rows.lowerBound % upscale == 0)
        let size = outputSize(height: input.height, width: input.width)
        let firstUnit = rows.lowerBound / upscale, units = (rows.upperBound + upscale - 1) / upscale - firstUnit
        let grid = BlockGrid(
            rows: units, columns: (size.width + upscale - 1) / upscale, stride: stride, rowTaps: window.taps,
            columnTaps: window.taps, channels: inputChannels)
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
                let a: [UnsafePointer<Float>?] = phase.row.taps.indices.map { t in
                    UnsafePointer(
                        padded.pointer + (phase.row.offset - window.offset + t) * block.rowFloats
                            + (phase.column.offset - window.offset) * ci)
                }
                let y = block.rows.lowerBound * upscale + phase.row.parity
                let c = output + (y * size.width + block.columns.lowerBound * upscale + phase.column.parity) * co
                var product = ctk_gemm(
                    rows: columns, columns: co, segmentColumns: phase.column.taps.count * ci, aStride: stride * ci,
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
