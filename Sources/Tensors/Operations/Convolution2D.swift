import Synchronization

/// Convolution with a weight and, if there is one, a bias: inputs x, weight, [bias].
///
/// The weights made ready for the kernels are kept until the parameter changes, or an image's size asks for another
/// way.
public final class Convolution2D: DifferentiableOperation {
    public enum Kind: Sendable, Equatable {
        /// Weight (outputChannels, inputChannels, k, k).
        case strided(kernelSize: Int, stride: Int = 1, padding: Padding, pad: Int)
        /// PyTorch's ConvTranspose2d with kernel 3, stride 2, padding 1, output padding 1.
        /// Weight (inputChannels, outputChannels, 3, 3).
        case transposed
        /// Nearest-neighbour doubling, reflection padding 1, 3x3. Weight (outputChannels, inputChannels, 3, 3).
        case doubling
        /// Bilinear doubling, edge padding 1, 3x3. Weight (outputChannels, inputChannels, 3, 3).
        case bilinearDoubling
    }

    public let kind: Kind
    public let inputChannels, outputChannels: Int
    let geometry: ConvolutionGeometry
    let layout: WeightLayout

    private enum Direction { case forward, adjoint }
    private struct Prepared {
        /// Held, so that no other tensor can take its place in memory and be mistaken for it.
        var weight: Tensor
        var version: Int
        var bias: Tensor?
        var biasVersion: Int?
        var minimal: Bool
        var convolution: any Convolution
    }
    private let made = Mutex<[Direction: Prepared]>([:])

    public init(_ kind: Kind, inputChannels ci: Int, outputChannels co: Int) {
        (self.kind, inputChannels, outputChannels) = (kind, ci, co)
        switch kind {
        case .strided(let k, let stride, let padding, let pad):
            geometry = .strided(kernelSize: k, stride: stride, padding: padding, pad: pad)
            layout = .outputInput(ci, co, k)
        case .transposed:
            geometry = .transposed(kernelSize: 3, pad: 1)
            layout = .inputOutput(ci, co, 3)
        case .doubling:
            geometry = .doubling
            layout = .outputInput(ci, co, 3)
        case .bilinearDoubling:
            geometry = .bilinearDoubling
            layout = .outputInput(ci, co, 3)
        }
    }

    /// The parameter's shape, in PyTorch's order.
    public var weightShape: Shape {
        let k = geometry.kernelSize
        return kind == .transposed
            ? Shape(inputChannels, outputChannels, k, k) : Shape(outputChannels, inputChannels, k, k)
    }

    /// Nil where the window has no minimal filtering, there are too few channels to make up for the transforms and for
    /// their larger rounding errors, or an output of this height and width has fewer tiles than `leastTiles` (no size:
    /// weights that stay).
    private static func plan(
        _ geometry: ConvolutionGeometry, _ inputChannels: Int, _ outputChannels: Int,
        outputs: (height: Int, width: Int)?, leastTiles: Int = 0
    ) -> WinogradPlan? {
        guard min(inputChannels, outputChannels) >= 8, let plan = WinogradPlan(geometry) else { return nil }
        guard let outputs, plan.stride * plan.upscale > 1 else { return plan }
        let grid = plan.grid(height: outputs.height, width: outputs.width)
        return grid.rows * grid.columns < leastTiles ? nil : plan
    }

    /// Few output channels from many: the products are made for all columns of taps at once.
    private static func isNarrow(_ geometry: ConvolutionGeometry, _ inputChannels: Int, _ outputChannels: Int) -> Bool {
        geometry.stride == 1 && geometry.upscale == 1 && outputChannels <= 4 && inputChannels >= 8
    }

    /// A convolution made ready, by the fastest way that there is for it.
    private static func make(
        _ geometry: ConvolutionGeometry, _ layout: WeightLayout, weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        inputChannels ci: Int, outputChannels co: Int, plan: WinogradPlan?, tanh: Bool = false,
        in context: ComputeContext
    ) -> any Convolution {
        if tanh || isNarrow(geometry, ci, co) {
            return NarrowConvolution(
                weight: weight, bias: bias, inputChannels: ci, outputChannels: co, kernelSize: geometry.kernelSize,
                padding: geometry.padding, pad: -geometry.window.offset, tanh: tanh, layout: layout,
                in: context)
        }
        if let plan {
            return WinogradConvolution(
                weight: weight, layout: layout, bias: bias, inputChannels: ci, outputChannels: co, geometry: geometry,
                plan: plan, in: context)
        }
        return DirectConvolution(
            weight: weight, layout: layout, bias: bias, inputChannels: ci, outputChannels: co, geometry: geometry,
            in: context)
    }

    /// The same convolution with these weights made ready: forward only, in bands.
    /// - Parameters:
    ///   - weight: `weightShape`.
    ///   - bias: outputChannels values; leave it out before an instance normalisation, which cancels it.
    ///   - tanh: apply the hyperbolic tangent to the result; for stride 1 and few output channels.
    public func prepared(
        weight: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, tanh: Bool = false,
        in context: ComputeContext = .default
    ) -> any Convolution {
        precondition(!tanh || geometry.stride == 1 && geometry.upscale == 1)
        let plan = Self.plan(geometry, inputChannels, outputChannels, outputs: nil)
        return Self.make(
            geometry, layout, weight: weight, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels,
            plan: plan, tanh: tanh, in: context)
    }

    /// For an input of this shape.
    private func plan(_ x: Tensor) -> WinogradPlan? {
        let outputs = (geometry.outputSide(x.shape.h), geometry.outputSide(x.shape.w))
        return Self.plan(
            geometry, inputChannels, outputChannels, outputs: outputs, leastTiles: x.context.tuning.leastPhaseTiles)
    }

    public func forward(_ inputs: [Tensor]) -> Tensor {
        precondition(inputs[1].shape == weightShape && inputs[0].shape.c == inputChannels)
        let plan = plan(inputs[0])
        let convolution = made(for: .forward, inputs, minimal: plan != nil) { weight, bias in
            Self.make(
                geometry, layout, weight: weight, bias: bias, inputChannels: inputChannels,
                outputChannels: outputChannels, plan: plan, in: inputs[0].context)
        }
        return convolution(inputs[0])
    }

    public func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        var result: [Tensor?] = [nil, nil]
        if needed[0] { result[0] = inputGradient(inputs, gradient) }
        if needed[1] {
            result[1] =
                if Self.isNarrow(geometry, inputChannels, outputChannels) {
                    narrowWeightGradient(inputs[0], gradient, self)
                } else if let plan = plan(inputs[0]) {
                    winogradWeightGradient(inputs[0], gradient, self, plan)
                } else { directWeightGradient(inputs[0], gradient, self) }
        }
        if inputs.count > 2 { result.append(needed[2] ? channelTotals(gradient) : nil) }
        return result
    }

    private func inputGradient(_ inputs: [Tensor], _ gradient: Tensor) -> Tensor {
        let x = inputs[0].shape, context = inputs[0].context
        // The roles of the channels are exchanged in all of these.
        var swapped = WeightLayout(
            kernelSize: layout.kernelSize, inputStride: layout.outputStride, outputStride: layout.inputStride)
        let geometry: ConvolutionGeometry
        switch kind {
        case .strided(let k, 1, let padding, let pad):
            swapped.flipped = true
            geometry = .strided(kernelSize: k, stride: 1, padding: .zero, pad: padding == .zero ? k - 1 - pad : k - 1)
        case .strided(let k, let stride, let padding, let pad):
            precondition(stride == 2, "gradients of strides other than 2 are not needed here")
            geometry = .transposed(kernelSize: k, pad: padding == .zero ? pad : 0)
        case .transposed: geometry = .strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1)
        case .doubling: geometry = .doublingAdjoint
        case .bilinearDoubling: geometry = .bilinearDoublingAdjoint
        }
        let plan = Self.plan(
            geometry, outputChannels, inputChannels, outputs: (x.h, x.w), leastTiles: context.tuning.leastPhaseTiles)
        let adjoint = made(for: .adjoint, [inputs[0], inputs[1]], minimal: plan != nil) { weight, _ in
            Self.make(
                geometry, swapped, weight: weight, bias: nil, inputChannels: outputChannels,
                outputChannels: inputChannels, plan: plan, in: context)
        }
        switch kind {
        case .strided(_, 1, .zero, _), .transposed: return adjoint(gradient)
        case .strided(_, 1, let padding, let pad): return unpadded(adjoint(gradient), pad: pad, padding: padding)
        case .strided(_, _, let padding, let pad):
            // Of the image with its border, where that repeats the image's own pixels.
            let border = padding == .zero ? 0 : 2 * pad
            let resized = (adjoint as! any ResizableConvolution).withOutputSize(
                height: x.h + border, width: x.w + border)
            return border == 0 ? resized(gradient) : unpadded(resized(gradient), pad: pad, padding: padding)
        case .doubling, .bilinearDoubling: return unpadded(adjoint(gradient), pad: 1, padding: .edge)
        }
    }

    /// The convolution made from the parameters, anew where they or the context have changed.
    private func made(
        for direction: Direction, _ inputs: [Tensor], minimal: Bool,
        _ make: (UnsafePointer<Float>, UnsafePointer<Float>?) -> any Convolution
    ) -> any Convolution {
        let weight = inputs[1], bias = inputs.count > 2 ? inputs[2] : nil
        if let kept = made.withLock({ $0[direction] }), kept.weight === weight, kept.version == weight.version,
            kept.bias === bias,
            kept.biasVersion == bias?.version, kept.convolution.context === inputs[0].context,
            kept.minimal == minimal
        {
            return kept.convolution
        }
        // First let go of the old one: the new one can take its buffers.
        made.withLock { $0[direction] = nil }
        let convolution = make(weight.pointer, bias.map { UnsafePointer($0.pointer) })
        let prepared = Prepared(
            weight: weight, version: weight.version, bias: bias, biasVersion: bias?.version, minimal: minimal,
            convolution: convolution)
        made.withLock { $0[direction] = prepared }
        return convolution
    }

    public func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0], weight = inputs[1]
        let bias: (Int) -> Double = { o in inputs.count > 2 ? inputs[2].values[o] : 0 }
        let k = geometry.kernelSize
        let (h, w) = (geometry.outputSide(x.shape.h), geometry.outputSide(x.shape.w))
        return ReferenceTensor(Shape(x.shape.n, h, w, outputChannels)) { n, y, xx, o in
            var sum = bias(o)
            for ky in 0..<k {
                for kx in 0..<k {
                    for i in 0..<inputChannels {
                        let v: Double
                        switch kind {
                        case .strided(_, let stride, let padding, let pad):
                            v = x.padded(n, y * stride - pad + ky, xx * stride - pad + kx, i, padding)
                        case .transposed:
                            let (sy, sx) = (y + 1 - ky, xx + 1 - kx)
                            v = sy % 2 == 0 && sx % 2 == 0 ? x.padded(n, sy / 2, sx / 2, i, .zero) : 0
                        case .doubling:
                            let sy = Padding.reflection.resolve(y - 1 + ky, h)!,
                                sx = Padding.reflection.resolve(xx - 1 + kx, w)!
                            v = x[n, sy / 2, sx / 2, i]
                        case .bilinearDoubling:
                            let (sy, sx) = (min(max(y - 1 + ky, 0), h - 1), min(max(xx - 1 + kx, 0), w - 1))
                            // The nearer small pixel weighs 3/4, the other 1/4.
                            let (ny, nx) = (sy / 2, sx / 2), (oy, ox) = (ny + 2 * (sy % 2) - 1, nx + 2 * (sx % 2) - 1)
                            v =
                                (9 * x[n, ny, nx, i] + 3 * x.padded(n, oy, nx, i, .edge) + 3
                                    * x.padded(n, ny, ox, i, .edge)
                                    + x.padded(n, oy, ox, i, .edge)) / 16
                        }
                        sum += v * weight.values[layout.offset(ky, kx, i, o)]
                    }
                }
            }
            return sum
        }
    }
}
