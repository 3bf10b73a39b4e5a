import ArgumentParser
import CycleGAN
import Foundation
import MPIRanks
import Networks
import Ranks
import ServiceControl
import Synchronization
import Tensors
import Weights
import WeightsFetch

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on a folder of photos and a folder of paintings.",
        discussion: """
            A run has a directory. It can be interrupted at any time; --resume goes on from the last checkpoint to the \
            same result. \
            In parentheses: the values where an option is not given.
            """)

    @OptionGroup var place: RunOptions
    @OptionGroup(title: "Settings") var options: TrainOptions

    func run() throws { try TrainSession(place).train(options.given, from: nil) }
}

struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune", abstract: "Train on from an existing model.",
        discussion:
            "The networks have the model's size. A model's file holds one generator: the other networks start anew, "
            + "unless MODEL is a checkpoint."
    )

    @Option(
        name: .long, help: ArgumentHelp("A model's name or file, or a checkpoint.", valueName: "model"),
        completion: .styles)
    var from: String
    @OptionGroup var place: RunOptions
    @OptionGroup(title: "Settings") var options: TrainOptions

    /// What the model decides.
    private static let shape: Set = ["base-channels", "residual-blocks", "upsampling", "leaky-slope", "init"]

    func validate() throws {
        let refused = options.given.map(\.key).filter(Self.shape.contains).map { "--\($0)" }
        if !refused.isEmpty {
            throw ValidationError(
                "\(refused.joined(separator: " and ")) cannot be given to finetune: the networks are those of --from. "
                    + "Leave it out, "
                    + "or train a new model with 'cyclegan-style train'.")
        }
    }

    func run() throws { try TrainSession(place).train(options.given, from: from) }
}

/// A run of training with what a person sees of it.
private struct TrainSession {
    let options: RunOptions
    private let bar = ProgressBar()
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(_ options: RunOptions) { self.options = options }

    func train(_ given: [(key: String, text: String)], from model: String?) throws {
        let group: any RankGroup
        do { group = try MPILaunch.group() } catch {
            // Every process of the run meets the same.
            if MPILaunch.rank == 0 { standardError("cyclegan-style: \(errorText(error))") }
            throw ExitCode.failure
        }
        do {
            let result = Result { try train(given, from: model, group) }
            if case .failure(let error) = result, !(error is ExitCode) { throw error }
            (group as? MPIRanks)?.end()
            try result.get()
        } catch let exit as ExitCode {
            throw exit
        } catch {
            // What is wrong at one rank ends all; what is wrong at all of them, rank 0 says.
            if group.rank != 0 { sleep(2) }
            let name = group.rank == 0 ? "cyclegan-style" : "cyclegan-style, rank \(group.rank)"
            bar.clear()
            guard let ranks = group as? MPIRanks else {
                if error is ValidationError { throw error }
                standardError("\(name): \(errorText(error))")
                throw ExitCode.failure
            }
            standardError("\(name): \(errorText(error))")
            ranks.abort(status: error is ValidationError ? ExitCode.validationFailure.rawValue : 1)
        }
    }

    private func train(
        _ given: [(key: String, text: String)], from model: String?, _ group: any RankGroup
    ) throws {
        let speaks = group.rank == 0
        let context = ComputeContext.with(
            threads: options.threads ?? (group.count > 1 ? MPILaunch.threads(group) : nil))
        let trainer =
            speaks
            ? try trainer(given, model, group, context)
            : try Trainer.following(absolute(options.run), group: group, in: context)
        context.buffers.trim()
        StopSignal.catchThem(ofRanks: group.count > 1)
        let every = trainer.configuration.logEvery
        let reporter = TrainingReporter(), run = absolute(options.run)
        let outcome = try trainer.train { progress in
            guard speaks else { return !StopSignal.received }
            reporter.tell(TrainingReport(progress, run: run))
            let line = Self.line(progress)
            if isTerminal {
                bar.show(line, progress.total.map { Double(progress.iteration) / Double($0) } ?? 0)
            } else if progress.iteration % every == 0 || progress.iteration == progress.total {
                standardError(line)
            }
            return !StopSignal.received
        }
        bar.clear()
        switch outcome {
        case .finished(let model): if speaks { print(model) }
        case .stopped(let checkpoint):
            if speaks {
                print(
                    checkpoint.map { "stopped; \($0) is written, --resume goes on from it" }
                        ?? "stopped without a checkpoint")
            }
            // There is no model: whoever waits for one must know.
            throw ExitCode(128 + StopSignal.number)
        }
    }

    private func trainer(
        _ given: [(key: String, text: String)], _ model: String?, _ group: any RankGroup, _ context: ComputeContext
    ) throws -> Trainer {
        let notice: @Sendable (String) -> Void = { [bar] line in
            bar.clear()
            standardError(line)
        }
        let given = given.map { (key: $0.key, text: TrainOptions.paths.contains($0.key) ? absolute($0.text) : $0.text) }
        if options.resume {
            return try Trainer.resuming(options.run, changes: given, group: group, in: context, notice: notice)
        }
        var configuration =
            try options.config.map { try TrainingConfiguration(contentsOf: $0) } ?? TrainingConfiguration()
        if let model {
            let file = try Styles.store().file(for: Styles.checkpointOrModel(model))
            try configuration.adopt(absolute(file.description))
        }
        let activation = configuration.generator.activation
        for (key, text) in given { try configuration.set(key, text) }
        if let model, configuration.generator.activation != activation {
            throw ValidationError(
                "--variant \(configuration.variant.rawValue) has the activation "
                    + "\(configuration.generator.activation.text), "
                    + "\(model) \(activation.text); choose a variant with that one.")
        }
        if configuration.variant.hasSemanticLoss, configuration.featureWeights == nil {
            configuration.featureWeights = FeatureWeightsStore.available()
        }
        try checkUse(configuration, group)
        return try Trainer(configuration, directory: options.run, group: group, in: context, notice: notice)
    }

    /// Settings that contradict one another are errors of usage; weights that are not there are not.
    private func checkUse(_ configuration: TrainingConfiguration, _ group: any RankGroup) throws {
        var complete = configuration
        complete.featureWeights = complete.featureWeights ?? "-"
        do {
            try complete.validate()
            try complete.validateBatch(ranks: group.count)
        } catch { throw ValidationError("\(error)") }
    }

    /// A run can be gone on with from any directory.
    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func line(_ p: Trainer.Progress) -> String {
        func short(_ value: Double) -> String { String(format: "%.3g", value) }
        var text =
            "\(p.iteration)\(p.total.map { "/\($0)" } ?? "")  generators \(short(p.losses[.generators]))  "
            + "discriminators \(short(p.losses[.discriminatorX])) \(short(p.losses[.discriminatorY]))  "
            + "\(short(p.imagesPerSecond)) images/s"
        if let seconds = p.remainingSeconds { text += "  \(DurationText.text(seconds)) to go" }
        return text
    }
}

extension TrainingConfiguration {
    /// Takes the networks' size and activation from a model, and the model as the start.
    mutating func adopt(_ path: String) throws {
        let file = try WeightsFile.read(path)
        guard file.metadata["format"] != nil else {
            throw TrainingError(
                "\(path) does not say what network it holds; make a model of it with 'cyclegan-style models import' "
                    + "first"
            )
        }
        let description = try GeneratorDescription(file)
        from = path
        (baseChannels, residualBlocks, upsampling) = (
            description.baseChannels, description.residualBlocks, description.upsampling
        )
        (downsamplingPadding, skip, grain) = (description.downsamplingPadding, description.skip, description.grain)
        switch description.activation {
        case .relu: variant = .semantic
        case .leakyReLU(let slope): (variant, leakySlope) = (.hybrid, Double("\(slope)") ?? Double(slope))
        }
        if let named = file.metadata["variant"].flatMap(Variant.init(rawValue:)), named.activation == variant.activation
        {
            variant = named
        }
        if let text = file.metadata["discriminator-channels"] { try set("discriminator-channels", text) }
        style = file.metadata["style"]
    }
}

/// Set by Ctrl-C and by a request to end.
private let stopFlag = Atomic<Int32>(0)

/// Ctrl-C and a request to end: the iteration is finished and a checkpoint written. A second one ends the program at
/// once.
enum StopSignal {
    static var received: Bool { stopFlag.load(ordering: .relaxed) != 0 }
    /// Which it was; where another rank got it, a request to end.
    static var number: Int32 { received ? stopFlag.load(ordering: .relaxed) : SIGTERM }

    /// - Parameter ranks: mpirun hands a request on more than once, and ends who does not heed it; SIGUSR1 is a request
    ///   that it hands on and does nothing after.
    static func catchThem(ofRanks ranks: Bool = false) {
        // It is there before a signal looks for it.
        stopFlag.store(0, ordering: .relaxed)
        if ranks {
            for number in [SIGINT, SIGTERM, SIGUSR1] { signal(number) { stopFlag.store($0, ordering: .relaxed) } }
        } else {
            for number in [SIGINT, SIGTERM] {
                signal(number) { received in
                    stopFlag.store(received, ordering: .relaxed)
                    signal(received, SIG_DFL)
                }
            }
        }
    }
}
