import Tensors
import Weights

/// CycleGAN's generator (Zhu et al. 2017, section 4 and appendix 7.2; Johnson et al. 2016), to run forward:
/// 7x7, two of stride 2, residual blocks, two that double the size, 7x7 and tanh.
///
/// It computes in bands of rows where memory is short, and always gives what the undivided network would: instance
/// normalisation takes its statistics from the whole image.
package final class ResNetGenerator: Sendable {
    package let description: GeneratorDescription
    /// Where its weights lie, and where it computes.
    package let context: ComputeContext

    let first, down1, down2, up1, up2, last: any PackedConvolution
    let blocks: [(first: any PackedConvolution, second: any PackedConvolution)]
    /// Of the activation below zero.
    let slope: Float

    private var convolutions: [any PackedConvolution] {
        [first, down1, down2, up1, up2, last] + blocks.flatMap { [$0.first, $0.second] }
    }

    /// What the packed weights take in memory.
    package var weightBytes: Int { convolutions.reduce(0) { $0 + $1.weightBytes } }

    /// What the threads need besides the activations, at most: layers whose scratch has one size share it.
    package var scratchBytes: Int { context.threads.count * Set(convolutions.map(\.scratchBytes)).reduce(0, +) }

    /// Sides must be a multiple of this, and at least `minimumSide`.
    package static let sideMultiple = 4
    package static let minimumSide = 8

    /// - Parameter tensor: values of the tensor with a key of the description, in PyTorch's order (OIHW; transposed
    ///   convolutions IOHW).
    package init(
        _ description: GeneratorDescription, in context: ComputeContext = .default,
        tensor: (String) throws -> [Float]
    ) rethrows {
        (self.description, self.context) = (description, context)
        slope = description.activation.slope
        var layers: [any PackedConvolution] = []
        for layer in description.layers {
            let weight = try tensor(layer.weightKey)
            precondition(weight.count == layer.weightShape.reduce(1, *), "\(layer.weightKey): \(weight.count) values")
            let (ci, co) = (layer.inputChannels, layer.outputChannels)
            // The biases but the last's are cancelled by the instance normalisation that follows.
            let convolution = Convolution2D(layer.kind.convolution, inputChannels: ci, outputChannels: co)
            if layer.kind == .last {
                layers.append(
                    convolution.packed(
                        weight: weight, bias: try tensor(layer.biasKey), tanh: description.skip == .none,
                        in: context))
            } else {
                layers.append(convolution.packed(weight: weight, in: context))
            }
        }
        (first, down1, down2) = (layers[0], layers[1], layers[2])
        let trunk = layers[3..<layers.count - 3]
        blocks = stride(from: trunk.startIndex, to: trunk.endIndex, by: 2).map { (trunk[$0], trunk[$0 + 1]) }
        (up1, up2, last) = (layers[layers.count - 3], layers[layers.count - 2], layers[layers.count - 1])
    }

    /// Loads a `cyclegan-generator/1` file. Throws `WeightsError` naming what does not fit, or is no finite number.
    package convenience init(_ file: WeightsFile, in context: ComputeContext = .default) throws {
        let description = try GeneratorDescription(file)
        try description.validate(file)
        try self.init(description, in: context) { key in try file.floats(key) }
        // Not needed, but a file with values that are no numbers comes from a training that went wrong.
        for layer in description.layers where layer.kind != .last { _ = try file.floats(layer.biasKey) }
    }
}

extension GeneratorDescription.Activation {
    /// f(x) = x above zero, slope * x below.
    package var slope: Float {
        switch self {
        case .relu: 0
        case .leakyReLU(let slope): slope
        }
    }
}
