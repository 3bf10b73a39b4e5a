import Tensors

/// The 70x70 PatchGAN discriminator (Isola et al. 2017; Zhu et al. 2017, appendix 7.2): 4x4 convolutions with Leaky
/// ReLU 0.2, three of stride 2, one judgement a patch. Keys as `netD_n_layers3` of the original project.
package final class PatchDiscriminator: TrainableNetwork {
    /// All tensors. The biases before a normalisation, which cancels them, are kept for the file's sake and take no
    /// part.
    package let parameters: [Parameter]
    package let channels: Int

    private struct Layer {
        var operation: Convolution2D
        var weight, bias: Parameter
        var normalized: Bool
    }
    private let layers: [Layer]
    private static let slope: Float = 0.2

    /// Key and (output, input, kernel, kernel) of every convolution.
    private static func plan(_ c: Int) -> [(key: String, input: Int, output: Int, stride: Int, normalized: Bool)] {
        [
            ("model.0", 3, c, 2, false), ("model.2", c, 2 * c, 2, true), ("model.5", 2 * c, 4 * c, 2, true),
            ("model.8", 4 * c, 8 * c, 1, true), ("model.11", 8 * c, 1, 1, false),
        ]
    }

    /// - Parameter initial: values of the tensor with a key and shape.
    package init(
        channels: Int, in context: ComputeContext = .default,
        initial: (_ key: String, _ shape: [Int]) throws -> [Float]
    ) rethrows {
        self.channels = channels
        layers = try Self.plan(channels).map { layer in
            let operation = Convolution2D(
                .strided(kernelSize: 4, stride: layer.stride, padding: .zero, pad: 1), inputChannels: layer.input,
                outputChannels: layer.output)
            return Layer(
                operation: operation,
                weight: Parameter(
                    name: layer.key + ".weight",
                    value: Tensor(
                        operation.weightShape,
                        values: try initial(layer.key + ".weight", [layer.output, layer.input, 4, 4]),
                        in: context)),
                bias: Parameter(
                    name: layer.key + ".bias",
                    value: Tensor(
                        Shape(1, 1, 1, layer.output), values: try initial(layer.key + ".bias", [layer.output]),
                        in: context)),
                normalized: layer.normalized)
        }
        parameters = layers.flatMap { [$0.weight, $0.bias] }
    }

    /// x (N, H, W, 3) in [-1, 1] to one judgement a patch, (N, H/8 - 2, W/8 - 2, 1); 1 means real. Sides of at least
    /// 24.
    package func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
        var x = x
        for (i, layer) in layers.enumerated() {
            if layer.normalized {
                x = tape.apply(
                    InstanceNormalization(slope: Self.slope), tape.apply(layer.operation, x, layer.weight.value))
            } else {
                x = tape.apply(layer.operation, x, layer.weight.value, layer.bias.value)
                if i < layers.count - 1 { x = tape.apply(LeakyReLU(slope: Self.slope), x) }
            }
        }
        return x
    }
}
