import Ablation
import ArgumentParser
import CycleGAN
import Evaluation
import Foundation
import Networks
import Tensors
import Weights
import WeightsFetch

struct AblateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablate", abstract: "The paper's table: train its four variants alike, and compare them.",
        discussion: """
            Trains original, leaky-relu, semantic and hybrid with the same data, seeds, order and budget, seed by \
            seed, and \
            evaluates each on images that were kept aside. It can be interrupted at any time; the same command goes on \
            to \
            the same result. Writes report.html, table1.md and results.csv into the directory. See docs/evaluation.md.
            """)

    @Option(name: .customLong("run"), help: ArgumentHelp("The ablation's directory.", valueName: "dir"))
    var directory: String
    @Option(name: .long, help: ArgumentHelp("Folder of photos, with its subfolders.", valueName: "dir"))
    var photos: String?
    @Option(name: .long, help: ArgumentHelp("Folder of paintings.", valueName: "dir")) var paintings: String?
    @Option(name: .long, help: ArgumentHelp("Iterations of each run,", valueName: "n")) var iterations: Int?
    @Option(name: .long, help: ArgumentHelp("or minutes of the slowest, turned into iterations once.", valueName: "t"))
    var minutes: Double?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Seeds that each variant is trained with (3); more can be added to an ablation later.", valueName: "n"))
    var seeds: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The part of both folders that is kept aside for the evaluation, as 10% or 0.1.", valueName: "part"))
    var heldOut = "10%"

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Other settings from a file like a run's training.yaml; options go before them.", valueName: "file"))
    var config: String?
    @Option(name: .long, help: ArgumentHelp("Images are resized to squares of this side (286) ...", valueName: "px"))
    var loadSize: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "... of which random squares of this side are taken; the evaluation's pictures have it too (256).",
            valueName: "px"))
    var cropSize: String?
    @Option(name: .long, help: ArgumentHelp("Channels of the generators' first layer (64).", valueName: "n"))
    var baseChannels: String?
    @Option(name: .long, help: ArgumentHelp("Residual blocks of the generators (9).", valueName: "n"))
    var residualBlocks: String?
    @Option(name: .long, help: "transposed or resize (transposed).") var upsampling: String?
    @Option(name: .long, help: ArgumentHelp("Channels of the discriminators' first layer (64).", valueName: "n"))
    var discriminatorChannels: String?
    @Option(name: .long, help: ArgumentHelp("Iterations between checkpoints (500).", valueName: "n"))
    var checkpointEvery: String?

    @Option(
        name: .long, help: ArgumentHelp("VGG16's weights, for the semantic loss and for content.", valueName: "file"))
    var featureWeights: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Inception's weights, for FID; without them the distance is on VGG16's features.", valueName: "file"))
    var features: String?
    @Option(name: .long, help: "Dimensions of Inception: 2048, 768, 192 or 64 (as many as the weights have).")
    var dims: InceptionV3Layers.Tap?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A photo for figure 2 instead of those kept aside; may be given more than once.", valueName: "file"))
    var figurePhoto: [String] = []
    @Option(name: .long, help: "Threads (default: as many processors as we may use).") var threads: Int?
    @Flag(name: .long, help: "Print the results as JSON.") var json = false

    func validate() throws {
        if (photos == nil) != (paintings == nil) { throw ValidationError("--photos and --paintings go together.") }
        if let iterations, iterations < 1 { throw ValidationError("--iterations is from 1 on.") }
        if iterations != nil, minutes != nil { throw ValidationError("Of --iterations and --minutes give one only.") }
        if photos != nil, iterations == nil, minutes == nil {
            throw ValidationError("Give a budget: --iterations or --minutes.")
        }
        if photos == nil, iterations != nil || minutes != nil {
            throw ValidationError("A new ablation needs --photos and --paintings.")
        }
        if let minutes, !(minutes > 0 && minutes < 1e7) { throw ValidationError("--minutes is above 0.") }
        if let seeds, !(1...100).contains(seeds) { throw ValidationError("--seeds is from 1 to 100.") }
        if heldOutPart == nil { throw ValidationError("--held-out is a part, as 10% or 0.1, at most 50%.") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
    }

    func run() throws {
        try reporting {
            let context = ComputeContext.with(threads: threads)
            let bar = ProgressBar(), isTerminal = isatty(STDERR_FILENO) == 1
            let ablation = try Ablation(try plan(), directory: absolute(directory), in: context) { line in
                bar.clear()
                standardError(line)
            }
            if let seeds { try ablation.raise(seeds: seeds) }
            StopSignal.catchThem()
            let isDone = try ablation.run { progress in
                let line = Self.line(progress)
                if isTerminal {
                    bar.show(
                        line,
                        (Double(progress.runsDone) + Double(progress.done) / Double(max(1, progress.total)))
                            / Double(progress.runs))
                } else if progress.done % 50 == 0 || progress.done == progress.total {
                    standardError(line)
                }
                return !StopSignal.received
            }
            bar.clear()
            if !isDone {
                return print("stopped; the same command, or 'cyclegan-style ablate --run \(directory)', goes on")
            }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(ablation.table.results), as: UTF8.self))
            } else {
                print(ablation.table.markdown)
                print("\(directory)/report.html")
            }
        }
    }

    private static func line(_ p: Ablation.Progress) -> String {
        var text = "run \(min(p.runs, p.runsDone + 1))/\(p.runs), \(p.variant.rawValue), seed \(p.seed): "
        text += p.training == nil ? "evaluation \(p.done)/\(p.total)" : "\(p.done)\(p.total > 0 ? "/\(p.total)" : "")"
        if let seconds = p.training?.remainingSeconds { text += ", \(DurationText.text(seconds)) to go" }
        return text
    }

    /// A part of 1.
    private var heldOutPart: Double? {
        let isPercent = heldOut.hasSuffix("%")
        guard let value = Double(isPercent ? String(heldOut.dropLast()) : heldOut) else { return nil }
        let part = isPercent ? value / 100 : value
        return part > 0 && part <= 0.5 ? part : nil
    }

    /// Nil where none is given: the directory has it.
    private func plan() throws -> AblationPlan? {
        guard let photos, let paintings else { return nil }
        let vgg16 = featureWeights.map(absolute) ?? FeatureWeightsStore.available()
        guard let described = features.map(absolute) ?? InceptionWeightsStore.installed() ?? vgg16 else {
            throw EvaluationError(
                "there are no weights to describe images with: run 'cyclegan-style weights fetch inception' and "
                    + "'weights fetch vgg16', or where there is no network 'weights import FILE' (or --features FILE "
                    + "and --feature-weights FILE)")
        }
        var plan = AblationPlan(photos: absolute(photos), paintings: absolute(paintings), features: described)
        (plan.heldOut, plan.iterations, plan.minutes) = (heldOutPart!, iterations, minutes)
        if let seeds { plan.seeds = seeds }
        (plan.contentWeights, plan.dimensions, plan.figurePhotos) = (vgg16, dims?.rawValue, figurePhoto.map(absolute))
        if let config {
            let given = try TrainingConfiguration(contentsOf: config), usual = TrainingConfiguration()
            for key in TrainingConfiguration.keys
            where key.text(given) != key.text(usual) && !AblationPlan.ownKeys.contains(key.name) {
                plan.settings[key.name] = key.text(given)
            }
        }
        let options: [(String, String?)] = [
            ("load-size", loadSize), ("crop-size", cropSize), ("base-channels", baseChannels),
            ("residual-blocks", residualBlocks),
            ("upsampling", upsampling), ("discriminator-channels", discriminatorChannels),
            ("checkpoint-every", checkpointEvery),
            ("feature-weights", vgg16),
        ]
        for (key, text) in options { if let text { plan.settings[key] = text } }
        return plan
    }

    /// An ablation can be gone on with from any directory.
    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
