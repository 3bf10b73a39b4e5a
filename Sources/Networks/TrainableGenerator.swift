import Tensors

/// CycleGAN's generator with parameters that can be trained: the same network as `ResNetGenerator`.
package final class TrainableGenerator: TrainableNetwork {
    package let description: GeneratorDescription
    /// All tensors of the description, in its order. The biases but the last convolution's are cancelled by the
    /// normalisation behind them; they are kept for the file's sake and take no part.
    package let parameters: [Parameter]

    private struct Layer {
        var kind: GeneratorDescription.Layer.Kind
        var operation: Convolution2D
        var weight: Parameter
        var bias: Parameter
    }
    private let layers: [Layer]
    private let normalization: InstanceNormalization

    /// - Parameter initial: values of the tensor with a key and shape of the description.
    package init(
        _ description: GeneratorDescription, in context: ComputeContext = .default,
        initial: (_ key: String, _ shape: [Int]) throws -> [Float]
    ) rethrows {
        self.description = description
        normalization = InstanceNormalization(slope: description.activation.slope)
        layers = try description.layers.map { layer in
            let (ci, co) = (layer.inputChannels, layer.outputChannels)
            let operation = Convolution2D(layer.kind.convolution, inputChannels: ci, outputChannels: co)
            return Layer(
                kind: layer.kind, operation: operation,
                weight: Parameter(
                    name: layer.weightKey,
                    value: Tensor(
                        operation.weightShape, values: try initial(layer.weightKey, layer.weightShape), in: context)),
                bias: Parameter(
                    name: layer.biasKey,
                    value: Tensor(
                        Shape(1, 1, 1, co), values: try initial(layer.biasKey, layer.biasShape), in: context)))
        }
        parameters = layers.flatMap { [$0.weight, $0.bias] }
    }

    /// What a caller may look at on the way.
    package enum Inside {
        /// What a residual block adds, normalised.
        case residual
        /// The picture before the hyperbolic tangent.
        case beforeTanh
    }

    /// Images (N, H, W, 3) in [-1, 1] to the same; H and W are multiples of 4.
    /// - Parameters:
    ///   - grained: what the layers are given in place of the images, the images with grain.
    ///   - inside: is told of tensors on the way.
    package func callAsFunction(
        _ images: Tensor, _ tape: Tape, grained: Tensor? = nil, inside: (Inside, Tensor) -> Void = { _, _ in }
    ) -> Tensor {
        var x = grained ?? images, blockInput = x
        for layer in layers {
            switch layer.kind {
            case .last:
                var result = tape.apply(layer.operation, x, layer.weight.value, layer.bias.value)
                if description.skip == .colours { result = tape.apply(Addition(), result, colours(images, tape)) }
                inside(.beforeTanh, result)
                return tape.apply(Tanh(), result)
            case .residualFirst:
                // The blocks' input is used more than once: written out, not normalised on each reading.
                if x.reading != nil { x = tape.apply(Materialization(), x) }
                blockInput = x
                x = tape.apply(normalization, tape.apply(layer.operation, x, layer.weight.value))
            case .residualSecond:
                x = tape.apply(InstanceNormalization(slope: 1), tape.apply(layer.operation, x, layer.weight.value))
                inside(.residual, x)
                x = tape.apply(Addition(), blockInput, x)
            default:
                x = tape.apply(normalization, tape.apply(layer.operation, x, layer.weight.value))
            }
        }
        preconditionFailure("a generator ends with its last layer")
    }

    /// What `Skip.colours` adds.
    private func colours(_ images: Tensor, _ tape: Tape) -> Tensor {
        let size = GeneratorDescription.colourBlock
        return tape.apply(
            BilinearEnlargement(size: size, height: images.shape.h, width: images.shape.w),
            tape.apply(BlockMeans(size: size), images))
    }
}

/// A network's parameters by name.
package protocol TrainableNetwork: AnyObject {
    var parameters: [Parameter] { get }
}

extension TrainableNetwork {
    /// Where the parameters lie, and what the network computes with.
    package var context: ComputeContext { parameters[0].value.context }

    /// Asks a tape for the gradients of all parameters.
    package func watch(_ tape: Tape) { parameters.forEach { tape.watch($0.value) } }
}
