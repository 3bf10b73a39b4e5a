import Foundation
import Networks
import Tensors
import Weights

/// Makes the networks that a configuration asks for, with their first values.
struct TrainerNetworks {
    let configuration: TrainingConfiguration
    private let context: ComputeContext
    /// Where values come from instead of chance: a file and, network by network, the prefix of its keys there.
    private let source: WeightsFile?
    private let prefixes: [String: String]

    /// A checkpoint will give all values.
    private let restored: Bool

    init(_ c: TrainingConfiguration, restored: Bool, in context: ComputeContext) throws {
        (configuration, self.restored, self.context) = (c, restored, context)
        // What a run started from is in its checkpoints; the file may be gone.
        guard !restored, let path = c.initialState ?? c.from else {
            (source, prefixes) = (nil, [:])
            return
        }
        let file = try WeightsFile.read(path)
        source = file
        let isState = file.tensors.keys.contains { $0.hasPrefix("G.model.") }
        guard c.initialState == nil || isState else {
            throw TrainingError(
                "\(path) has not the four networks of a training state (G., F., DX., DY.); to go on from one "
                    + "generator, finetune --from it"
            )
        }
        if c.initialState != nil || isState {
            // A discriminator on features may be new.
            let names = ["G", "F", "DX", "DY"] + (file.tensors.keys.contains { $0.hasPrefix("DV.") } ? ["DV"] : [])
            prefixes = Dictionary(uniqueKeysWithValues: names.map { ($0, $0 + ".") })
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

    private func initial(_ network: String) -> (String, [Int]) -> [Float] {
        { key, shape in
            if restored || prefixes[network] != nil { return [Float](repeating: 0, count: shape.reduce(1, *)) }
            return Initialization.values(seed: configuration.seed, network: network, key: key, shape: shape)
        }
    }

    private func discriminator(_ name: String) -> any Discriminator {
        let c = configuration
        if c.blurPool || c.spectralNormalization {
            return StabilizedDiscriminator(
                channels: c.discriminatorChannels, antialiased: c.blurPool, spectral: c.spectralNormalization,
                in: context, initial: initial(name))
        }
        return PatchDiscriminator(channels: c.discriminatorChannels, in: context, initial: initial(name))
    }

    func model() throws -> CycleGANModel {
        let c = configuration
        var features: VGG16?
        if c.needsFeatures, let path = c.featureWeights {
            let file = try WeightsFile.read(path)
            try VGG16Layers.validate(file)
            let taps = [c.semanticLayer] + (c.needsStyleFeatures ? StyleTargets.taps : [])
            features = try VGG16(file, tap: VGG16.Tap.allCases.last { taps.contains($0) }!, in: context)
        }
        let dv =
            c.hasFeatureDiscriminator && features != nil
            ? FeatureDiscriminator(
                channels: FeatureDiscriminator.taps.map(features!.channels), width: c.discriminatorChannels,
                in: context, initial: initial("DV")) : nil
        let model = CycleGANModel(
            g: TrainableGenerator(c.generator, in: context, initial: initial("G")),
            f: TrainableGenerator(c.generator, in: context, initial: initial("F")),
            dx: discriminator("DX"), dy: discriminator("DY"), dv: dv, features: features, semanticTap: c.semanticLayer,
            weights: c.lossWeights)
        if let source {
            for (name, network) in model.networks {
                guard let prefix = prefixes[name] else { continue }
                for p in network.parameters { p.value.fill(try source.floats(prefix + p.name, shape: p.fileShape)) }
            }
        }
        model.largestGradientNorm = c.gradientClip > 0 ? c.gradientClip : nil
        return model
    }

    /// A model's file, or a state dict of the original project.
    static func originalModel(_ path: String, in context: ComputeContext) throws -> ResNetGenerator {
        let file = try WeightsFile.read(path)
        if file.metadata["format"] != nil { return try ResNetGenerator(file, in: context) }
        let imported = try GeneratorImport(file)
        let values = Dictionary(uniqueKeysWithValues: imported.tensors.map { ($0.name, $0.values) })
        return ResNetGenerator(imported.description, in: context) { values[$0]! }
    }

    /// The mean of the features' values at a tap over the first photos of a run: features divided by it weigh the same,
    /// whichever network gave them.
    static func featureScale(_ features: VGG16, _ tap: VGG16.Tap, _ data: TrainingData) throws -> Double {
        let photos = 8
        let means = try (0..<photos).map { number -> Double in
            let x = try data.load(number).x
            let values = features(x, at: [tap], Tape())[0]
            let zero = Tensor.zeros(values.shape, in: values.context)
            // Features are activations, none below zero: their mean is their mean distance from 0.
            let mean = Tape().apply(L1Loss(), values, zero)
            return Double(mean.pointer[0])
        }
        let mean = means.reduce(0, +) / Double(photos)
        guard mean > 0, mean.isFinite else {
            throw TrainingError("the feature network answers 0 to every photo; its weights are not VGG16's")
        }
        return mean
    }
}
