import Networks
import Tensors

/// Judges pictures by their VGG16 features (Sauer et al. 2021, "Projected GANs Converge Faster"): a small head on each
/// of two taps of the fixed network, a judgement a place, where 1 means a painting. It sees what strokes and motifs
/// look like from the first iteration on, where a discriminator on pixels has yet to learn it.
package final class FeatureDiscriminator: TrainableNetwork {
    package let parameters: [Parameter]

    /// Where it looks: strokes, and what they make up.
    package static let taps: [VGG16.Tap] = [.relu2_2, .relu3_3]

    private struct Layer {
        var operation: Convolution2D
        var weight, bias: Parameter
    }
    private let heads: [[Layer]]
    /// The mean feature at each tap, by which features are divided; 1 leaves them as they are.
    package var scales: [Double]
    private static let slope: Float = 0.2

    /// - Parameters:
    ///   - channels: of the features at each tap.
    ///   - width: channels of the heads.
    package init(
        channels: [Int], width: Int, in context: ComputeContext = .default,
        initial: (_ key: String, _ shape: [Int]) throws -> [Float]
    ) rethrows {
        scales = channels.map { _ in 1 }
        heads = try zip(Self.taps, channels).map { tap, count in
            try [(1, count, width), (3, width, width), (3, width, 1)].enumerated().map { i, layer in
                let (kernel, input, output) = layer, key = "\(tap.rawValue).\(2 * i)"
                let operation = Convolution2D(
                    .strided(kernelSize: kernel, padding: .zero, pad: kernel / 2), inputChannels: input,
                    outputChannels: output)
                return Layer(
                    operation: operation,
                    weight: Parameter(
                        name: key + ".weight",
                        value: Tensor(
                            operation.weightShape,
                            values: try initial(key + ".weight", [output, input, kernel, kernel]), in: context)),
                    bias: Parameter(
                        name: key + ".bias",
                        value: Tensor(
                            Shape(1, 1, 1, output), values: try initial(key + ".bias", [output]), in: context)))
            }
        }
        parameters = heads.joined().flatMap { [$0.weight, $0.bias] }
    }

    /// Features at `taps`, (N, H, W, C) each and written out, to a map of judgements for each of them.
    package func callAsFunction(_ features: [Tensor], _ tape: Tape) -> [Tensor] {
        zip(zip(scales, heads), features).map { head, features in
            let channels = features.shape.c, (scale, layers) = head
            let divided = ChannelNormalization(
                mean: [Float](repeating: 0, count: channels),
                scale: [Float](repeating: Float(1 / scale), count: channels))
            var x = tape.apply(divided, features)
            for (i, layer) in layers.enumerated() {
                x = tape.apply(layer.operation, x, layer.weight.value, layer.bias.value)
                if i < layers.count - 1 { x = tape.apply(LeakyReLU(slope: Self.slope), x) }
            }
            return x
        }
    }
}
