import CycleGAN
import Foundation
import LinuxFiles
import Networks
import Weights

/// Everything that decides what one run does, kept as `plan.json` in its directory: whoever goes on with the run, after
/// whatever happened, needs nothing else.
package struct RetrainingPlan: Sendable, Equatable, Codable {
    package enum Mode: String, Sendable, Codable, CaseIterable {
        /// On from the model in use.
        case finetune
        /// From scratch.
        case retrain
    }

    package static let fileName = "plan.json"

    package var style: String
    package var mode: Mode
    /// The model in use: the one to go on from, and to be compared with; nil where the style has none.
    package var model: String?
    /// The other networks of that model's training, where they are there (`TrainingState`).
    package var trainingState: String?
    /// The libraries of the two domains, and which of their images are trained on and which are kept aside, as digests.
    package var photoLibrary: String
    package var paintingLibrary: String
    package var photos: [String] = []
    package var paintings: [String] = []
    package var heldOutPhotos: [String] = []
    package var heldOutPaintings: [String] = []
    /// The length: one of the two.
    package var minutes: Double?
    package var iterations: Int?
    package var seed: UInt64 = 1
    /// VGG16's weights, and Inception's where they are installed.
    package var vgg16: String
    package var inception: String?
    package var maxContentLoss = 0.1
    /// Keys of training.yaml that take the place of what follows from the model.
    package var settings: [String: String] = [:]

    package init(
        style: String, mode: Mode, model: String?, photoLibrary: String, paintingLibrary: String, vgg16: String
    ) {
        (self.style, self.mode, self.model) = (style, mode, model)
        (self.photoLibrary, self.paintingLibrary, self.vgg16) = (photoLibrary, paintingLibrary, vgg16)
    }

    // MARK: The training

    /// A smaller step than from scratch: the model is good already.
    private static let finetuningRate = 1e-4

    /// The configuration of the training, but for its folders.
    /// - Parameter joined: model and training state in one file; nil where a model is all that there is.
    /// - Throws: `TrainingError`, `WeightsError`
    package func configuration(startingFrom joined: String? = nil) throws -> TrainingConfiguration {
        var c = TrainingConfiguration()
        // All that later models are made by, whatever the model before was.
        let start = mode == .finetune ? joined ?? model : nil
        if let start {
            try adopt(start, &c)
            c.learningRate = Self.finetuningRate
        } else {
            try apply(.painterly, &c)
        }
        if c.ema == 0 { c.ema = 0.998 }
        (c.style, c.seed, c.featureWeights, c.alarm) = (style, seed, vgg16, true)
        (c.minutes, c.iterations) = (minutes, iterations)
        (c.checkpointEvery, c.keepCheckpoints, c.sampleEvery) = (50, 2, 200)
        for (key, text) in settings.sorted(by: { $0.key < $1.key }) { try c.set(key, text) }
        return c
    }

    private func apply(_ recipe: Recipe, _ c: inout TrainingConfiguration) throws {
        for (key, text) in recipe.settings { try c.set(key, text) }
    }

    /// The networks' shape from a model or a state, and the recipe that makes such models.
    private func adopt(_ path: String, _ c: inout TrainingConfiguration) throws {
        let file = try WeightsFile.read(path), description = try GeneratorDescription(file)
        if description.upsampling == .bilinear || description.grain > 0 {
            try apply(.painterly, &c)
            // The course from coarse to fine has been gone: its last stage is where the model is.
            c = c.settings(ofStage: c.stages.count)
        } else {
            // Photos of a library are up to 1024 pixels: the paper's 286 and 256 would show next to no strokes.
            (c.sizes, c.photoSizes, c.cropSize) = ([286, 400], [286, 400], 256)
        }
        (c.baseChannels, c.residualBlocks) = (description.baseChannels, description.residualBlocks)
        (c.upsampling, c.downsamplingPadding) = (description.upsampling, description.downsamplingPadding)
        (c.skip, c.grain) = (description.skip, description.grain)
        switch description.activation {
        case .relu: c.variant = .semantic
        case .leakyReLU(let slope): (c.variant, c.leakySlope) = (.hybrid, Double("\(slope)") ?? Double(slope))
        }
        if let text = file.metadata["discriminator-channels"] { try c.set("discriminator-channels", text) }
        if let text = file.metadata["discriminator-blur"] { try c.set("blur-pool", text) }
        if file.tensors.keys.contains(where: { $0.hasPrefix("DX.") }) { c.initialState = path } else { c.from = path }
    }

    // MARK: The file

    /// - Throws: `SystemError`
    package func write(to directory: BytePath) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(self))
        try AtomicFile.write(directory.appending(Self.fileName), mode: 0o640) { append in
            try bytes.withUnsafeBytes { try append($0) }
        }
    }

    /// - Throws: `SystemError`; `RetrainingError` where it is not a plan.
    package static func read(_ directory: BytePath) throws -> RetrainingPlan {
        let path = directory.appending(fileName), bytes = try Files.read(path, limit: 64 << 20)
        do { return try JSONDecoder().decode(RetrainingPlan.self, from: Data(bytes)) } catch {
            throw RetrainingError("\(path) is no plan of a run: \(error)")
        }
    }
}

/// Why a run cannot go on, in one line.
package struct RetrainingError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
