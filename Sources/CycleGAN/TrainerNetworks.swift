import Foundation
import Networks
import Tensors
import Weights

/// Makes the networks that a configuration asks for, with their first values.
struct TrainerNetworks {
    let configuration: TrainingConfiguration
    /// Where values come from instead of chance: a file and, network by network, the prefix of its keys there.
    private let source: WeightsFile?
    private let prefixes: [String: String]

    /// Zeros in place of values that a checkpoint will give.
    private let restored: Bool

    init(_ c: TrainingConfiguration, restored: Bool) throws {
        (configuration, self.restored) = (c, restored)
        // What a run started from is in its checkpoints; the file may be gone.
        guard !restored, let path = c.initialState ?? c.from else {
            (source, prefixes) = (nil, [:])
            return
        }
        let file = path.hasSuffix(".pth") ? try PyTorchCheckpoint.read(path) : try Safetensors.read(path)
        source = file
        let isState = file.tensors.keys.contains { $0.hasPrefix("G.model.") }
        if c.initialState != nil || isState {
            prefixes = Dictionary(uniqueKeysWithValues: ["G", "F", "DX", "DY"].map { ($0, $0 + ".") })
        } else {
            // One generator: the others start by chance.
            prefixes = ["G": ""]
        }
        if let activation = file.metadata["activation"], activation != c.generator.activation.text {
            throw TrainingError(
                "\(path) was trained with the activation \(activation), variant \(c.variant.rawValue) has "
                    + "\(c.generator.activation.text); choose another variant")
        }
    }

    private func initial(_ network: String) -> (String, [Int]) throws -> [Float] {
        { key, shape in
            if restored { return [Float](repeating: 0, count: shape.reduce(1, *)) }
            if let source, let prefix = prefixes[network] { return try source.floats(prefix + key, shape: shape) }
            return Initialization.values(seed: configuration.seed, network: network, key: key, shape: shape)
        }
    }

    private func discriminator(_ name: String) throws -> any Discriminator {
        let c = configuration
        if c.blurPool || c.spectralNormalization {
            return try StabilizedDiscriminator(
                channels: c.discriminatorChannels, antialiased: c.blurPool, spectral: c.spectralNormalization, initial: initial(name))
        }
        return try PatchDiscriminator(channels: c.discriminatorChannels, initial: initial(name))
    }

    func model() throws -> CycleGANModel {
        let c = configuration
        var features: VGG16?
        if c.variant.hasSemanticLoss, c.semanticWeight > 0, let path = c.featureWeights {
            let file = path.hasSuffix(".pth") ? try PyTorchCheckpoint.read(path) : try Safetensors.read(path)
            features = try VGG16(file, tap: c.semanticLayer)
        }
        let model = CycleGANModel(
            g: try TrainableGenerator(c.generator, initial: initial("G")), f: try TrainableGenerator(c.generator, initial: initial("F")),
            dx: try discriminator("DX"), dy: try discriminator("DY"), features: features, weights: c.lossWeights)
        model.largestGradientNorm = c.gradientClip > 0 ? c.gradientClip : nil
        return model
    }

    /// The mean of the features' values over the first photos of a run: features divided by it weigh the same, whichever
    /// network gave them.
    static func featureScale(_ features: VGG16, _ data: TrainingData) throws -> Double {
        let photos = 8
        let means = try (0..<photos).map { number -> Double in
            let x = try data.load(data.pair(number)).x
            let values = features(x, Tape())
            let zero = Tensor.zeros(values.shape)
            // Features are activations, none below zero: their mean is their mean distance from 0.
            let mean = Tape().apply(L1Loss(), values, zero)
            return Double(mean.pointer[0])
        }
        let mean = means.reduce(0, +) / Double(photos)
        guard mean > 0, mean.isFinite else { throw TrainingError("the feature network answers 0 to every photo; its weights are not VGG16's") }
        return mean
    }
}
