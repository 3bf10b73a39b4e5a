import Networks

/// Everything that decides what a run does; kept as `training.yaml` in its directory. Property and key have the same
/// name, the key with hyphens.
package struct TrainingConfiguration: Sendable, Equatable {
    // Data.
    /// Folders with photos, searched with their subfolders.
    package var photos = "", paintings = ""
    /// A file that fixes the data order, see `PairsFile`.
    package var pairs: String?
    /// Images are resized to a square of this side, whatever their aspect, ...
    package var loadSize = 286
    /// ... of which a random square of this side is taken.
    package var cropSize = 256
    /// Short sides to which paintings, and photos, are resized instead, aspect kept: one at random each time, never
    /// enlarging by more than a tenth. Empty for squares of `loadSize`.
    package var sizes: [Int] = [], photoSizes: [Int] = []
    /// Photos kept aside for the sample sheets; at most a fifth of all.
    package var heldOut = 4
    /// Older images, drawn instead of one of `photos` or `paintings` with the probability `replay`.
    package var replayPhotos: String?, replayPaintings: String?
    package var replay = 0.0

    // Networks.
    package var variant = Variant.hybrid
    /// Of the Leaky ReLU in the generators of `leaky-relu` and `hybrid`.
    package var leakySlope = 0.01
    package var baseChannels = 64, residualBlocks = 9
    package var upsampling = GeneratorDescription.Upsampling.transposed
    package var downsamplingPadding = GeneratorDescription.DownsamplingPadding.zero
    package var skip = GeneratorDescription.Skip.none
    package var discriminatorChannels = 64
    /// A warm start: a file with all four networks.
    package var initialState: String?
    /// A generator, or a training state, to go on from.
    package var from: String?

    // Length: one of the three.
    package var iterations: Int?, epochs: Int?, minutes: Double?

    // Optimisation.
    package var seed: UInt64 = 1
    package var batch = 1
    package var learningRate = 2e-4
    package var lambdaCycle = 10.0, lambdaIdentity = 0.5
    package var poolSize = 50
    package var semanticWeight = 1.0
    package var semanticLayer = VGG16.Tap.relu3_3
    package var semanticSquared = false
    package var featureWeights: String?

    // Beyond the paper; all off.
    /// Of the style loss, at the start and at the end of the run (nil: the same); falls linearly.
    package var styleWeight = 0.0
    package var styleEndWeight: Double?
    /// Clusters of paintings that the style loss aims at, at most.
    package var styleClusters = 12
    /// Of the adversarial loss of a discriminator on VGG16's features.
    package var featureAdversarialWeight = 0.0
    /// Deviation of the noise that G is given with an image, of [-1, 1].
    package var grain = 0.0
    package var styleRoots = false
    package var colourWeight = 0.0, spotWeight = 0.0, spikeWeight = 0.0, latticeWeight = 0.0, contentWeight = 0.0
    /// Iterations from one with identity losses to the next.
    package var identityEvery = 1
    /// What changes on the way.
    package var stages: [TrainingStage] = []
    /// Decay of the moving average of the generator's weights; 0 keeps none.
    package var ema = 0.0
    package var augmentation: Set<Augmentation.Policy> = []
    package var blurPool = false, spectralNormalization = false
    /// The largest norm of the generators' gradient, and of the discriminators'; 0 leaves them alone.
    package var gradientClip = 0.0
    package var alarm = false

    // Reports.
    /// Iterations between checkpoints, sample sheets, lines in a log.
    package var checkpointEvery = 500, sampleEvery = 500, logEvery = 50
    package var keepCheckpoints = 3
    /// A generator of the original CycleGAN, shown beside this run's.
    package var originalModel: String?
    /// What the model's file says about itself.
    package var style: String?, trainedOn: String?

    package init() {}

    package var generator: GeneratorDescription {
        let activation: GeneratorDescription.Activation =
            variant.activation == .relu ? .relu : .leakyReLU(slope: Float(leakySlope))
        return GeneratorDescription(
            baseChannels: baseChannels, residualBlocks: residualBlocks, activation: activation, upsampling: upsampling,
            downsamplingPadding: downsamplingPadding, skip: skip, grain: grain,
            workingSize: sizes.isEmpty ? nil : sizes.sorted()[sizes.count / 2])
    }

    package var lossWeights: LossWeights {
        var weights = LossWeights(
            cycle: lambdaCycle, identity: lambdaIdentity, semantic: variant.hasSemanticLoss ? semanticWeight : 0,
            squaredSemantic: semanticSquared)
        weights.style = styleWeight
        weights.colour = colourWeight
        (weights.spot, weights.spike, weights.lattice) = (spotWeight, spikeWeight, latticeWeight)
        (weights.featureAdversarial, weights.content) = (featureAdversarialWeight, contentWeight)
        return weights
    }

    /// Whether something of it, at any stage, compares features.
    var needsFeatures: Bool {
        variant.hasSemanticLoss && semanticWeight > 0 || needsStyleFeatures
    }

    /// Whether VGG16 is needed up to relu3_3.
    var needsStyleFeatures: Bool {
        allSettings.contains { $0.styleWeight > 0 || $0.featureAdversarialWeight > 0 || $0.contentWeight > 0 }
    }

    /// Whether there is a discriminator on features.
    var hasFeatureDiscriminator: Bool { allSettings.contains { $0.featureAdversarialWeight > 0 } }

    /// Throws where keys contradict one another, naming them.
    package func validate() throws {
        if photos.isEmpty || paintings.isEmpty {
            throw TrainingError("\(photos.isEmpty ? "photos" : "paintings") is not set; name a folder of images")
        }
        let lengths = [iterations != nil, epochs != nil, minutes != nil].filter { $0 }.count
        guard lengths == 1 else {
            throw TrainingError(
                lengths == 0
                    ? "none of iterations, epochs and minutes is set; set one"
                    : "of iterations, epochs and minutes set one only")
        }
        for settings in allSettings { try settings.validateCrops() }
        if pairs != nil, allSettings.contains(where: { !$0.sizes.isEmpty || !$0.photoSizes.isEmpty }) {
            throw TrainingError("pairs fixes crops of load-size; leave out pairs, or sizes and photo-sizes")
        }
        if replay > 0, replayPhotos == nil, replayPaintings == nil {
            throw TrainingError("replay is set, but neither replay-photos nor replay-paintings")
        }
        if initialState != nil, from != nil { throw TrainingError("of init and from set one only") }
        if needsFeatures, featureWeights == nil {
            throw TrainingError(
                "\(variant.rawValue) training with these settings needs VGG16's weights: run 'cyclegan-style weights "
                    + "fetch vgg16', or where there is no network "
                    + "'weights import FILE' (or --feature-weights FILE); without them, train --variant original or "
                    + "leaky-relu, "
                    + "without style-weight and feature-adversarial-weight")
        }
    }

    /// Throws where a batch cannot be dealt out evenly to so many ranks.
    package func validateBatch(ranks: Int) throws {
        guard batch % ranks == 0 else {
            throw TrainingError(
                "batch is \(batch), which is not a multiple of the \(ranks) ranks that mpirun started: each takes as "
                    + "many images of a batch as every other")
        }
    }

    private func validateCrops() throws {
        guard cropSize % 4 == 0 else { throw TrainingError("crop-size is \(cropSize), which is not a multiple of 4") }
        guard cropSize <= loadSize || !sizes.isEmpty && !photoSizes.isEmpty else {
            throw TrainingError("crop-size \(cropSize) is larger than load-size \(loadSize)")
        }
        for (key, list) in [("sizes", sizes), ("photo-sizes", photoSizes)] {
            if let small = list.first(where: { $0 < cropSize }) {
                throw TrainingError("\(key) has \(small), which is smaller than crop-size \(cropSize)")
            }
        }
        if latticeWeight > 0, cropSize < 64 { throw TrainingError("lattice-weight needs a crop-size of 64 or more") }
    }
}
