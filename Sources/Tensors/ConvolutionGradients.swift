import COpenBLAS
import CTensorKernels

/// The adjoint of padding: what was read at a padded pixel is added to the pixel that it came from.
func unpadded(_ padded: Tensor, pad: Int, padding: Padding) -> Tensor {
    let (h, w, c) = (padded.shape.h - 2 * pad, padded.shape.w - 2 * pad, padded.shape.c)
    let context = padded.context, kernels = context.kernels.table
    let result = Tensor(Shape(padded.shape.n, h, w, c), in: context)
    let row = padded.shape.w * c
    for n in 0..<padded.shape.n {
        let source = padded.pointer + n * padded.shape.h * row
        let target = result.pointer + n * h * w * c
        /// Adds padded row y, its borders folded in, to target row t.
        func fold(_ y: Int, to t: UnsafeMutablePointer<Float>) {
            let s = source + y * row
            kernels.add(w * c, 1, s + pad * c, t)
            for x in Array(0..<pad) + Array(w + pad..<w + 2 * pad) {
                guard let sx = padding.resolve(x - pad, w) else { continue }
                kernels.add(c, 1, s + x * c, t + sx * c)
            }
        }
        context.threads.forEach(h) { y in
            let t = target + y * w * c
            t.update(repeating: 0, count: w * c)
            fold(y + pad, to: t)
        }
        for y in Array(0..<pad) + Array(h + pad..<h + 2 * pad) {
            if let sy = padding.resolve(y - pad, h) { fold(y, to: target + sy * w * c) }
        }
    }
    return result
}

/// Each channel's sum over all images and pixels: (1, 1, 1, C).
func channelTotals(_ x: Tensor) -> Tensor {
    let c = x.shape.c, pixels = x.shape.count / c, chunk = 1024
    let context = x.context, sums = ChannelSums(channels: c, in: context)
    let parts = sums.extend((pixels + chunk - 1) / chunk)
    let kernels = context.kernels.table
    context.threads.forEach(parts.count) { i in
        kernels.statistics(min(chunk, pixels - i * chunk), c, x.pointer + i * chunk * c, c, parts[i])
    }
    let result = Tensor(Shape(1, 1, 1, c), in: context)
    for j in 0..<c { result.pointer[j] = Float(parts.reduce(0) { $0 + $1[j] }) }
    return result
}

/// The weight gradient of any convolution: for each phase and each row of taps the product of the windows read,
/// transposed, by the gradient.
func directWeightGradient(_ x: Tensor, _ gradient: Tensor, _ operation: Convolution2D) -> Tensor {
    if operation.kind == .transposed {
        // The same sum with the roles exchanged: the gradient is read through the ordinary convolution's windows.
        let ordinary = Convolution2D(
            .strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1), inputChannels: operation.outputChannels,
            outputChannels: operation.inputChannels)
        return directWeightGradient(gradient, x.applied(), ordinary)
    }
    let geometry = operation.geometry, context = x.context
    let (ci, co) = (operation.inputChannels, operation.outputChannels)
    // One product for each phase and row of taps, and, to have enough for all threads, for parts of the output
    // channels.
    struct Product {
        var phase: Int
        var tap: Int
        var channels: Range<Int>
    }
    let phases = geometry.phases
    let rowsOfTaps = phases.reduce(0) { $0 + $1.row.taps.count }
    let parts = max(1, min(co / 32, (4 * context.threads.count + rowsOfTaps - 1) / rowsOfTaps))
    var products: [Product] = []
    for (p, phase) in phases.enumerated() {
        for tap in phase.row.taps.indices {
            for part in 0..<parts {
                products.append(Product(phase: p, tap: tap, channels: co * part / parts..<co * (part + 1) / parts))
            }
        }
    }
    /// For each phase, (row tap, column tap, input) x output.
    let dense = phases.map { context.buffers.take($0.row.taps.count * $0.column.taps.count * ci * co) }
    let kernels = context.kernels.table
    context.threads.forEach(products.count) { item in
        let product = products[item], (row, column) = phases[product.phase]
        let rows = (gradient.shape.h - row.parity + geometry.upscale - 1) / geometry.upscale
        let columns = (gradient.shape.w - column.parity + geometry.upscale - 1) / geometry.upscale
        let k = column.taps.count * ci, part = product.channels.count
        let result = dense[product.phase].pointer + product.tap * k * co + product.channels.lowerBound
        guard rows > 0, columns > 0 else {
            for r in 0..<k { (result + r * co).update(repeating: 0, count: part) }
            return
        }
        let rowsAtOnce = max(1, min(rows, 512 / columns))
        let windows = context.buffers.take(rowsAtOnce * columns * k)
        let rowPixels = (columns - 1) * geometry.stride + column.taps.count
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
                            &image, geometry.padding.kernel, (y0 + y) * geometry.stride + row.offset + product.tap,
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
    let result = Tensor.zeros(operation.weightShape, in: context)
    for (phase, dense) in zip(phases, dense) {
        addTaps(
            dense,
            TapSums(operation.layout, rows: phase.row.taps, columns: phase.column.taps, scale: geometry.tapScale),
            inputChannels: ci,
            outputChannels: co, to: result.pointer, context)
    }
    return result
}

/// The weight gradient of a stride-1 convolution with few output channels: the gradient is spread over the columns of
/// taps, so that the products have kernelSize * outputChannels columns, and the input's rows are read as they stand.
func narrowWeightGradient(_ x: Tensor, _ gradient: Tensor, _ operation: Convolution2D) -> Tensor {
    guard case .strided(let k, 1, let padding, let pad) = operation.kind else { preconditionFailure() }
    let context = x.context
    let (ci, co) = (operation.inputChannels, operation.outputChannels)
    let (h, w) = (gradient.shape.h, gradient.shape.w)
    let wide = k * co, pixels = w + k - 1
    let rowsAtOnce = max(1, min(h, 1024 / pixels)), parts = (h + rowsAtOnce - 1) / rowsAtOnce
    // Each part of the rows has sums of its own, put together in order.
    let sums = context.buffers.take(parts * k * ci * wide)
    sums.pointer.update(repeating: 0, count: parts * k * ci * wide)
    let kernels = context.kernels.table
    context.threads.forEach(parts) { part in
        let y0 = part * rowsAtOnce, rows = min(rowsAtOnce, h - y0)
        let padded = context.buffers.take((rows + k - 1) * pixels * ci)
        let spread = context.buffers.take(rows * pixels * wide)
        for n in 0..<x.shape.n {
            let input = Band(x, image: n)
            var image = input.image
            input.withReading {
                for r in 0..<rows + k - 1 {
                    kernels.padded_row(
                        &image, padding.kernel, y0 + r - pad, -pad, pixels - pad, $0, padded.pointer + r * pixels * ci)
                }
            }
            // spread[y][x][tap][o] = gradient[y][x - tap][o]
            spread.pointer.update(repeating: 0, count: rows * pixels * wide)
            for y in 0..<rows {
                let from = gradient.pointer + (n * h + y0 + y) * w * co
                for xx in 0..<w {
                    for tap in 0..<k {
                        let to = spread.pointer + ((y * pixels + xx + tap) * k + tap) * co
                        for o in 0..<co { to[o] = from[xx * co + o] }
                    }
                }
            }
            for tap in 0..<k {
                cblas_sgemm(
                    CblasRowMajor, CblasTrans, CblasNoTrans, Int32(ci), Int32(wide), Int32(rows * pixels), 1,
                    padded.pointer + tap * pixels * ci, Int32(ci), spread.pointer, Int32(wide), 1,
                    sums.pointer + (part * k + tap) * ci * wide, Int32(wide))
            }
        }
    }
    let result = Tensor(operation.weightShape, in: context)
    context.threads.inChunks(ci, atLeast: 1) { inputs in
        for ky in 0..<k {
            for i in inputs {
                for kx in 0..<k {
                    for o in 0..<co {
                        var sum: Float = 0
                        for part in 0..<parts { sum += sums.pointer[((part * k + ky) * ci + i) * wide + kx * co + o] }
                        result.pointer[operation.layout.offset(ky, kx, i, o)] = sum
                    }
                }
            }
        }
    }
    return result
}
