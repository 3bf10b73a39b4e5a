import ArgumentParser
import CycleGAN

extension Recipe: ExpressibleByArgument {}

/// The settings of a run that `train` and `finetune` share; each is a key of training.yaml too.
struct TrainOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("Folder of photos, with its subfolders.", valueName: "dir"),
        completion: .directory) var photos: String?
    @Option(name: .long, help: ArgumentHelp("Folder of paintings.", valueName: "dir"), completion: .directory)
    var paintings: String?
    @Option(
        name: .long, help: ArgumentHelp("A fixed data order, one pair a line (docs/training.md).", valueName: "file"))
    var pairs: String?
    @Option(name: .long, help: ArgumentHelp("Images are resized to squares of this side (286) ...", valueName: "px"))
    var loadSize: String?
    @Option(
        name: .long, help: ArgumentHelp("... of which random squares of this side are taken (256).", valueName: "px"))
    var cropSize: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Instead: short sides of paintings, one at random each time, aspect kept.", valueName: "px,px,..."))
    var sizes: String?
    @Option(name: .long, help: ArgumentHelp("The same for photos.", valueName: "px,px,...")) var photoSizes: String?
    @Option(name: .long, help: ArgumentHelp("Photos kept aside for the sample sheets (4).", valueName: "n"))
    var heldOut: String?
    @Option(name: .long, help: ArgumentHelp("Older photos to mix in.", valueName: "dir")) var replayPhotos: String?
    @Option(name: .long, help: ArgumentHelp("Older paintings to mix in.", valueName: "dir")) var replayPaintings:
        String?
    @Option(name: .long, help: ArgumentHelp("How often an older image is taken, 0 to 1 (0).", valueName: "p"))
    var replay: String?

    @Option(name: .long, help: "original, leaky-relu, semantic or hybrid (hybrid).", completion: .variants) var variant:
        String?
    @Option(name: .long, help: ArgumentHelp("Slope of the Leaky ReLU (0.01).", valueName: "slope")) var leakySlope:
        String?
    @Option(name: .long, help: ArgumentHelp("Channels of the generators' first layer (64).", valueName: "n"))
    var baseChannels: String?
    @Option(name: .long, help: ArgumentHelp("Residual blocks of the generators (9).", valueName: "n"))
    var residualBlocks: String?
    @Option(
        name: .long, help: "transposed; resize makes no checkerboard; bilinear makes no lattice either (transposed).")
    var upsampling: String?
    @Option(
        name: .long, help: "Of the layers of stride 2: zero, or reflection, which makes no stripe at the border (zero)."
    ) var downsamplingPadding: String?
    @Option(
        name: .long, help: "Added to the generators' output: none, or colours, which keeps the photo's hues (none).")
    var skip: String?
    @Option(name: .long, help: ArgumentHelp("Channels of the discriminators' first layer (64).", valueName: "n"))
    var discriminatorChannels: String?
    @Option(
        name: .customLong("init"),
        help: ArgumentHelp("Start from the four networks of a training state.", valueName: "file"))
    var initialState: String?

    @Option(name: .long, help: ArgumentHelp("Length of the run in iterations,", valueName: "n")) var iterations: String?
    @Option(name: .long, help: ArgumentHelp("or in passes over the larger folder,", valueName: "n")) var epochs: String?
    @Option(
        name: .long, help: ArgumentHelp("or in minutes on this machine, turned into iterations once.", valueName: "t"))
    var minutes: String?

    @Option(name: .long, help: ArgumentHelp("Seed of all that is random (1).", valueName: "n")) var seed: String?
    @Option(name: .long, help: ArgumentHelp("Pairs an iteration (1).", valueName: "n")) var batch: String?
    @Option(name: .long, help: ArgumentHelp("Learning rate of both optimizers (0.0002).", valueName: "rate"))
    var learningRate: String?
    @Option(name: .long, help: ArgumentHelp("Weight of the cycle loss (10).", valueName: "w")) var lambdaCycle: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Weight of the identity loss, as a part of the cycle loss' (0.5).", valueName: "w"))
    var lambdaIdentity: String?
    @Option(name: .long, help: ArgumentHelp("Images in each pool; 0 for none (50).", valueName: "n")) var poolSize:
        String?
    @Option(name: .long, help: ArgumentHelp("Weight of the semantic loss (1).", valueName: "w")) var semanticWeight:
        String?
    @Option(name: .long, help: "Where it takes features: relu1_2, relu2_2, relu3_3 or relu4_3 (relu3_3).")
    var semanticLayer: String?
    @Flag(name: .long, help: "Squared instead of absolute differences of features.") var semanticSquared = false
    @Option(
        name: .long, help: ArgumentHelp("VGG16's weights, instead of those that 'weights' manages.", valueName: "file"))
    var featureWeights: String?

    @Option(
        name: .long,
        help: "Start from a recipe: painterly sets what makes brush strokes (docs/training.md). Options beside it win."
    ) var recipe: Recipe?
    @Option(name: .long, help: ArgumentHelp("Weight of the style loss (0), ...", valueName: "w")) var styleWeight:
        String?
    @Option(name: .long, help: ArgumentHelp("... falling to this at the end of the run.", valueName: "w"))
    var styleEndWeight: String?
    @Option(name: .long, help: ArgumentHelp("Clusters of paintings that it aims at (12).", valueName: "n"))
    var styleClusters: String?
    @Option(name: .long, help: ArgumentHelp("Weight of a discriminator on VGG16's features (0).", valueName: "w"))
    var featureAdversarialWeight: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Noise that strokes are made of where the photo is flat, as 0.05 (0).", valueName: "deviation")) var grain:
        String?
    @Option(
        name: .long,
        help: ArgumentHelp("Weight of the distance of 16x16 blocks' colours from the photo's (0).", valueName: "w"))
    var colourWeight: String?
    @Flag(name: .long, help: "The style loss looks at the roots of features: spots do not count for strokes.")
    var styleRoots = false
    @Option(name: .long, help: ArgumentHelp("Weight of spots far from the photo's colour (0).", valueName: "w"))
    var spotWeight: String?
    @Option(name: .long, help: ArgumentHelp("Weight of what makes dark drops in pictures (0).", valueName: "w"))
    var spikeWeight: String?
    @Option(name: .long, help: ArgumentHelp("Weight of what repeats every 4 or 8 pixels (0).", valueName: "w"))
    var latticeWeight: String?
    @Option(
        name: .long, help: ArgumentHelp("Weight of how far pictures' content is from the photo's (0).", valueName: "w"))
    var contentWeight: String?
    @Option(name: .long, help: ArgumentHelp("Identity losses every n-th iteration (1).", valueName: "n"))
    var identityEvery: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Settings that change on the way: \"800 sizes=480,640 grain=0.05; 2000 style-weight=2\".", valueName: "list"
        )) var stages: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Decay of a moving average of the generator, as 0.999; 0 for none (0).", valueName: "decay"))
    var ema: String?
    @Option(
        name: .long,
        help: ArgumentHelp("DiffAugment, for small sets: some of color,translation,cutout (none).", valueName: "list"))
    var diffAugment: String?
    @Flag(name: .long, help: "Strides without aliasing in the discriminators.") var blurPool = false
    @Flag(name: .long, help: "Spectral normalisation of the discriminators.") var spectralNormalization = false
    @Option(name: .long, help: ArgumentHelp("Largest norm of the gradients; 0 for any (0).", valueName: "norm"))
    var gradientClip: String?
    @Flag(name: .long, help: "Warn of inverted colours and of collapse.") var alarm = false

    @Option(name: .long, help: ArgumentHelp("Iterations between checkpoints (500).", valueName: "n"))
    var checkpointEvery: String?
    @Option(name: .long, help: ArgumentHelp("Checkpoints that are kept (3).", valueName: "n")) var keepCheckpoints:
        String?
    @Option(name: .long, help: ArgumentHelp("Iterations between sample sheets (500).", valueName: "n")) var sampleEvery:
        String?
    @Option(name: .long, help: ArgumentHelp("Iterations between lines in a log (50).", valueName: "n")) var logEvery:
        String?
    @Option(
        name: .long,
        help: ArgumentHelp("A generator of the original CycleGAN, for the sample sheets.", valueName: "file"))
    var originalModel: String?
    @Option(name: .long, help: ArgumentHelp("The style's name, for the model's file.", valueName: "name")) var style:
        String?
    @Option(name: .long, help: ArgumentHelp("What it is trained on, for the model's file.", valueName: "text"))
    var trainedOn: String?

    /// Keys whose texts are paths.
    static let paths: Set = [
        "photos", "paintings", "pairs", "replay-photos", "replay-paintings", "init", "feature-weights",
        "original-model",
    ]

    /// Key and text of what was given.
    var given: [(key: String, text: String)] {
        let texts: [(String, String?)] = [
            ("photos", photos), ("paintings", paintings), ("pairs", pairs), ("load-size", loadSize),
            ("crop-size", cropSize),
            ("sizes", sizes), ("photo-sizes", photoSizes),
            ("held-out", heldOut), ("replay-photos", replayPhotos), ("replay-paintings", replayPaintings),
            ("replay", replay),
            ("variant", variant), ("leaky-slope", leakySlope), ("base-channels", baseChannels),
            ("residual-blocks", residualBlocks),
            ("upsampling", upsampling), ("downsampling-padding", downsamplingPadding), ("skip", skip),
            ("discriminator-channels", discriminatorChannels), ("init", initialState),
            ("iterations", iterations), ("epochs", epochs), ("minutes", minutes), ("seed", seed), ("batch", batch),
            ("learning-rate", learningRate), ("lambda-cycle", lambdaCycle), ("lambda-identity", lambdaIdentity),
            ("pool-size", poolSize), ("semantic-weight", semanticWeight), ("semantic-layer", semanticLayer),
            ("semantic-squared", semanticSquared ? "true" : nil), ("feature-weights", featureWeights),
            ("style-weight", styleWeight), ("style-end-weight", styleEndWeight), ("style-clusters", styleClusters),
            ("feature-adversarial-weight", featureAdversarialWeight), ("grain", grain), ("colour-weight", colourWeight),
            ("style-roots", styleRoots ? "true" : nil), ("spot-weight", spotWeight), ("spike-weight", spikeWeight),
            ("lattice-weight", latticeWeight), ("content-weight", contentWeight), ("identity-every", identityEvery),
            ("stages", stages), ("ema", ema),
            ("diff-augment", diffAugment), ("blur-pool", blurPool ? "true" : nil),
            ("spectral-normalization", spectralNormalization ? "true" : nil), ("gradient-clip", gradientClip),
            ("alarm", alarm ? "true" : nil), ("checkpoint-every", checkpointEvery),
            ("keep-checkpoints", keepCheckpoints),
            ("sample-every", sampleEvery), ("log-every", logEvery), ("original-model", originalModel), ("style", style),
            ("trained-on", trainedOn),
        ]
        let settings = texts.compactMap { key, text in text.map { (key, $0) } }
        return (recipe?.settings ?? []) + settings
    }

    /// Wrong texts are errors of usage.
    func validate() throws {
        var configuration = TrainingConfiguration()
        do { for (key, text) in given { try configuration.set(key, text) } } catch {
            throw ValidationError("--\(error)")
        }
    }
}

/// Where and how a run is made, beside its settings.
struct RunOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The run's directory: configuration, checkpoints, samples, report, model.", valueName: "dir"),
        completion: .directory)
    var run: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Take settings from a file like a run's training.yaml; options go before them.", valueName: "file"))
    var config: String?
    @Flag(name: .long, help: "Go on with the run in the directory, from its last checkpoint.") var resume = false
    @Option(name: .long, help: "Threads (default: as many processors as we may use).") var threads: Int?

    func validate() throws {
        if resume, config != nil {
            throw ValidationError("With --resume the settings come from the run's directory, not from --config.")
        }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
    }
}
