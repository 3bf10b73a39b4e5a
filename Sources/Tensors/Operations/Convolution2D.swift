import CTensorKernels

/// Convolution with a weight and, if there is one, a bias: inputs x, weight, [bias].
///
/// The weights made ready for the kernels are kept until the parameter changes.
public final class Convolution2D: DifferentiableOperation, @unchecked Sendable {
    public enum Kind: Sendable, Equatable {
        /// Weight (outputChannels, inputChannels, k, k).
        case strided(kernelSize: Int, stride: Int = 1, padding: Padding, pad: Int)
        /// PyTorch's ConvTranspose2d with kernel 3, stride 2, padding 1, output padding 1.
        /// Weight (inputChannels, outputChannels, 3, 3).
        case transposed
        /// Nearest-neighbour doubling, reflection padding 1, 3x3. Weight (outputChannels, inputChannels, 3, 3).
        case doubling
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
        var table: String
        var convolution: any Convolution
    }
    private var prepared: [Direction: Prepared] = [:]

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
        }
    }

    /// The parameter's shape, in PyTorch's order.
    public var weightShape: Shape {
        let k = geometry.kernelSize
        return kind == .transposed ? Shape(inputChannels, outputChannels, k, k) : Shape(outputChannels, inputChannels, k, k)
    }

    /// A quarter of the multiplications, where there are channels enough to make up for the transforms and for their
    /// larger rounding errors.
    private var usesWinograd: Bool {
        guard case .strided(let k, 1, _, 1) = kind, WinogradConvolution.kernelSizes.contains(k) else { return false }
        return min(inputChannels, outputChannels) >= 8
    }

    /// Few output channels from many: the products are made for all columns of taps at once.
    private var isNarrow: Bool {
        guard case .strided(_, 1, _, _) = kind else { return false }
        return outputChannels <= 4 && inputChannels >= 8
    }

    public func forward(_ inputs: [Tensor]) -> Tensor {
        precondition(inputs[1].shape == weightShape && inputs[0].shape.c == inputChannels)
        let convolution = made(for: .forward, inputs) { weight, bias in
            if case .strided(let k, 1, let padding, let pad) = kind, isNarrow {
                return NarrowConvolution(
                    weight: weight, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: k,
                    padding: padding, pad: pad, tanh: false)
            }
            if case .strided(let k, _, let padding, let pad) = kind, usesWinograd {
                return WinogradConvolution(
                    weight: weight, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: k,
                    padding: padding, pad: pad)
            }
            return DirectConvolution(
                weight: weight, layout: layout, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels,
                geometry: geometry)
        }
        return convolution(inputs[0])
    }

    public func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        var result: [Tensor?] = [nil, nil]
        if needed[0] { result[0] = inputGradient(inputs, gradient) }
        if needed[1] {
            result[1] =
                if usesWinograd { winogradWeightGradient(inputs[0], gradient, self) }
                else if isNarrow { narrowWeightGradient(inputs[0], gradient, self) }
                else { directWeightGradient(inputs[0], gradient, self) }
        }
        if inputs.count > 2 { result.append(needed[2] ? channelTotals(gradient) : nil) }
        return result
    }

    private func inputGradient(_ inputs: [Tensor], _ gradient: Tensor) -> Tensor {
        let x = inputs[0].shape
        let (ci, co) = (inputChannels, outputChannels)
        // The roles of the channels are exchanged in all of these.
        let swapped = WeightLayout(
            kernelSize: layout.kernelSize, inputStride: layout.outputStride, outputStride: layout.inputStride)
        let adjoint = made(for: .adjoint, [inputs[0], inputs[1]]) { weight, _ in
            switch kind {
            case .strided(let k, 1, let padding, let pad):
                var flipped = swapped
                flipped.flipped = true
                let outer = padding == .zero ? k - 1 - pad : k - 1
                if usesWinograd {
                    return WinogradConvolution(
                        weight: weight, inputChannels: co, outputChannels: ci, kernelSize: k, padding: .zero, pad: outer,
                        adjoint: true)
                }
                if ci <= 4, co >= 8 {
                    return NarrowConvolution(
                        weight: weight, bias: nil, inputChannels: co, outputChannels: ci, kernelSize: k, padding: .zero,
                        pad: outer, tanh: false, layout: flipped)
                }
                return DirectConvolution(
                    weight: weight, layout: flipped, inputChannels: co, outputChannels: ci,
                    geometry: .strided(kernelSize: k, stride: 1, padding: .zero, pad: outer))
            case .strided(let k, let stride, let padding, let pad):
                precondition(stride == 2 && padding == .zero, "gradients of strides other than 2 are not needed here")
                return DirectConvolution(
                    weight: weight, layout: swapped, inputChannels: co, outputChannels: ci,
                    geometry: .transposed(kernelSize: k, pad: pad))
            case .transposed:
                return DirectConvolution(
                    weight: weight, layout: swapped, inputChannels: co, outputChannels: ci,
                    geometry: .strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1))
            case .doubling:
                return DirectConvolution(
                    weight: weight, layout: swapped, inputChannels: co, outputChannels: ci, geometry: .doublingAdjoint)
            }
        }
        switch kind {
        case .strided(_, 1, .zero, _), .transposed: return adjoint(gradient)
        case .strided(_, 1, let padding, let pad): return unpadded(adjoint(gradient), pad: pad, padding: padding)
        case .strided: return (adjoint as! DirectConvolution).withOutputSize(height: x.h, width: x.w)(gradient)
        case .doubling: return unpadded(adjoint(gradient), pad: 1, padding: .edge)
        }
    }

    /// The convolution made from the parameters, anew where they or the kernels have changed.
    private func made(
        for direction: Direction, _ inputs: [Tensor], _ make: (UnsafePointer<Float>, UnsafePointer<Float>?) -> any Convolution
    ) -> any Convolution {
        let weight = inputs[1], bias = inputs.count > 2 ? inputs[2] : nil
        if let kept = prepared[direction], kept.weight === weight, kept.version == weight.version, kept.bias === bias,
            kept.biasVersion == bias?.version, kept.table == Kernels.name
        {
            return kept.convolution
        }
        // First let go of the old one: the new one can take its buffers.
        prepared[direction] = nil
        let convolution = make(weight.pointer, bias.map { UnsafePointer($0.pointer) })
        prepared[direction] = Prepared(
            weight: weight, version: weight.version, bias: bias, biasVersion: bias?.version, table: Kernels.name,
            convolution: convolution)
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
                            let sy = Padding.reflection.resolve(y - 1 + ky, h)!, sx = Padding.reflection.resolve(xx - 1 + kx, w)!
                            v = x[n, sy / 2, sx / 2, i]
                        }
                        sum += v * weight.values[layout.offset(ky, kx, i, o)]
                    }
                }
            }
            return sum
        }
    }
}
