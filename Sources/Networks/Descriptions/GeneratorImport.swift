import Weights

/// A generator of the original project, or of this one, turned into this project's format.
package struct GeneratorImport: Sendable {
    package let description: GeneratorDescription
    /// For the model's file: the description, and what the imported file says about itself.
    package let metadata: [String: String]
    /// Whether the file itself says what a state dict cannot (its activation); false where that was assumed.
    package let isDescribed: Bool
    /// In the layers' order, ready for `Safetensors.write`.
    package let tensors: [(name: String, shape: [Int], values: [Float])]
    /// What was changed on the way, in words for the user.
    package let notes: [String]

    /// Understands the state dicts of `resnet_6blocks` and `resnet_9blocks` (and any other size), current and with the
    /// running statistics of old versions, with and without dropout, alone or as one of several networks, with the
    /// prefixes of wrappers (DataParallel, torch.compile, Lightning), and this project's `resize` numbering, exported
    /// models and training states.
    /// - Parameters:
    ///   - activation: in place of what the file says; nil takes that, or ReLU, as in the original project, where it
    /// says nothing.
    ///   - network: which one of several generators.
    /// - Throws: `WeightsError` in one line with the remedy where the file is none of these, or has values that are no
    /// numbers.
    package init(_ file: WeightsFile, activation: GeneratorDescription.Activation? = nil, network: String? = nil) throws
    {
        let candidates = try GeneratorCandidates(file)
        let candidate = try candidates.choose(network, of: file)
        var notes = candidates.notes
        var names = candidates.tensors(of: candidate)  // ours -> the file's
        if network == nil, !candidate.name.isEmpty { notes.append("took the network \(quoted(candidate.name))") }

        let known = try Self.described(file)
        if let objection = ForeignNetwork.objection(to: names.mapValues { file.tensors[$0]!.shape }) {
            throw WeightsError(path: file.path, objection)
        }
        notes += Self.adapt(&names)
        let shapes = names.mapValues { file.tensors[$0]!.shape }
        var description = known ?? Self.guess(shapes, activation ?? .relu)
        if let activation, activation != description.activation {
            notes.append("the file says \(description.activation.text); \(activation.text) is taken, as was asked for")
            description.activation = activation
        }
        let differences = description.differences(from: shapes)
        guard differences.isEmpty else {
            throw WeightsError(path: file.path, "is not \(description.summary): " + differences.joined(separator: "; "))
        }
        self.description = description
        self.notes = notes
        isDescribed = known != nil
        // A training state's metadata are the run's; a model's go with it.
        let carried = file.metadata["format"] == GeneratorDescription.format ? file.metadata : [:]
        metadata = carried.merging(description.metadata) { $1 }
        tensors = try description.tensorShapes.map { key, shape in (key, shape, try file.floats(names[key]!)) }
    }

    /// What the file says itself, where it is this project's.
    private static func described(_ file: WeightsFile) throws -> GeneratorDescription? {
        // Other programs' safetensors have a "format" too: "pt".
        guard let format = file.metadata["format"], format.hasPrefix("cyclegan-") else { return nil }
        return try GeneratorDescription(file)
    }

    /// Makes the names of older versions and of other options those of the current network.
    /// - Returns: what was done.
    private static func adapt(_ names: inout [String: String]) -> [String] {
        var notes: [String] = []
        // Such models were always run with the statistics of the picture itself; the stored ones must not be used.
        let statistics = names.keys.filter(isRunningStatistic)
        if !statistics.isEmpty {
            statistics.forEach { names[$0] = nil }
            notes.append("left out \(statistics.count) running statistics of normalisations: they were never used")
        }
        let moved = names.keys.filter { $0.hasSuffix(".conv_block.6.weight") || $0.hasSuffix(".conv_block.6.bias") }
        if !moved.isEmpty, !names.keys.contains(where: { $0.hasSuffix(".conv_block.5.weight") }) {
            for name in moved {
                names[name.replacingFirst(".conv_block.6.", by: ".conv_block.5.")] = names.removeValue(forKey: name)
            }
            notes.append("renumbered the residual blocks: the network was built with dropout")
        }
        return notes
    }

    private static func isRunningStatistic(_ name: String) -> Bool {
        [".running_mean", ".running_var", ".num_batches_tracked"].contains { name.hasSuffix($0) }
    }

    /// The generator that these tensors come nearest to; the paper's where they say nothing.
    private static func guess(
        _ shapes: [String: [Int]], _ activation: GeneratorDescription.Activation
    ) -> GeneratorDescription {
        let base = shapes["model.1.weight"]?.first ?? 64
        let blocks = Set(
            shapes.keys.compactMap { name -> Int? in
                let parts = name.split(separator: ".", maxSplits: 3)
                return parts.count > 2 && parts[0] == "model" && parts[2] == "conv_block" ? Int(parts[1]) : nil
            })
        let count = blocks.isEmpty ? 9 : blocks.count
        return GeneratorDescription(
            baseChannels: min(
                max(base, GeneratorDescription.baseChannelsRange.lowerBound),
                GeneratorDescription.baseChannelsRange.upperBound),
            residualBlocks: min(count, GeneratorDescription.residualBlocksRange.upperBound), activation: activation,
            upsampling: shapes["model.\(12 + count).weight"] != nil ? .resize : .transposed)
    }
}

extension String {
    fileprivate func replacingFirst(_ part: String, by other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
