import Synchronization

/// Convolution with a weight and, if there is one, a bias: inputs x (N, H, W, inputChannels), weight (`weightShape`),
/// [bias (1, 1, 1, outputChannels)]; output (N, H', W', outputChannels).
///
/// The packed weights are kept until the parameter changes, or an image's size asks for another algorithm.
package final class Convolution2D: DifferentiableOperation {
    package enum Kind: Sendable, Equatable {
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

    package let kind: Kind
    package let inputChannels, outputChannels: Int
    let form: ConvolutionForm
    /// Of the gradient with respect to the input, up to its padding; nil for strides that no network is trained with.
    let adjointForm: ConvolutionForm?

    private enum Direction { case forward, adjoint }
    private struct Kept {
        /// Held, so that no other tensor can take its place in memory and be mistaken for it.
        var weight: Tensor
        var version: Int
        var bias: Tensor?
        var biasVersion: Int?
        var algorithm: ConvolutionAlgorithm
        var convolution: any PackedConvolution
    }
    private let kept = Mutex<[Direction: Kept]>([:])

    package init(_ kind: Kind, inputChannels: Int, outputChannels: Int) {
        (self.kind, self.inputChannels, self.outputChannels) = (kind, inputChannels, outputChannels)
        form = ConvolutionForm(kind, inputChannels: inputChannels, outputChannels: outputChannels)
        adjointForm = ConvolutionForm(adjointOf: kind, form)
    }

    /// The parameter's shape, in PyTorch's order.
    package var weightShape: Shape { form.weightShape }

    /// The same convolution with its weights packed: forward only, in bands.
    /// - Parameters:
    ///   - weight: `weightShape`.
    ///   - bias: outputChannels values; leave it out before an instance normalisation, which cancels it.
    ///   - tanh: apply the hyperbolic tangent to the result; for stride 1 and few output channels.
    package func packed(
        weight: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, tanh: Bool = false,
        in context: ComputeContext = .default
    ) -> any PackedConvolution {
        if tanh { return NarrowConvolution(form, weight: weight, bias: bias, tanh: true, in: context) }
        return form.packed(by: form.bestAlgorithm, weight: weight, bias: bias, in: context)
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0]
        precondition(inputs[1].shape == weightShape && x.shape.c == inputChannels)
        let convolution = packed(.forward, form, algorithm(for: x), inputs)
        return convolution(x)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        var result: [Tensor?] = [nil, nil]
        if needed[0] { result[0] = inputGradient(inputs, gradient) }
        if needed[1] { result[1] = weightGradient(inputs[0], gradient) }
        if inputs.count > 2 { result.append(needed[2] ? channelTotals(gradient) : nil) }
        return result
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceConvolution(self).forward(inputs[0], weight: inputs[1], bias: inputs.count > 2 ? inputs[2] : nil)
    }

    private func algorithm(for x: Tensor) -> ConvolutionAlgorithm {
        let geometry = form.geometry
        return form.algorithm(
            outputHeight: geometry.outputSide(x.shape.h), width: geometry.outputSide(x.shape.w), x.context.tuning)
    }

    private func weightGradient(_ x: Tensor, _ gradient: Tensor) -> Tensor {
        let algorithm = algorithm(for: x)
        // The same sum with the roles exchanged: the gradient is read through the ordinary convolution's windows.
        if kind == .transposed, algorithm == .direct, let adjointForm {
            return adjointForm.weightGradient(by: .direct, gradient, x.applied())
        }
        return form.weightGradient(by: algorithm, x, gradient)
    }

    /// A convolution of the gradient with the same weights, its border added to the pixels that it repeats.
    private func inputGradient(_ inputs: [Tensor], _ gradient: Tensor) -> Tensor {
        let x = inputs[0].shape
        guard let adjointForm else { preconditionFailure("gradients of strides other than 2 are not needed here") }
        let algorithm = adjointForm.algorithm(outputHeight: x.h, width: x.w, inputs[0].context.tuning)
        let adjoint = packed(.adjoint, adjointForm, algorithm, [inputs[0], inputs[1]])
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

    /// A form with the parameters packed, anew where they, the algorithm or the context have changed.
    private func packed(
        _ direction: Direction, _ form: ConvolutionForm, _ algorithm: ConvolutionAlgorithm, _ inputs: [Tensor]
    ) -> any PackedConvolution {
        let weight = inputs[1], bias = inputs.count > 2 ? inputs[2] : nil
        if let known = kept.withLock({ $0[direction] }), known.weight === weight, known.version == weight.version,
            known.bias === bias, known.biasVersion == bias?.version, known.algorithm == algorithm,
            known.convolution.context === weight.context
        {
            return known.convolution
        }
        // First let go of the old one: the new one can take its buffers.
        kept.withLock { $0[direction] = nil }
        let convolution = form.packed(
            by: algorithm, weight: weight.pointer, bias: bias.map { UnsafePointer($0.pointer) }, in: weight.context)
        let new = Kept(
            weight: weight, version: weight.version, bias: bias, biasVersion: bias?.version, algorithm: algorithm,
            convolution: convolution)
        kept.withLock { $0[direction] = new }
        return convolution
    }
}
