import Digests
import Foundation
import Ranks
import Tensors
import Weights

/// How the ranks of a group come to one state: rank 0 makes or restores it and gives it to the others, which need no
/// file of the run's directory. Images, and the feature network's weights, are read by each.
extension Trainer {
    /// The part of a rank other than 0 in the run that rank 0 makes or goes on with.
    /// - Parameter notice: as of the other initialisers.
    /// - Throws: `TrainingError`, `WeightsError` or `PhotoError`, also where this rank's images are not rank 0's.
    package static func following(
        _ directory: String, group: any RankGroup, in context: ComputeContext = .default,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> Trainer {
        let configuration = try TrainingConfiguration(
            yaml: String(decoding: group.broadcast([]), as: UTF8.self), path: "rank 0's configuration")
        let state = try Safetensors.decoded(group.broadcast([]), name: "rank 0's state")
        let trainer = try Trainer(configuration, directory, restored: true, group, context, notice)
        try trainer.restore(state)
        try trainer.agree()
        try trainer.enterStage()
        return trainer
    }

    /// Rank 0's part in that, once it has its state.
    /// - Parameter checkpoint: where that came from; nil for the start of a run.
    func lead(from checkpoint: String?) throws {
        guard group.count > 1 else { return }
        _ = group.broadcast(Array(configuration.yaml.utf8))
        let state: [UInt8]
        if let checkpoint {
            guard let bytes = FileManager.default.contents(atPath: checkpoint) else {
                throw TrainingError("\(checkpoint) cannot be read")
            }
            state = Array(bytes)
        } else {
            state = try Safetensors.encoded(checkpointTensors(), metadata: checkpointMetadata)
        }
        _ = group.broadcast(state)
        try agree()
    }

    /// Takes over rank 0's scales of features, which another processor may compute to another last bit. Throws at every
    /// rank where one has other images than rank 0.
    private func agree() throws {
        let scales = group.gathered([model.featureScale] + (model.dv?.scales ?? []))[0]
        model.featureScale = scales[0]
        model.dv?.scales = Array(scales.dropFirst())
        // Numbers up to 2^48 are whole in a double.
        let found = group.gathered([Double(FNV1a.hash(data.fingerprint.utf8) >> 16)])
        guard let other = found.indices.first(where: { found[$0] != found[0] }) else { return }
        throw TrainingError(
            "rank \(other) finds other images in \(configuration.photos) and \(configuration.paintings) than rank 0; "
                + "every machine needs the same files at the same place")
    }

    /// The style loss' targets, made at rank 0 alone.
    func shared(
        _ cache: StyleTargetsCache, _ make: (StyleTargetsCache) throws -> StyleTargets
    ) throws -> StyleTargets {
        guard group.count > 1 else { return try make(cache) }
        guard group.rank == 0 else { return try cache.decoded(group.broadcast([])) }
        let targets = try make(cache)
        _ = group.broadcast(try StyleTargetsCache.encoded(targets))
        return targets
    }
}
