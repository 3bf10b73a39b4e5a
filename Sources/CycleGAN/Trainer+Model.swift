import Foundation
import Networks
import Weights

extension Trainer {
    /// The generator's weights to be used: the moving average where one is kept.
    func generatorValues() -> [(name: String, shape: [Int], values: [Float])] {
        model.g.parameters.map { ($0.name, $0.fileShape, average?.values[$0.name] ?? $0.value.values) }
    }

    /// A generator that runs with the weights of this moment.
    func generator() -> ResNetGenerator {
        let values = Dictionary(uniqueKeysWithValues: generatorValues().map { ($0.name, $0.values) })
        return ResNetGenerator(settings.generator, in: model.context) { values[$0]! }
    }

    /// Writes the model, photo to painting, as `cyclegan-generator/1`; gives its path. Throws `WeightsError`.
    func writeModel() throws -> String {
        let path = directory + "/" + Self.modelName
        try Safetensors.write(path, tensors: generatorValues(), metadata: modelMetadata)
        return path
    }

    private var modelMetadata: [String: String] {
        let c = settings
        var metadata = c.generator.metadata
        metadata["style"] = c.style
        metadata["variant"] = c.variant.rawValue
        metadata["trained-on"] =
            c.trainedOn ?? "\(data.photos.names.count) photos and \(data.paintings.names.count) paintings, "
            + "crops of \(c.cropSize) from "
            + "\(c.sizes.isEmpty ? String(c.loadSize) : c.sizes.map(String.init).joined(separator: ", "))"
        metadata["iterations"] = String(iteration)
        var facts = ["cyclegan-style train", "batch \(c.batch)", "learning rate \(c.learningRate)", "seed \(c.seed)"]
        if model.features != nil { facts.append("semantic loss \(c.semanticWeight) at \(c.semanticLayer.rawValue)") }
        if c.styleWeight > 0 { facts.append("style loss \(c.styleWeight)\(c.styleRoots ? " of roots" : "")") }
        if c.featureAdversarialWeight > 0 { facts.append("discriminator on features \(c.featureAdversarialWeight)") }
        if c.colourWeight > 0 { facts.append("colour loss \(c.colourWeight)") }
        if c.spotWeight > 0 { facts.append("spot loss \(c.spotWeight)") }
        if c.contentWeight > 0 { facts.append("content loss \(c.contentWeight)") }
        if c.spikeWeight > 0 { facts.append("spike loss \(c.spikeWeight)") }
        if c.latticeWeight > 0 { facts.append("lattice loss \(c.latticeWeight)") }
        if c.ema > 0 { facts.append("moving average \(c.ema)") }
        if !c.augmentation.isEmpty {
            facts.append("DiffAugment " + c.augmentation.map(\.rawValue).sorted().joined(separator: ","))
        }
        if c.blurPool { facts.append("blur-pooled discriminators") }
        if c.spectralNormalization { facts.append("spectral normalisation") }
        if c.from != nil { facts.append("from an earlier model") }
        metadata["trained-with"] = facts.joined(separator: ", ")
        return metadata
    }
}
