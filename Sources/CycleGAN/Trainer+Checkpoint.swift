import Foundation
import Networks
import Ranks
import Tensors
import Weights

/// Checkpoints: safetensors of the format `cyclegan-training/1`.
extension Trainer {
    private enum MetadataKey {
        static let iteration = "iteration", total = "iterations", configuration = "configuration", data = "data-order"
        static let random = "random-state", schedule = "schedule", featureScale = "feature-scale"
        static let generatorSteps = "adam.steps.generators", discriminatorSteps = "adam.steps.discriminators"
        static let featureScales = "feature-scale.discriminator", remarks = "remarks", alarm = "alarm",
            discriminatorChannels = "discriminator-channels"
    }

    /// Goes on with the run in a directory from its last checkpoint that can be read, or from its start where there is
    /// none yet; in a group, at rank 0 (`following` at the others).
    /// - Parameter changes: keys and texts in place of those in the run's configuration. The networks must stay as they
    ///   are.
    package static func resuming(
        _ directory: String, changes: [(key: String, text: String)] = [], group: any RankGroup = OneProcess(),
        in context: ComputeContext = .default, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> Trainer {
        let path = directory + "/" + TrainingConfiguration.fileName
        guard FileManager.default.fileExists(atPath: path) else {
            throw TrainingError(
                "\(directory) holds no run: there is no \(TrainingConfiguration.fileName); start one without --resume")
        }
        if let key = changes.map(\.key).first(where: { ["init", "from"].contains($0) }) {
            throw TrainingError(
                "\(key) says where a run starts, and the one in \(directory) has started; leave it out, or name "
                    + "another directory"
            )
        }
        try RunLock.check(directory)
        var configuration = try TrainingConfiguration(contentsOf: path)
        configuration.clearLength(ifSetBy: changes.map(\.key))
        for change in changes { try configuration.set(change.key, change.text) }
        Checkpoints(directory).prune(keeping: .max)
        let checkpoints = try Checkpoints(directory).newestFirst()
        for path in checkpoints {
            let file: WeightsFile
            do { file = try Safetensors.read(path) } catch {
                notice("\(error); going back to the checkpoint before")
                continue
            }
            let trainer = try Trainer(configuration, directory, restored: true, group, context, notice)
            try trainer.restore(file)
            try trainer.lead(from: path)
            try trainer.enterStage()
            try trainer.writeConfiguration()
            notice("going on after iteration \(trainer.iteration)")
            return trainer
        }
        guard checkpoints.isEmpty else {
            throw TrainingError(
                "no checkpoint in \(directory)/checkpoints can be read (\(checkpoints.count) tried); "
                    + "put back a copy of one, or remove them to start from the beginning")
        }
        notice("there is no checkpoint yet: starting from the beginning")
        return try Trainer(configuration, directory: directory, group: group, in: context, notice: notice)
    }

    /// Everything that decides how the run goes on.
    /// - Parameter pooled: the images of all pools, in a checkpoint's order.
    func checkpointTensors(
        pooled: (x: [Tensor], y: [Tensor]) = ([], [])
    ) -> [(name: String, shape: [Int], values: [Float])] {
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (network, parameters) in model.networks.map({ ($0.name, $0.network.parameters) }) {
            for p in parameters { tensors.append(("\(network).\(p.name)", p.fileShape, p.value.values)) }
        }
        for (network, parameters) in model.networks.map({ ($0.name, $0.network.parameters) }) {
            for p in parameters {
                tensors.append(("adam.m.\(network).\(p.name)", p.fileShape, p.firstMoment.values))
                tensors.append(("adam.v.\(network).\(p.name)", p.fileShape, p.secondMoment.values))
            }
        }
        if let average {
            for p in model.g.parameters { tensors.append(("ema.\(p.name)", p.fileShape, average.values[p.name]!)) }
        }
        for (name, images) in [("x", pooled.x), ("y", pooled.y)] {
            for (i, image) in images.enumerated() {
                tensors.append(("pool.\(name).\(i)", [image.shape.h, image.shape.w, image.shape.c], image.values))
            }
        }
        for (name, network) in model.networks {
            for (key, vector) in (network as? StabilizedDiscriminator)?.singularVectors.sorted(by: { $0.key < $1.key })
                ?? []
            {
                tensors.append(("spectral.\(name).\(key)", [vector.count], vector))
            }
        }
        return tensors
    }

    /// Writes a checkpoint and drops old ones; all ranks call it. nil where that failed, which is said and survived,
    /// and at other ranks than 0.
    func saveCheckpoint() -> String? {
        let pooled = pools.collected(group, side: settings.cropSize, in: model.context)
        guard group.rank == 0 else { return nil }
        let checkpoints = Checkpoints(directory), path = checkpoints.path(iteration)
        var written: String?
        survive("the checkpoint \(path)") {
            try checkpoints.prepare()
            try Safetensors.write(path, tensors: checkpointTensors(pooled: pooled), metadata: checkpointMetadata)
            written = path
        }
        if written != nil { checkpoints.prune(keeping: configuration.keepCheckpoints) }
        return written
    }

    var checkpointMetadata: [String: String] {
        var metadata = configuration.generator.metadata
        metadata["format"] = GeneratorDescription.trainingFormat
        metadata[MetadataKey.discriminatorChannels] = String(configuration.discriminatorChannels)
        metadata[MetadataKey.iteration] = String(iteration)
        metadata[MetadataKey.total] = total.map { String($0) }
        metadata[MetadataKey.configuration] = configuration.yaml
        metadata[MetadataKey.data] = data.fingerprint
        metadata[MetadataKey.random] =
            "seed \(configuration.seed), iteration \(iteration); every draw follows from these two"
        metadata[MetadataKey.schedule] =
            "learning rate \(schedule.rate(iteration)) next: \(schedule.constantUnits) constant and "
            + "\(schedule.decayUnits) falling units "
            + "of \(schedule.iterationsPerUnit) iterations"
        metadata[MetadataKey.remarks] = remarks.joined(separator: "\n")
        if configuration.alarm { metadata[MetadataKey.alarm] = alarm.state }
        metadata[MetadataKey.featureScale] = "\(model.featureScale)"
        metadata[MetadataKey.featureScales] = model.dv?.scales.map { "\($0)" }.joined(separator: " ")
        metadata[MetadataKey.generatorSteps] = String(model.generatorOptimizer.steps)
        metadata[MetadataKey.discriminatorSteps] = String(model.discriminatorOptimizer.steps)
        return metadata
    }

    func restore(_ file: WeightsFile) throws {
        func number<Number: LosslessStringConvertible>(_ key: String) throws -> Number {
            guard let number = file.metadata[key].flatMap(Number.init) else {
                throw WeightsError(
                    path: file.path, "metadata key \(key) is missing or not a number: this is not a checkpoint of ours")
            }
            return number
        }
        var networks = configuration.generator.metadata
        networks["format"] = GeneratorDescription.trainingFormat
        networks[MetadataKey.discriminatorChannels] = String(configuration.discriminatorChannels)
        // What the networks are given may change on the way.
        for key in ["grain", "working-size"] { networks[key] = nil }
        for (key, value) in networks.sorted(by: { $0.key < $1.key }) where file.metadata[key] != value {
            throw WeightsError(
                path: file.path,
                "was trained with the \(key) \(file.metadata[key] ?? "unknown"), not \(value); the networks of a run "
                    + "cannot be changed"
            )
        }
        let before = try TrainingConfiguration(yaml: file.metadata[MetadataKey.configuration] ?? "", path: file.path)
        for (name, network) in model.networks {
            if name == "DV", !file.tensors.keys.contains(where: { $0.hasPrefix("DV.") }) {
                // Switched on in the middle.
                for p in network.parameters {
                    p.value.fill(
                        Initialization.values(seed: configuration.seed, network: name, key: p.name, shape: p.fileShape))
                }
                continue
            }
            for p in network.parameters {
                p.value.fill(try file.floats("\(name).\(p.name)", shape: p.fileShape))
                p.firstMoment.fill(try file.floats("adam.m.\(name).\(p.name)", shape: p.fileShape))
                p.secondMoment.fill(try file.floats("adam.v.\(name).\(p.name)", shape: p.fileShape))
            }
            if let stabilized = network as? StabilizedDiscriminator {
                let prefix = "spectral.\(name)."
                stabilized.singularVectors = Dictionary(
                    uniqueKeysWithValues: try file.tensors.filter { $0.key.hasPrefix(prefix) }
                        .map { (String($0.key.dropFirst(prefix.count)), try $0.value.floats()) })
            }
        }
        if average != nil {
            // A moving average that is switched on in the middle starts from the weights there.
            average = MovingAverage(decay: configuration.ema, of: model.g)
            for p in model.g.parameters where file.tensors["ema.\(p.name)"] != nil {
                average!.values[p.name] = try file.floats("ema.\(p.name)", shape: p.fileShape)
            }
        }
        iteration = try number(MetadataKey.iteration)
        pools.fill(x: try pooled(file, "pool.x."), y: try pooled(file, "pool.y."))
        remarks = (file.metadata[MetadataKey.remarks] ?? "").split(separator: "\n").map(String.init)
        alarm = file.metadata[MetadataKey.alarm].flatMap(CollapseAlarm.init(state:)) ?? CollapseAlarm()
        model.generatorOptimizer.steps = try number(MetadataKey.generatorSteps)
        model.discriminatorOptimizer.steps = try number(MetadataKey.discriminatorSteps)
        if configuration.hasLength(of: before) {
            total = try file.metadata[MetadataKey.total] == nil ? nil : number(MetadataKey.total)
        }
        if model.features != nil {
            if before.featureWeights == configuration.featureWeights,
                before.semanticLayer == configuration.semanticLayer
            {
                model.featureScale = try number(MetadataKey.featureScale)
                let scales = (file.metadata[MetadataKey.featureScales] ?? "").split(separator: " ").compactMap {
                    Double($0)
                }
                if model.dv != nil, scales.count != FeatureDiscriminator.taps.count {
                    try setFeatureScales()
                } else {
                    model.dv?.scales = scales
                }
            } else {
                try setFeatureScales()
            }
        }
        if file.metadata[MetadataKey.data] != data.fingerprint {
            remark("the folders' files have changed since the checkpoint: the data order is another one from here on")
        }
    }

    /// The pools' images; those of another size (after a change of crop-size), and more than fit, are left out.
    private func pooled(_ file: WeightsFile, _ prefix: String) throws -> [Tensor] {
        let side = configuration.settings(ofStage: configuration.stage(at: iteration)).cropSize
        var images: [Tensor] = []
        while images.count < pools.mostImages, let stored = file.tensors[prefix + String(images.count)],
            stored.shape == [side, side, 3]
        {
            images.append(Tensor(Shape(1, side, side, 3), values: try stored.floats(), in: model.context))
        }
        return images
    }
}

extension TrainingConfiguration {
    /// Whether the length of a run is set as in another configuration.
    func hasLength(of other: TrainingConfiguration) -> Bool {
        iterations == other.iterations && epochs == other.epochs && minutes == other.minutes
    }

    /// A new length takes the place of the old one, whichever way each is given.
    mutating func clearLength(ifSetBy keys: [String]) {
        if keys.contains(where: { ["iterations", "epochs", "minutes"].contains($0) }) {
            (iterations, epochs, minutes) = (nil, nil, nil)
        }
    }
}

extension Parameter {
    /// As in a file: a bias has one dimension.
    var fileShape: [Int] {
        let s = value.shape
        return name.hasSuffix(".bias") ? [s.c] : [s.n, s.h, s.w, s.c]
    }
}

extension Tensor {
    func fill(_ values: [Float]) {
        precondition(values.count == shape.count)
        values.withUnsafeBufferPointer { pointer.update(from: $0.baseAddress!, count: values.count) }
        markChanged()
    }
}
