import Tensors
import Weights

extension Trainer {
    /// Takes over the settings of the stage that the next iteration belongs to, where it is another than before or none
    /// was entered yet. Throws where the images that the style loss aims at cannot be read.
    func enterStage() throws {
        stage = configuration.stage(at: iteration)
        settings = configuration.settings(ofStage: stage)
        model.weights = settings.lossWeights
        model.largestGradientNorm = settings.gradientClip > 0 ? settings.gradientClip : nil
        // The discriminators compare images of one size.
        pools.keepOnly(side: settings.cropSize)
        guard settings.styleWeight > 0, let features = model.features else { return }
        // Rank 0's hold for all.
        model.style = try shared(StyleTargetsCache(directory: directory, context: model.context)) { cache in
            try cache.targets(
                stage: stage, fingerprint: styleFingerprint
            ) {
                notice("looking at \(StyleTargets.paintingCrops) crops of paintings")
                let first = stage == 0 ? 0 : configuration.stages[stage - 1].start * configuration.batch
                return try StyleTargets(
                    features: features, clusters: settings.styleClusters, roots: settings.styleRoots,
                    seed: settings.seed
                ) { number in
                    try data.load(first + number)
                }
            }
        }
        model.context.buffers.trim(above: 64 << 20)
    }

    /// Changes where the style loss' targets do.
    private var styleFingerprint: String {
        let c = settings
        return
            "\(data.fingerprint); seed \(c.seed), batch \(c.batch), crops \(c.cropSize) from \(c.loadSize) \(c.sizes) "
            + "\(c.photoSizes), "
            + "clusters \(c.styleClusters)\(c.styleRoots ? " of roots" : ""), features \(c.featureWeights ?? "")"
    }

    /// The style loss' weight falls linearly over the run.
    var styleWeight: Double {
        guard let end = settings.styleEndWeight, let total, total > 0 else { return settings.styleWeight }
        return settings.styleWeight + (end - settings.styleWeight) * Double(iteration) / Double(total)
    }
}

/// Gives G each image of a step with grain from another place of the field.
struct Grained {
    let deviation: Double
    var random: SeededGenerator

    /// Far apart, so that no two images of a run have the same grain.
    private static let places = 1 << 30

    mutating func apply(_ image: Tensor, _ tape: Tape) -> Tensor {
        guard deviation > 0 else { return image }
        let places = (0..<image.shape.n).map { _ in (row: random.below(Self.places), column: random.below(Self.places))
        }
        return tape.apply(Grain(deviation: Float(deviation), places: places), image)
    }
}
