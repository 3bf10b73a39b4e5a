import Tensors
import Weights

/// VGG16's features (Simonyan and Zisserman 2015, configuration D) up to a tap, fixed: the extractor of the semantic
/// loss. Keys as in torchvision (`features.N`).
package final class VGG16 {
    /// Where the features are taken.
    package enum Tap: String, Sendable, CaseIterable {
        case relu1_2, relu2_2, relu3_3, relu4_3

        /// Convolutions before it.
        var depth: Int { stages.reduce(0, +) }

        /// Convolutions in each stage up to the tap; a 2x2 max pool stands between stages.
        var stages: [Int] { Array([2, 2, 3, 3].prefix(1 + Self.allCases.firstIndex(of: self)!)) }
    }

    /// What the first convolution expects of a colour v in [-1, 1]: (v - mean) * scale, channel by channel.
    package struct InputScaling: Sendable {
        package var mean, scale: [Float]

        /// torchvision: v in [0, 1], less the mean, divided by the deviation.
        package static let torchvision = Self(
            mean: [0.485, 0.456, 0.406].map { $0 * 2 - 1 }, scale: [0.229, 0.224, 0.225].map { 1 / (2 * $0) })

        /// Oxford's original weights: RGB 0 to 255 less (123.68, 116.779, 103.939).
        package static let oxford = Self(
            mean: [123.68, 116.779, 103.939].map { $0 / 127.5 - 1 }, scale: [127.5, 127.5, 127.5])
    }

    /// Where its weights lie, and what it takes features of.
    package let context: ComputeContext

    private struct Layer {
        var operation: Convolution2D
        var weight, bias: Tensor
        var startsStage: Bool
    }
    private let layers: [Layer]
    private let input: ChannelNormalization

    /// Reads the layers up to the tap, of any widths. Throws `WeightsError` naming the tensor that is missing or
    /// misshapen. The file's metadata may say which scaling the input has (`input`, as in Oxford's files);
    /// torchvision's is assumed.
    package convenience init(_ file: WeightsFile, tap: Tap, in context: ComputeContext = .default) throws {
        let oxford = file.metadata["input"]?.contains("123.68") == true
        try self.init(
            file, prefix: "", stages: tap.stages, scaling: oxford ? .oxford : .torchvision, in: context)
    }

    /// - Parameters:
    ///   - prefix: before each key.
    ///   - stages: convolutions in each stage.
    package init(
        _ file: WeightsFile, prefix: String, stages: [Int], scaling: InputScaling,
        in context: ComputeContext = .default
    ) throws {
        self.context = context
        var layers: [Layer] = [], index = 0, channels = 3
        for (stage, count) in stages.enumerated() {
            for i in 0..<count {
                let key = "\(prefix)features.\(index)"
                guard let weight = file.tensors["\(key).weight"], let bias = file.tensors["\(key).bias"] else {
                    throw WeightsError(path: file.path) { called in
                        "\(key).weight or .bias is missing: these are not VGG16's features up to the tap asked for; "
                            + "\(called(.published("vgg16"))) gets them up to relu4_3"
                    }
                }
                guard weight.shape.count == 4, weight.shape[1...] == [channels, 3, 3], bias.shape == [weight.shape[0]]
                else {
                    throw WeightsError(
                        path: file.path,
                        "\(key).weight has the shape \(weight.shape), expected [..., \(channels), 3, 3]")
                }
                let operation = Convolution2D(
                    .strided(kernelSize: 3, padding: .zero, pad: 1), inputChannels: channels,
                    outputChannels: weight.shape[0])
                channels = weight.shape[0]
                layers.append(
                    Layer(
                        operation: operation,
                        weight: Tensor(operation.weightShape, values: try file.floats("\(key).weight"), in: context),
                        bias: Tensor(Shape(1, 1, 1, channels), values: try file.floats("\(key).bias"), in: context),
                        startsStage: i == 0 && stage > 0))
                index += 2
            }
            index += 1
        }
        self.layers = layers
        input = ChannelNormalization(mean: scaling.mean, scale: scaling.scale)
    }

    /// Of the features at a tap, one that was read.
    package func channels(_ tap: Tap) -> Int { layers[tap.depth - 1].operation.outputChannels }

    /// x (N, H, W, 3) in [-1, 1] to the features of the last layer that was read.
    package func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor { features(x, depths: [layers.count], tape)[0] }

    /// x (N, H, W, 3) in [-1, 1] to the features at several taps, none deeper than the one that was read, in the order
    /// asked for.
    package func callAsFunction(_ x: Tensor, at taps: [Tap], _ tape: Tape) -> [Tensor] {
        features(x, depths: taps.map(\.depth), tape)
    }

    private func features(_ x: Tensor, depths: [Int], _ tape: Tape) -> [Tensor] {
        var x = tape.apply(input, x), found: [Int: Tensor] = [:]
        for (i, layer) in layers[..<depths.max()!].enumerated() {
            if layer.startsStage { x = tape.apply(MaxPooling(), x) }
            x = tape.apply(LeakyReLU(slope: 0), tape.apply(layer.operation, x, layer.weight, layer.bias))
            if depths.contains(i + 1) { found[i + 1] = x }
        }
        return depths.map { found[$0]! }
    }
}
