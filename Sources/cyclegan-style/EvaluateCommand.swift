import Ablation
import ArgumentParser
import CycleGAN
import Evaluation
import Foundation
import Networks
import Photos
import Tensors
import Weights
import WeightsFetch

extension InceptionV3Layers.Tap: ExpressibleByArgument {}
extension InceptionMode: ExpressibleByArgument {}

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "How good are pictures? FID, KID and content, as published.",
        discussion: """
            Compares two folders of images, or makes a model's pictures of photos in memory and compares those. \
            Without \
            Inception's weights the distances are on VGG16's features, and are called so. See docs/evaluation.md.
            """)

    @Option(name: .long, help: ArgumentHelp("The pictures to judge, with subfolders.", valueName: "dir"))
    var generated: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Or: a model's name or file, or a training checkpoint, whose pictures are made of --photos.",
            valueName: "model"))
    var style: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The photos that --style makes pictures of, or that those of --generated were made of: 'beach.vangogh.png' "
                + "is of 'beach.jpg'. With them content is measured.",
            valueName: "dir"))
    var photos: String?
    @Option(name: .long, help: ArgumentHelp("The images they are compared with: paintings.", valueName: "dir"))
    var reference: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Weights of Inception (pytorch-fid's .pth, or safetensors with its keys) or of VGG16, instead of those "
                + "that 'weights' manages.",
            valueName: "file"))
    var features: String?
    @Option(name: .long, help: "Dimensions of Inception: 2048, 768, 192 or 64 (as many as the weights have).")
    var dims: InceptionV3Layers.Tap?
    @Option(name: .long, help: "How images become the network's input: pytorch-fid, or clean for clean-fid's way.")
    var mode = InceptionMode.pytorchFID
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Compare crops of 256 pixels of all images, made so large on the short side: brush strokes.",
            valueName: "px"))
    var scale: Int?
    @Option(name: .long, help: ArgumentHelp("Crops of each image.", valueName: "n")) var crops = 4
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Make all images squares of this side first (with --style 256; else as they are).", valueName: "px"))
    var size: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --style: the generator from picture back to photo, if a checkpoint does not have it.",
            valueName: "model"))
    var back: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "VGG16's weights for the content distance, instead of those that 'weights' manages.", valueName: "file"))
    var featureWeights: String?
    @Option(name: .long, help: ArgumentHelp("Sets drawn for the interval.", valueName: "n")) var bootstrap = 1000
    @Option(name: .long, help: "Seed of crops, sets and subsets.") var seed: UInt64 = 1
    @Option(name: .long, help: "Threads (default: as many processors as we may use).") var threads: Int?
    @Flag(name: .long, help: "Print JSON.") var json = false

    func validate() throws {
        if (generated == nil) == (style == nil) {
            throw ValidationError("Give --generated DIR, or --style MODEL with --photos DIR.")
        }
        if style != nil, photos == nil { throw ValidationError("--style needs --photos DIR.") }
        if style == nil, back != nil { throw ValidationError("--back is for --style.") }
        if let scale, !(Framing.cropSide...16_384).contains(scale) {
            throw ValidationError("--scale is from \(Framing.cropSide) to 16384.")
        }
        if scale != nil, size != nil { throw ValidationError("Of --scale and --size give one only.") }
        if !(1...100).contains(crops) { throw ValidationError("--crops is from 1 to 100.") }
        if let size, !(8...4096).contains(size) { throw ValidationError("--size is from 8 to 4096.") }
        if !(10...100_000).contains(bootstrap) { throw ValidationError("--bootstrap is from 10 to 100000.") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
    }

    func run() throws {
        try reporting {
            let context = ComputeContext.with(threads: threads), network = try featureNetwork(context)
            // What cannot be compared is said before minutes of work.
            let (left, right) = (try ImageFolder(generated ?? photos!), try ImageFolder(reference))
            for folder in left.unreadable + right.unreadable { standardError("skipped: \(folder)") }
            let content = photos == nil ? nil : try contentDistance(context)
            let evaluator = Evaluator(features: network.extractor, content: content, framing: framing, seed: seed)
            let bar = EvaluationProgress()
            evaluator.unreadable = { bar.say($0) }
            defer { bar.clear() }
            func pictures() throws -> Evaluator.Pictures {
                guard let style else { return try picturesThere(left, evaluator, bar.say) }
                let (generator, inverse) = try TrainedGenerators.read(try Self.file(style), in: context)
                let given = try back.map { try TrainedGenerators.read(try Self.file($0), in: context).generator }
                return try evaluator.pictures(
                    of: left, PictureMaker(generator, back: given ?? inverse, .translation))
            }
            evaluator.progress = { bar.show("pictures", $0, $1) }
            let made = try pictures()
            evaluator.progress = { bar.show("reference", $0, $1) }
            let references = try evaluator.features(of: StoredPixels(right), reference)
            // Of thousands of images at 2048 dimensions this takes minutes.
            bar.computing()
            let distances = try evaluator.distances(made.side.features, references.features, sets: bootstrap)
            bar.clear()
            var report = EvaluationReport(
                network: network, generated: .init(path: generated ?? "\(style!) of \(photos!)", side: made.side),
                reference: .init(path: reference, side: references), distances: distances)
            report.add(content: made.content, reconstruction: made.reconstruction)
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(report), as: UTF8.self))
            } else {
                for line in report.lines { print(line) }
            }
        }
    }

    /// Those of `--generated`, and how far each is from its photo where `--photos` are given.
    private func picturesThere(
        _ folder: ImageFolder, _ evaluator: Evaluator, _ say: (String) -> Void
    ) throws -> Evaluator.Pictures {
        guard let photos else {
            return Evaluator.Pictures(side: try evaluator.features(of: StoredPixels(folder), generated!))
        }
        let originals = try ImageFolder(photos), pairs = PicturePairs(photos: originals.names)
        guard folder.names.contains(where: { pairs.photo(of: $0) != nil }) else {
            throw EvaluationError(
                "no picture in \(generated!) has the name of a photo in \(photos); 'beach.png' and 'beach.vangogh.png' "
                    + "are of 'beach.jpg', in the same subfolder")
        }
        return try evaluator.pictures(StoredPixels(folder), generated!) { index in
            guard let number = pairs.photo(of: folder.names[index]) else {
                say("\(folder.name(index)): no photo in \(photos) has its name; its content is not measured")
                return nil
            }
            do { return try originals.photo(number) } catch let error as PhotoError {
                say("\(folder.name(index)): its photo \(originals.name(number)) cannot be read: \(error)")
                return nil
            }
        }
    }

    /// A model by its name or file, or a training's checkpoint.
    private static func file(_ style: String) throws -> String {
        try Styles.store().file(for: Styles.checkpointOrModel(style)).description
    }

    private var framing: Framing {
        if let scale { return .crops(shortSide: scale, count: crops) }
        return size.map { .square($0) } ?? (style == nil ? .whole : .square(256))
    }

    private func featureNetwork(_ context: ComputeContext) throws -> FeatureNetwork {
        guard
            let path = features ?? InceptionWeightsStore.installed()
                ?? (dims == nil ? FeatureWeightsStore.available() : nil)
        else {
            throw EvaluationError(
                "there are no weights to describe images with\(dims == nil ? "" : " by Inception"): run "
                    + "'cyclegan-style weights fetch inception', or where there is no network 'weights import FILE' "
                    + "(or --features FILE)")
        }
        return try FeatureNetwork(path, dimensions: dims, mode: mode, in: context)
    }

    private func contentDistance(_ context: ComputeContext) throws -> ContentDistance? {
        guard let path = featureWeights ?? FeatureWeightsStore.available() else {
            standardError(
                "without VGG16's weights content is not measured; 'cyclegan-style weights fetch vgg16' downloads them")
            return nil
        }
        return try ContentDistance(WeightsFile.read(path), in: context)
    }
}

/// A bar on a terminal; elsewhere a line now and then.
private final class EvaluationProgress {
    private let bar = ProgressBar()
    private let isTerminal = isatty(STDERR_FILENO) == 1

    /// Always true: it goes on.
    func show(_ what: String, _ done: Int, _ total: Int) -> Bool {
        if isTerminal {
            bar.show("\(what) \(done)/\(total)", Double(done) / Double(max(1, total)))
        } else if done % 500 == 0 || done == total {
            standardError("\(what) \(done)/\(total)")
        }
        return true
    }

    func computing() { bar.show("distances", 0) }

    func say(_ line: String) {
        bar.clear()
        standardError(line)
    }

    func clear() { bar.clear() }
}
