import COpenBLAS
import CTensorKernels

/// The weight gradient of any convolution: for each phase and each row of cells the product of the windows read,
/// transposed, by the gradient.
/// - Parameters:
///   - x: (N, H, W, inputChannels).
///   - gradient: with respect to the output, (N, H', W', outputChannels).
/// - Returns: the form's `weightShape`.
func directWeightGradient(_ form: ConvolutionForm, _ x: Tensor, _ gradient: Tensor) -> Tensor {
    let geometry = form.geometry, context = x.context
    let (ci, co) = (form.inputChannels, form.outputChannels)
    // One product for each phase and row of cells, and, to have enough for all threads, for parts of the output
    // channels.
    struct Product {
        var phase: Int
        var row: Int
        var channels: Range<Int>
    }
    let phases = geometry.phases
    let rowsOfCells = phases.reduce(0) { $0 + $1.row.cells.count }
    let parts = max(1, min(co / 32, (4 * context.threads.count + rowsOfCells - 1) / rowsOfCells))
    var products: [Product] = []
    for (p, phase) in phases.enumerated() {
        for row in phase.row.cells.indices {
            for part in 0..<parts {
                products.append(Product(phase: p, row: row, channels: co * part / parts..<co * (part + 1) / parts))
            }
        }
    }
    /// For each phase, (cell row, cell column, input) x output.
    let dense = phases.map { context.buffers.take($0.row.cells.count * $0.column.cells.count * ci * co) }
    let kernels = context.kernels.table
    context.threads.forEach(products.count) { item in
        let product = products[item], (row, column) = phases[product.phase]
        let rows = (gradient.shape.h - row.parity + geometry.upscale - 1) / geometry.upscale
        let columns = (gradient.shape.w - column.parity + geometry.upscale - 1) / geometry.upscale
        let k = column.cells.count * ci, part = product.channels.count
        let result = dense[product.phase].pointer + product.row * k * co + product.channels.lowerBound
        guard rows > 0, columns > 0 else {
            for r in 0..<k { (result + r * co).update(repeating: 0, count: part) }
            return
        }
        let rowsAtOnce = max(1, min(rows, 512 / columns))
        let windows = context.buffers.take(rowsAtOnce * columns * k)
        let rowPixels = (columns - 1) * geometry.stride + column.cells.count
        let padded = context.buffers.take(rowPixels * ci)
        let gathered = geometry.upscale == 1 ? nil : context.buffers.take(rowsAtOnce * columns * part)
        var beta: Float = 0
        for n in 0..<x.shape.n {
            let input = Band(x, image: n)
            var image = input.image
            for y0 in stride(from: 0, to: rows, by: rowsAtOnce) {
                let count = min(rowsAtOnce, rows - y0)
                for y in 0..<count {
                    input.withReading {
                        kernels.padded_row(
                            &image, geometry.padding.kernel, (y0 + y) * geometry.stride + row.offset + product.row,
                            column.offset,
                            column.offset + rowPixels, $0, padded.pointer)
                    }
                    for xx in 0..<columns {
                        (windows.pointer + (y * columns + xx) * k).update(
                            from: padded.pointer + xx * geometry.stride * ci, count: k)
                    }
                }
                var right =
                    gradient.pointer + (n * gradient.shape.h + y0) * gradient.shape.w * co + product.channels.lowerBound
                var rightStride = co
                if let gathered {
                    for y in 0..<count {
                        for xx in 0..<columns {
                            let py = (y0 + y) * geometry.upscale + row.parity,
                                px = xx * geometry.upscale + column.parity
                            (gathered.pointer + (y * columns + xx) * part).update(
                                from: gradient.pointer + ((n * gradient.shape.h + py) * gradient.shape.w + px) * co
                                    + product.channels.lowerBound, count: part)
                        }
                    }
                    (right, rightStride) = (gathered.pointer, part)
                }
                cblas_sgemm(
                    CblasRowMajor, CblasTrans, CblasNoTrans, Int32(k), Int32(part), Int32(count * columns), 1,
                    windows.pointer,
                    Int32(k), right, Int32(rightStride), beta, result, Int32(co))
                beta = 1
            }
        }
    }
    let result = Tensor.zeros(form.weightShape, in: context)
    for (phase, dense) in zip(phases, dense) {
        form.window(phase).add(dense, inputChannels: ci, outputChannels: co, to: result.pointer, in: context)
    }
    return result
}
