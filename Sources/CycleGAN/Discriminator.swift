import Networks
import Tensors

/// Judges patches of images: x (N, H, W, 3) to a map where 1 means real.
package protocol Discriminator: TrainableNetwork {
    func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor
}

extension PatchDiscriminator: Discriminator {}

/// The 70x70 PatchGAN with two departures that the literature found to calm training, each a switch: strides without
/// aliasing (a stride of 1, then `BlurPooling`, as in CUT), and spectral normalisation. Keys and shapes are
/// `PatchDiscriminator`'s.
package final class StabilizedDiscriminator: Discriminator {
    package let parameters: [Parameter]
    package let isAntialiased: Bool

    private struct Layer {
        var pools, normalized, isLast: Bool
        var weight, bias: Parameter
        var operation: Convolution2D
        var spectral: SpectralNormalization?
    }
    private let layers: [Layer]
    private static let slope: Float = 0.2

    package init(
        channels: Int, antialiased: Bool, spectral: Bool, in context: ComputeContext = .default,
        initial: (_ key: String, _ shape: [Int]) throws -> [Float]
    ) rethrows {
        isAntialiased = antialiased
        // The plain network knows keys, shapes and their order.
        let plain = try PatchDiscriminator(channels: channels, in: context, initial: initial)
        layers = stride(from: 0, to: plain.parameters.count, by: 2).map { i in
            let (weight, bias) = (plain.parameters[i], plain.parameters[i + 1])
            let (co, ci) = (weight.value.shape.n, weight.value.shape.h), last = i == plain.parameters.count - 2
            let strided = i < 6
            let kind = Convolution2D.Kind.strided(
                kernelSize: 4, stride: strided && !antialiased ? 2 : 1, padding: .zero, pad: 1)
            return Layer(
                pools: strided && antialiased, normalized: i > 0 && !last, isLast: last, weight: weight, bias: bias,
                operation: Convolution2D(kind, inputChannels: ci, outputChannels: co),
                spectral: spectral ? SpectralNormalization() : nil)
        }
        parameters = plain.parameters
    }

    /// The singular vectors that spectral normalisation goes on from, by the weight's key.
    package var singularVectors: [String: [Float]] {
        get {
            Dictionary(
                uniqueKeysWithValues: layers.compactMap { layer in
                    layer.spectral?.leftVector.map { (layer.weight.name, $0) }
                })
        }
        set { for layer in layers { layer.spectral?.leftVector = newValue[layer.weight.name] } }
    }

    package func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
        var x = x
        for layer in layers {
            var weight = layer.weight.value
            if let spectral = layer.spectral { weight = tape.apply(spectral, weight) }
            if layer.normalized {
                x = tape.apply(InstanceNormalization(slope: Self.slope), tape.apply(layer.operation, x, weight))
            } else {
                x = tape.apply(layer.operation, x, weight, layer.bias.value)
                if !layer.isLast { x = tape.apply(LeakyReLU(slope: Self.slope), x) }
            }
            if layer.pools { x = tape.apply(BlurPooling(), x) }
        }
        return x
    }
}
