import COpenBLAS
import CTensorKernels

/// The weight gradient of a stride-1 convolution with few output channels: the gradient is spread over the columns of
/// taps, so that the products have kernelSize * outputChannels columns, and the input's rows are read as they stand.
/// - Parameters:
///   - form: of stride 1, without doubling.
///   - x: (N, H, W, inputChannels).
///   - gradient: with respect to the output, (N, H', W', outputChannels).
/// - Returns: the form's `weightShape`.
func narrowWeightGradient(_ form: ConvolutionForm, _ x: Tensor, _ gradient: Tensor) -> Tensor {
    precondition(form.geometry.stride == 1 && form.geometry.upscale == 1)
    let k = form.geometry.kernelSize, padding = form.geometry.padding, pad = -form.geometry.window.offset
    let context = x.context
    let (ci, co) = (form.inputChannels, form.outputChannels)
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
    let result = Tensor(form.weightShape, in: context)
    context.threads.inChunks(ci, atLeast: 1) { inputs in
        for ky in 0..<k {
            for i in inputs {
                for kx in 0..<k {
                    for o in 0..<co {
                        var sum: Float = 0
                        for part in 0..<parts { sum += sums.pointer[((part * k + ky) * ci + i) * wide + kx * co + o] }
                        result.pointer[form.layout.offset(ky, kx, i, o)] = sum
                    }
                }
            }
        }
    }
    return result
}
