import Tensors
import Weights

/// The Inception network of the Fréchet Inception Distance (Szegedy et al. 2016, as ported to PyTorch by pytorch-fid:
/// average pooling does not count what lies outside, and the last block pools by maximum), forward only, batch
/// normalisation folded into the convolutions. Keys as in `pt_inception-2015-12-05-6726825d.pth`.
package final class InceptionV3: Sendable {
    package typealias Tap = InceptionV3Layers.Tap

    /// Height and width of the input.
    package static let side = 299

    /// The deepest of the taps that were read.
    package let tap: Tap
    package let context: ComputeContext
    private let stages: [[Block]]

    /// As in `InceptionV3Layers`.
    private struct Branch: Sendable {
        var pooling: InceptionV3Layers.Pooling?
        var path, ends: [RectifiedConvolution]
    }

    private struct Block: Sendable {
        var branches: [Branch]
    }

    /// Reads the network up to a tap. Throws `WeightsError` naming what is missing or misshapen.
    package init(_ file: WeightsFile, tap: Tap, in context: ComputeContext = .default) throws {
        try InceptionV3Layers.validate(file, tap: tap)
        (self.tap, self.context) = (tap, context)
        stages = try InceptionV3Layers.stages(to: tap).map { stage in
            try stage.map { block in
                Block(
                    branches: try block.branches.map { branch in
                        Branch(
                            pooling: branch.pooling,
                            path: try branch.path.map { try Self.convolution($0, file, context) },
                            ends: try branch.ends.map { try Self.convolution($0, file, context) })
                    })
            }
        }
    }

    /// Of the batch normalisation.
    private static let epsilon = 0.001

    private static func convolution(
        _ layer: InceptionV3Layers.Layer, _ file: WeightsFile, _ context: ComputeContext
    ) throws -> RectifiedConvolution {
        func values(_ name: String) throws -> [Double] {
            try file.floats("\(layer.key).bn.\(name)", shape: [layer.output]).map(Double.init)
        }
        let (gamma, beta, mean, variance) = try (
            values("weight"), values("bias"), values("running_mean"), values("running_var")
        )
        var weight = try file.floats("\(layer.key).conv.weight", shape: layer.weightShape), bias: [Float] = []
        let fan = weight.count / layer.output
        for o in 0..<layer.output {
            let scale = gamma[o] / (variance[o] + epsilon).squareRoot()
            for i in o * fan..<(o + 1) * fan { weight[i] = Float(Double(weight[i]) * scale) }
            bias.append(Float(beta[o] - mean[o] * scale))
        }
        let kernel = RectifiedConvolution.Kernel(
            height: layer.height, width: layer.width, stride: layer.stride, padHeight: layer.padHeight,
            padWidth: layer.padWidth)
        // The last blocks' 8x8 pixels are too few for minimal filtering.
        return RectifiedConvolution(
            kernel, inputChannels: layer.input, outputChannels: layer.output, weight: weight, bias: bias,
            winograd: !layer.key.hasPrefix("Mixed_7"), in: context)
    }

    /// x (N, 299, 299, 3) in [-1, 1] to N rows of features at each of the taps, in the order asked for: means over all
    /// places.
    package func callAsFunction(_ x: Tensor, at taps: [Tap]) -> [[[Float]]] {
        precondition(x.shape.h == Self.side && x.shape.w == Self.side && taps.allSatisfy { $0 <= tap })
        var x = x, found: [Tap: [[Float]]] = [:]
        for (tap, stage) in zip(Tap.allCases, stages) where tap <= taps.max()! {
            for block in stage { x = Self.apply(block, x) }
            if taps.contains(tap) {
                found[tap] = (0..<x.shape.n).map { ChannelMoments(x, image: $0).means.map { Float($0) } }
            }
        }
        return taps.map { found[$0]! }
    }

    /// The same at the deepest tap.
    package func callAsFunction(_ x: Tensor) -> [[Float]] { self(x, at: [tap])[0] }

    private static func apply(_ block: Block, _ x: Tensor) -> Tensor {
        var first = 0, output: Tensor?
        let total = block.branches.reduce(0) {
            $0 + ($1.ends.isEmpty ? x.shape.c : $1.ends.reduce(0) { $0 + $1.outputChannels })
        }
        func slice(_ height: Int, _ width: Int, _ channels: Int) -> ChannelSlice {
            let y = output ?? Tensor(Shape(x.shape.n, height, width, total), in: x.context)
            output = y
            first += channels
            return ChannelSlice(y, channels: first - channels..<first)
        }
        for branch in block.branches {
            var z = x
            switch branch.pooling {
            case .average: z = AveragePooling()(x)
            case .maximum(let stride, let pad):
                let pooling = OverlappingMaxPooling(stride: stride, pad: pad)
                if branch.ends.isEmpty {
                    let size = pooling.outputSize(height: x.shape.h, width: x.shape.w)
                    pooling(x, into: slice(size.height, size.width, x.shape.c))
                    continue
                }
                z = pooling(x)
            case nil: break
            }
            for convolution in branch.path { z = convolution(z) }
            for convolution in branch.ends {
                let size = convolution.outputSize(height: z.shape.h, width: z.shape.w)
                convolution(z, into: slice(size.height, size.width, convolution.outputChannels))
            }
        }
        return output!
    }
}
