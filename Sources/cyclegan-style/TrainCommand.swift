import ArgumentParser
import CycleGAN
import Foundation
import Networks
import StyleService
import Tensors
import Weights
import WeightsFetch

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on a folder of photos and a folder of paintings.",
        discussion: """
            A run has a directory. It can be interrupted at any time; --resume goes on from the last checkpoint to the same result. \
            In parentheses: the values where an option is not given.
            """)

    @OptionGroup var place: RunOptions
    @OptionGroup(title: "Settings") var options: TrainOptions

    func run() throws { try TrainSession(place).train(options.given, from: nil) }
}

struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune", abstract: "Train on from an existing model.",
        discussion: "The networks have the model's size. A model's file holds one generator: the other networks start anew, unless MODEL is a checkpoint.")

    @Option(name: .long, help: ArgumentHelp("A model's name or file, or a checkpoint.", valueName: "model")) var from: String
    @OptionGroup var place: RunOptions
    @OptionGroup(title: "Settings") var options: TrainOptions

    func run() throws { try TrainSession(place).train(options.given, from: from) }
}

/// A run of training with what a person sees of it.
private struct TrainSession {
    let options: RunOptions
    private let bar = ProgressBar()
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(_ options: RunOptions) { self.options = options }

    func train(_ given: [(key: String, text: String)], from model: String?) throws {
        do {
            if let threads = options.threads { ThreadPool.shared = ThreadPool(threads: threads) }
            let trainer = try trainer(given, model)
            BufferPool.shared.trim()
            StopSignal.catchThem()
            let every = trainer.configuration.logEvery
            let reporter = TrainingReporter(), run = absolute(options.run)
            let outcome = try trainer.train { progress in
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
            case .finished(let model): print(model)
            case .stopped(let checkpoint):
                print(checkpoint.map { "stopped; \($0) is written, --resume goes on from it" } ?? "stopped without a checkpoint")
            }
        } catch let error as any CustomStringConvertible & Error {
            bar.clear()
            standardError("cyclegan-style: \(error)")
            throw ExitCode.failure
        }
    }

    private func trainer(_ given: [(key: String, text: String)], _ model: String?) throws -> Trainer {
        let notice: @Sendable (String) -> Void = { [bar] line in
            bar.clear()
            standardError(line)
        }
        let given = given.map { (key: $0.key, text: TrainOptions.paths.contains($0.key) ? absolute($0.text) : $0.text) }
        if options.resume { return try Trainer.resuming(options.run, changes: given, notice: notice) }
        var configuration = try options.config.map { try TrainingConfiguration(contentsOf: $0) } ?? TrainingConfiguration()
        if let model { try configuration.adopt(absolute(try modelFile(model))) }
        for (key, text) in given { try configuration.set(key, text) }
        if configuration.variant.hasSemanticLoss, configuration.featureWeights == nil {
            configuration.featureWeights = FeatureWeightsStore.installed()
        }
        return try Trainer(configuration, directory: options.run, notice: notice)
    }

    /// A run can be gone on with from any directory.
    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func line(_ p: Trainer.Progress) -> String {
        func short(_ value: Double) -> String { String(format: "%.3g", value) }
        var text = "\(p.iteration)\(p.total.map { "/\($0)" } ?? "")  generators \(short(p.losses.generators))  "
            + "discriminators \(short(p.losses.discriminatorX)) \(short(p.losses.discriminatorY))  \(short(p.imagesPerSecond)) images/s"
        if let seconds = p.remainingSeconds { text += "  \(DurationText.text(seconds)) to go" }
        return text
    }
}

extension TrainingConfiguration {
    /// Takes the networks' size and activation from a model, and the model as the start.
    mutating func adopt(_ path: String) throws {
        let file = try WeightsFile.read(path)
        guard file.metadata["format"] != nil else {
            throw TrainingError("\(path) does not say what network it holds; make a model of it with 'cyclegan-style models import' first")
        }
        let description = try GeneratorDescription(file)
        from = path
        (baseChannels, residualBlocks, upsampling) = (description.baseChannels, description.residualBlocks, description.upsampling)
        switch description.activation {
        case .relu: variant = .semantic
        case .leakyReLU(let slope): (variant, leakySlope) = (.hybrid, Double("\(slope)") ?? Double(slope))
        }
        if let named = file.metadata["variant"].flatMap(Variant.init(rawValue:)), named.activation == variant.activation { variant = named }
        if let text = file.metadata["discriminator-channels"] { try set("discriminator-channels", text) }
        style = file.metadata["style"]
    }
}

/// Set by Ctrl-C and by a request to end.
nonisolated(unsafe) private var stopFlag: sig_atomic_t = 0

/// Ctrl-C and a request to end: the iteration is finished and a checkpoint written. A second one ends the program at once.
private enum StopSignal {
    static var received: Bool { stopFlag != 0 }

    static func catchThem() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { received in
                stopFlag = 1
                signal(received, SIG_DFL)
            }
        }
    }
}
