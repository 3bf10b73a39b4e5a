import CycleGAN
import Digests
import Evaluation
import Foundation
import LinuxFiles
import Networks
import Photos
import Tensors
import Weights

/// One run, from the plan to the gate's decision: images are linked into its directory, the trainer trains, the gate
/// looks at what came of it. It can be interrupted at any moment, and `proceed` goes on where it was:
///
/// | in the directory | |
/// |---|---|
/// | `plan.json` | what is to be done |
/// | `data/` | links to the images, made in one step |
/// | `start.safetensors` | model and training state in one, where there is such a state |
/// | `training/` | the trainer's run, with its checkpoints, report and, once it has ended, `model.safetensors` |
/// | `state.safetensors` | what the next run needs beside the model, once it has ended (`TrainingState`) |
/// | `sheet.jpg`, `report.html`, `decision.json` | the gate's, `decision.json` last |
package final class RetrainingRun {
    package enum Outcome: Sendable, Equatable {
        case decided(GateFigures)
        /// Stopped on request; the next `proceed` goes on.
        case stopped
    }

    package enum Step: Sendable {
        case training(Trainer.Progress)
        /// Images looked at, and all.
        case gate(done: Int, total: Int)
    }

    package let directory: BytePath
    package let plan: RetrainingPlan
    private let context: ComputeContext
    private let notice: @Sendable (String) -> Void

    /// - Parameters:
    ///   - context: what training and gate compute on.
    ///   - notice: is told, in a line each, what a person should know.
    /// - Throws: `SystemError`, `RetrainingError`
    package init(
        _ directory: BytePath, in context: ComputeContext = .default,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        (self.directory, self.context, self.notice) = (directory, context, notice)
        plan = try RetrainingPlan.read(directory)
    }

    /// The candidate's file, once the training has ended.
    package static func model(of directory: BytePath) -> BytePath {
        directory.appending("training").appending(Trainer.modelName)
    }

    /// What the candidate's training leaves to later ones, once it has ended.
    package static func trainingState(of directory: BytePath) -> BytePath { directory.appending("state.safetensors") }

    /// Does what is left to do.
    /// - Parameter goesOn: is told of every iteration and image; answers false to stop.
    /// - Throws: `TrainingError`, `EvaluationError`, `WeightsError`, `SystemError`, `RetrainingError`
    package func proceed(_ goesOn: @escaping (Step) -> Bool) throws -> Outcome {
        try DomainLibrary.sweep(directory)
        if let figures = try GateReport.decision(in: directory) { return .decided(figures) }
        try linkData()
        let model = Self.model(of: directory)
        if try Files.statusIfPresent(of: model) == nil {
            guard case .finished = try trainer().train({ goesOn(.training($0)) }) else { return .stopped }
        }
        let state = Self.trainingState(of: directory)
        if try Files.statusIfPresent(of: state) == nil, let last = lastCheckpoint(directory.appending("training")) {
            try TrainingState.write(last, to: state)
        }
        do { return .decided(try examine(model, goesOn)) } catch is EvaluationStopped { return .stopped }
    }

    // MARK: Data

    private var data: BytePath { directory.appending("data") }

    /// Hard links: an image that is taken away from its domain is trained on to the end of this run.
    private func linkData() throws {
        if try Files.statusIfPresent(of: data) != nil { return }
        let unfinished = directory.appending("data.unfinished")
        // What a killed process left is not whole.
        try? FileManager.default.removeItem(atPath: text(unfinished))
        let folders = [
            ("photos", plan.photoLibrary, plan.photos), ("paintings", plan.paintingLibrary, plan.paintings),
            ("held-out-photos", plan.photoLibrary, plan.heldOutPhotos),
            ("held-out-paintings", plan.paintingLibrary, plan.heldOutPaintings),
        ]
        for (name, library, images) in folders {
            let folder = unfinished.appending(name), library = try DomainLibrary(BytePath(library))
            try Files.makeDirectory(folder)
            for image in images {
                guard let digest = SHA256Digest(hexadecimal: image) else {
                    throw RetrainingError("\(RetrainingPlan.fileName): '\(image)' is no SHA-256")
                }
                let source = library.path(of: digest)
                // One that was taken away since the plan was made is missed by nobody.
                guard try Files.statusIfPresent(of: source) != nil else { continue }
                let target = folder.appending(source.lastComponent)
                try retrying("link \(source) to", target) { target in source.withCString { link($0, target) } }
            }
        }
        try Files.rename(unfinished, to: data)
    }

    private func text(_ path: BytePath) -> String { String(decoding: path.bytes, as: UTF8.self) }

    // MARK: Training

    private func trainer() throws -> Trainer {
        let place = text(directory.appending("training"))
        if FileManager.default.fileExists(atPath: place + "/" + TrainingConfiguration.fileName) {
            return try Trainer.resuming(place, in: context, notice: notice)
        }
        var configuration = try plan.configuration(startingFrom: try start())
        configuration.photos = text(data.appending("photos"))
        configuration.paintings = text(data.appending("paintings"))
        return try Trainer(configuration, directory: place, in: context, notice: notice)
    }

    /// The file that a warm training begins with; nil where the model alone has to do.
    private func start() throws -> String? {
        guard plan.mode == .finetune, let model = plan.model else { return nil }
        guard let state = plan.trainingState else {
            notice(
                "there is no training state beside the model: the way back and the discriminators begin from nothing")
            return nil
        }
        let path = directory.appending("start.safetensors")
        if try Files.statusIfPresent(of: path) == nil { try TrainingState.join(model: model, state: state, to: path) }
        return text(path)
    }

    // MARK: The gate

    private func examine(_ model: BytePath, _ goesOn: @escaping (Step) -> Bool) throws -> GateFigures {
        var settings = Gate.Settings()
        (settings.maxContentLoss, settings.seed) = (plan.maxContentLoss, plan.seed)
        let inception = try plan.inception.map {
            try FeatureNetwork($0, dimensions: nil, mode: .clean, in: context).extractor
        }
        var gate = try Gate(vgg16: WeightsFile.read(plan.vgg16), inception: inception, settings: settings, in: context)
        gate.progress = { goesOn(.gate(done: $0, total: $1)) }
        let current = try plan.model.map {
            try PictureMaker(
                ResNetGenerator(WeightsFile.read($0), in: context),
                back: plan.trainingState.flatMap { TrainingState.back($0, in: context) }, .translation)
        }
        let training = directory.appending("training")
        let candidate = PictureMaker(
            try ResNetGenerator(Safetensors.read(text(model)), in: context),
            back: lastCheckpoint(training).flatMap { TrainingState.back($0, in: context) }, .translation)
        let examination = try gate.examine(
            candidate, current: current, photos: FolderSource(ImageFolder(text(data.appending("held-out-photos")))),
            paintings: FolderSource(ImageFolder(text(data.appending("held-out-paintings")))))
        for line in examination.unreadable { notice("skipped: \(line)") }
        let losses = try? Figures.losses(text(training))
        try GateReport(style: plan.style, examination: examination, losses: losses).write(to: directory)
        return examination.figures
    }

    /// Checkpoints have the number of their iteration as their name, with zeros before it.
    private func lastCheckpoint(_ training: BytePath) -> String? {
        let folder = training.appending("checkpoints"), suffix = Array(".safetensors".utf8)
        let names = ((try? Files.names(in: folder)) ?? []).filter { $0.suffix(suffix.count).elementsEqual(suffix) }
        return names.max { $0.lexicographicallyPrecedes($1) }.map { text(folder.appending($0)) }
    }
}

/// A folder's images, in the order of their names: of their digests.
private struct FolderSource: ImageSource {
    let folder: ImageFolder

    init(_ folder: ImageFolder) { self.folder = folder }

    var count: Int { folder.names.count }
    func name(_ index: Int) -> String { folder.name(index) }
    func photo(_ index: Int) throws -> Photo { try folder.photo(index) }
}
