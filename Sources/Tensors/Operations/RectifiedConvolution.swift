import CTensorKernels

/// Convolution with zero padding, bias and ReLU, forward only, for kernels of any height and width; written into a
/// slice of the channels of its output.
///
/// The weights stay and are packed once. 3x3 of stride 1 goes by Winograd's minimal filtering; every other kernel is a
/// product of rows of the padded input, which overlap where the kernel is wider than a pixel.
package final class RectifiedConvolution: Sendable {
    package struct Kernel: Sendable, Hashable {
        package var height, width, stride, padHeight, padWidth: Int

        package init(height: Int, width: Int, stride: Int = 1, padHeight: Int = 0, padWidth: Int = 0) {
            (self.height, self.width, self.stride) = (height, width, stride)
            (self.padHeight, self.padWidth) = (padHeight, padWidth)
        }

        package init(_ side: Int, stride: Int = 1, pad: Int = 0) {
            self.init(height: side, width: side, stride: stride, padHeight: pad, padWidth: pad)
        }
    }

    package let kernel: Kernel
    package let inputChannels, outputChannels: Int
    private let context: ComputeContext
    private let bias: Buffer
    private enum Packed: Sendable {
        /// (taps * inputChannels) x outputChannels.
        case direct(Buffer)
        case winograd(any PackedConvolution)
    }
    private let packed: Packed

    /// - Parameters:
    ///   - weight: (outputChannels, inputChannels, height, width), PyTorch's order.
    ///   - bias: outputChannels values.
    ///   - winograd: minimal filtering, for 3x3 of stride 1 with zero padding of the same on all sides; worth it where
    ///     the output has at least 16 tiles of 4x4 pixels, as the transformed weights are four times as large.
    package init(
        _ kernel: Kernel, inputChannels ci: Int, outputChannels co: Int, weight: [Float], bias: [Float],
        winograd: Bool = true, in context: ComputeContext = .default
    ) {
        precondition(weight.count == ci * co * kernel.height * kernel.width && bias.count == co)
        (self.kernel, inputChannels, outputChannels, self.context) = (kernel, ci, co, context)
        self.bias = context.buffers.copy(bias, count: co)
        let is3x3 = kernel.height == 3 && kernel.width == 3 && kernel.stride == 1 && kernel.padHeight == kernel.padWidth
        if winograd, is3x3, min(ci, co) >= 8 {
            let operation = Convolution2D(
                .strided(kernelSize: 3, padding: .zero, pad: kernel.padHeight), inputChannels: ci, outputChannels: co)
            packed = .winograd(operation.packed(weight: weight, bias: bias, in: context))
        } else {
            let layout = WeightLayout.outputInput(ci, co, height: kernel.height, width: kernel.width)
            let window = Window(
                layout, rows: (0..<kernel.height).map { [$0] }, columns: (0..<kernel.width).map { [$0] }, scale: 1)
            packed = .direct(window.pack(weight, inputChannels: ci, outputChannels: co, in: context))
        }
    }

    package func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        let rows = height + 2 * kernel.padHeight - kernel.height, columns = width + 2 * kernel.padWidth - kernel.width
        precondition(rows >= 0 && columns >= 0, "an image of \(width)x\(height) is too small for this convolution")
        return (rows / kernel.stride + 1, columns / kernel.stride + 1)
    }

    /// x (N, H, W, inputChannels), which carries no reading, to (N, H', W', outputChannels).
    package func callAsFunction(_ x: Tensor) -> Tensor {
        let size = outputSize(height: x.shape.h, width: x.shape.w)
        let y = Tensor(Shape(x.shape.n, size.height, size.width, outputChannels), in: context)
        self(x, into: ChannelSlice(y))
        return y
    }

    /// The same, into `target`, which has the output's size and as many channels.
    package func callAsFunction(_ x: Tensor, into target: ChannelSlice) {
        let size = outputSize(height: x.shape.h, width: x.shape.w)
        precondition(x.reading == nil && x.shape.c == inputChannels && target.channels.count == outputChannels)
        precondition(target.tensor.shape.h == size.height && target.tensor.shape.w == size.width)
        for n in 0..<x.shape.n {
            switch packed {
            case .direct(let weights): direct(x, n, weights, target)
            case .winograd(let convolution): winograd(x, n, convolution, target)
            }
        }
    }

    private func winograd(_ x: Tensor, _ n: Int, _ convolution: any PackedConvolution, _ target: ChannelSlice) {
        let shape = target.tensor.shape, co = outputChannels
        // The transform writes whole images; where these are a part of wider ones, they are copied there.
        let whole = shape.c == co
        let raw = whole ? nil : context.buffers.take(shape.h * shape.w * co)
        let result = raw?.pointer ?? target.pointer(n, 0, 0)
        convolution.compute(Band(x, image: n), rows: 0..<shape.h, into: result, sums: nil)
        context.threads.forEach(shape.h) { y in
            let source = result + y * shape.w * co
            if whole { return rectify(source, pixels: 1, stride: 0, count: shape.w * co) }
            for x in 0..<shape.w {
                let to = target.pointer(n, y, x), from = source + x * co
                for c in 0..<co { to[c] = max(from[c], 0) }
            }
        }
    }

    /// Floats of input that a work item reads: they stay in the L2 cache.
    private static let cachedFloats = 98_304

    private func direct(_ x: Tensor, _ n: Int, _ weights: Buffer, _ target: ChannelSlice) {
        let (kernel, ci, co) = (kernel, inputChannels, outputChannels)
        let (h, w) = (target.tensor.shape.h, target.tensor.shape.w)
        let threads = context.threads.count, kernels = context.kernels.table
        let rowFloats = (x.shape.w + 2 * kernel.padWidth) * ci
        let isCopied = kernel.padHeight > 0 || kernel.padWidth > 0
        // Bands of rows as large as stay in the cache; where those are few, each in parts of the output channels too,
        // so that every thread has some.
        let cached = max(1, (Self.cachedFloats / rowFloats - kernel.height) / kernel.stride + 1)
        let fewest = (h + cached - 1) / cached, bandRows = (h + fewest - 1) / fewest
        let bands = (h + bandRows - 1) / bandRows
        let panels = (co + Int(CTK_PANEL) - 1) / Int(CTK_PANEL)
        let parts = min(panels, max(1, (3 * threads + bands - 1) / bands))
        // Without columns of padding all pixels of a band follow one another.
        let isOneRun = kernel.width == 1 && kernel.padWidth == 0 && kernel.stride == 1
        let image = x.image(n)
        context.threads.forEach(bands * parts) { item in
            let y = item / parts * bandRows, rows = min(bandRows, h - y), part = item % parts
            let first = part * panels / parts * Int(CTK_PANEL)
            let last = min(co, (part + 1) * panels / parts * Int(CTK_PANEL))
            let inputRows = (rows - 1) * kernel.stride + kernel.height, top = y * kernel.stride - kernel.padHeight
            let padded = isCopied ? context.buffers.take(inputRows * rowFloats) : nil
            if let padded {
                var image = image
                for r in 0..<inputRows {
                    kernels.padded_row(
                        &image, CTK_PADDING_ZERO, top + r, -kernel.padWidth, x.shape.w + kernel.padWidth, nil,
                        padded.pointer + r * rowFloats)
                }
            }
            let start = padded.map { UnsafePointer($0.pointer) } ?? image.data + top * rowFloats
            let a: [UnsafePointer<Float>?] = (0..<kernel.height).map { start + $0 * rowFloats }
            let c = target.pointer(n, y, 0) + first, total = target.tensor.shape.c
            let (groups, pixels) = isOneRun ? (1, rows * w) : (rows, w)
            var product = ctk_gemm(
                rows: pixels, columns: last - first, segmentColumns: kernel.width * ci, aStride: kernel.stride * ci,
                b: weights.pointer + first * kernel.height * kernel.width * ci, into: c, stride: total,
                bias: bias.pointer + first)
            (product.groups, product.a_group, product.c_group) = (groups, kernel.stride * rowFloats, w * total)
            kernels.multiply(a, product)
            rectify(c, pixels: rows * w, stride: total, count: last - first)
        }
    }

    /// ReLU in place, of `count` channels of pixels that are `stride` floats apart.
    private func rectify(_ values: UnsafeMutablePointer<Float>, pixels: Int, stride: Int, count: Int) {
        for pixel in 0..<pixels {
            let p = values + pixel * stride
            for c in 0..<count { p[c] = max(p[c], 0) }
        }
    }

    /// The same as calling it, slow and obvious, in double precision: x, weight (outputChannels, inputChannels, height,
    /// width), bias.
    static func reference(_ kernel: Kernel, _ x: ReferenceTensor, weight: [Double], bias: [Double]) -> ReferenceTensor {
        let (ci, co) = (x.shape.c, bias.count)
        let h = (x.shape.h + 2 * kernel.padHeight - kernel.height) / kernel.stride + 1
        let w = (x.shape.w + 2 * kernel.padWidth - kernel.width) / kernel.stride + 1
        return ReferenceTensor(Shape(x.shape.n, h, w, co)) { n, y, xx, o in
            var sum = bias[o]
            for ky in 0..<kernel.height {
                for kx in 0..<kernel.width {
                    for i in 0..<ci {
                        let v = x.padded(
                            n, y * kernel.stride - kernel.padHeight + ky, xx * kernel.stride - kernel.padWidth + kx, i,
                            .zero)
                        sum += v * weight[((o * ci + i) * kernel.height + ky) * kernel.width + kx]
                    }
                }
            }
            return max(sum, 0)
        }
    }
}
