import Foundation
import LinuxFiles
import Networks
import Tensors
import Weights

/// What a model needs beside itself to be trained on as if its training had never ended: the generator of the way back
/// and the discriminators (`F.`, `DX.`, `DY.`, and `DV.` where it has one). The model itself is the generator of the
/// way there. Adam's moments are not kept: they are worth a few hundred iterations and would double the size.
package enum TrainingState {
    /// Beside `NAME.safetensors`.
    package static let suffix = ".training.safetensors"
    private static let generator = "G."
    private static let kept = ["F.", "DX.", "DY.", "DV."], required = ["F.", "DX.", "DY."]

    /// Keeps the networks of a training's checkpoint in float16.
    /// - Throws: `WeightsError`, `RetrainingError` where it is no checkpoint.
    package static func write(_ checkpoint: String, to path: BytePath) throws {
        let file = try WeightsFile.read(checkpoint)
        for prefix in required where !file.tensors.keys.contains(where: { $0.hasPrefix(prefix) }) {
            throw RetrainingError(
                "\(checkpoint) is no checkpoint of a training: it has no network '\(prefix.dropLast())'")
        }
        var metadata = try GeneratorDescription(file).metadata
        metadata["format"] = GeneratorDescription.trainingFormat
        for key in ["style", "discriminator-channels", "discriminator-blur"] { metadata[key] = file.metadata[key] }
        if metadata["discriminator-blur"] == nil { metadata["discriminator-blur"] = blur(file) }
        try Safetensors.write(
            text(path), tensors: try tensors(file, kept), metadata: metadata, half: true)
    }

    /// Whether the discriminators of a run were blur-pooled: their weights fit both kinds, but serve only one.
    private static func blur(_ file: WeightsFile) -> String? {
        guard
            let line = file.metadata["configuration"]?.split(separator: "\n").first(where: {
                $0.hasPrefix("blur-pool:")
            })
        else { return file.metadata["trained-with"]?.contains("blur-pooled discriminators") == true ? "true" : nil }
        return line.contains("true") ? "true" : "false"
    }

    /// Puts a model and its state together to what a training begins with.
    /// - Throws: `WeightsError`; `RetrainingError` where the state is of another network.
    package static func join(model: String, state: String, to path: BytePath) throws {
        let own = try WeightsFile.read(model), others = try WeightsFile.read(state)
        let description = try GeneratorDescription(own), other = try GeneratorDescription(others)
        // Grain and working size are matters of training and use: they may differ.
        let isSame =
            description.baseChannels == other.baseChannels
            && description.residualBlocks == other.residualBlocks && description.activation == other.activation
            && description.upsampling == other.upsampling && description.skip == other.skip
        guard isSame else { throw RetrainingError("\(state) belongs to another network than \(model)") }
        var metadata = description.metadata
        metadata["format"] = GeneratorDescription.trainingFormat
        for key in ["discriminator-channels", "discriminator-blur"] { metadata[key] = others.metadata[key] }
        let there = try description.tensorShapes.map { key, shape in
            (name: generator + key, shape: shape, values: try own.floats(key, shape: shape))
        }
        try Safetensors.write(text(path), tensors: there + (try tensors(others, kept)), metadata: metadata)
    }

    /// From picture to photo; nil where the file does not have it.
    static func back(_ path: String, in context: ComputeContext = .default) -> ResNetGenerator? {
        guard let file = try? WeightsFile.read(path), let description = try? GeneratorDescription(file) else {
            return nil
        }
        let shapes = Dictionary(uniqueKeysWithValues: description.tensorShapes.map { ($0.key, $0.shape) })
        return try? ResNetGenerator(description, in: context) { try file.floats("F." + $0, shape: shapes[$0]!) }
    }

    private static func tensors(
        _ file: WeightsFile, _ prefixes: [String]
    ) throws -> [(name: String, shape: [Int], values: [Float])] {
        try file.tensors.filter { name, _ in prefixes.contains { name.hasPrefix($0) } }.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.shape, try $0.value.floats()) }
    }

    private static func text(_ path: BytePath) -> String { String(decoding: path.bytes, as: UTF8.self) }
}
