import Networks
import Weights

/// Everything that decides what a run does; kept as `training.yaml` in its directory. Property and key have the same name,
/// the key with hyphens.
public struct TrainingConfiguration: Sendable, Equatable {
    // Data.
    /// Folders with JPEG and PNG files, searched with their subfolders.
    public var photos = "", paintings = ""
    /// A file that fixes the data order, see `PairsFile`.
    public var pairs: String?
    /// Images are resized to a square of this side, whatever their aspect, ...
    public var loadSize = 286
    /// ... of which a random square of this side is taken.
    public var cropSize = 256
    /// Photos kept aside for the sample sheets; at most a fifth of all.
    public var heldOut = 4
    /// Older images, drawn instead of one of `photos` or `paintings` with the probability `replay`.
    public var replayPhotos: String?, replayPaintings: String?
    public var replay = 0.0

    // Networks.
    public var variant = Variant.hybrid
    /// Of the Leaky ReLU in the generators of `leaky-relu` and `hybrid`.
    public var leakySlope = 0.01
    public var baseChannels = 64, residualBlocks = 9
    public var upsampling = GeneratorDescription.Upsampling.transposed
    public var discriminatorChannels = 64
    /// A warm start: a file with all four networks.
    public var initialState: String?
    /// A generator, or a training state, to go on from.
    public var from: String?

    // Length: one of the three.
    public var iterations: Int?, epochs: Int?, minutes: Double?

    // Optimisation.
    public var seed: UInt64 = 1
    public var batch = 1
    public var learningRate = 2e-4
    public var lambdaCycle = 10.0, lambdaIdentity = 0.5
    public var poolSize = 50
    public var semanticWeight = 1.0
    public var semanticLayer = VGG16.Tap.relu3_3
    public var semanticSquared = false
    public var featureWeights: String?

    // Beyond the paper; all off.
    /// Decay of the moving average of the generator's weights; 0 keeps none.
    public var ema = 0.0
    public var augmentation: Set<Augmentation.Policy> = []
    public var blurPool = false, spectralNormalization = false
    /// The largest norm of the generators' gradient, and of the discriminators'; 0 leaves them alone.
    public var gradientClip = 0.0
    public var alarm = false

    // Reports.
    /// Iterations between checkpoints, sample sheets, lines in a log.
    public var checkpointEvery = 500, sampleEvery = 500, logEvery = 50
    public var keepCheckpoints = 3
    /// A generator of the original CycleGAN, shown beside this run's.
    public var originalModel: String?
    /// What the model's file says about itself.
    public var style: String?, trainedOn: String?

    public init() {}

    public var generator: GeneratorDescription {
        let activation: GeneratorDescription.Activation =
            variant.activation == .relu ? .relu : .leakyReLU(slope: Float(leakySlope))
        return GeneratorDescription(
            baseChannels: baseChannels, residualBlocks: residualBlocks, activation: activation, upsampling: upsampling)
    }

    public var lossWeights: LossWeights {
        LossWeights(cycle: lambdaCycle, identity: lambdaIdentity, semantic: semanticWeight, squaredSemantic: semanticSquared)
    }

    /// Throws where keys contradict one another, naming them.
    public func validate() throws {
        if photos.isEmpty || paintings.isEmpty {
            throw TrainingError("\(photos.isEmpty ? "photos" : "paintings") is not set; name a folder of images")
        }
        let lengths = [iterations != nil, epochs != nil, minutes != nil].filter { $0 }.count
        guard lengths == 1 else {
            throw TrainingError(
                lengths == 0 ? "none of iterations, epochs and minutes is set; set one" : "of iterations, epochs and minutes set one only")
        }
        guard cropSize % 4 == 0 else { throw TrainingError("crop-size is \(cropSize), which is not a multiple of 4") }
        guard cropSize <= loadSize else {
            throw TrainingError("crop-size \(cropSize) is larger than load-size \(loadSize)")
        }
        if replay > 0, replayPhotos == nil, replayPaintings == nil {
            throw TrainingError("replay is set, but neither replay-photos nor replay-paintings")
        }
        if initialState != nil, from != nil { throw TrainingError("of init and from set one only") }
        if variant.hasSemanticLoss, semanticWeight > 0, featureWeights == nil {
            throw TrainingError(
                "\(variant.rawValue) training needs VGG16's weights: run 'cyclegan-style weights fetch vgg16', or where there is no network "
                    + "'weights import FILE' (or --feature-weights FILE); without them, train --variant original or leaky-relu")
        }
    }
}
