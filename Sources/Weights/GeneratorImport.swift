/// A generator of the original project, turned into this project's format.
public struct GeneratorImport: Sendable {
    public let description: GeneratorDescription
    /// In the layers' order, ready for `Safetensors.write`.
    public let tensors: [(name: String, shape: [Int], values: [Float])]
    /// What was changed on the way, in words for the user.
    public let notes: [String]

    /// Understands the state dicts of `resnet_6blocks` and `resnet_9blocks` (and any other size), current and with the running
    /// statistics of old versions, with and without dropout, with the `module.` prefix of DataParallel, and this project's
    /// `resize` numbering. A state dict does not say its activation: `activation` is ReLU in the original project.
    /// Throws a `WeightsError` that lists every difference where the file is none of these.
    public init(_ file: WeightsFile, activation: GeneratorDescription.Activation = .relu) throws {
        var notes: [String] = []
        var names: [String: String] = [:]  // ours -> the file's
        for name in file.tensors.keys {
            let own = Self.withoutModulePrefix(name)
            guard names.updateValue(name, forKey: own) == nil else {
                throw WeightsError(path: file.path, "has \(quoted(own)) twice, with and without the prefix \"module.\"")
            }
        }
        if file.tensors.keys.contains(where: { $0.hasPrefix("module.") }) {
            notes.append("removed the prefix \"module.\" of DataParallel")
        }

        // Such models were always run with the statistics of the picture itself; the stored ones must not be used.
        let statistics = names.keys.filter(Self.isRunningStatistic)
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

        let shapes = names.mapValues { file.tensors[$0]!.shape }
        let description = Self.guess(shapes, activation)
        let differences = description.differences(from: shapes)
        guard differences.isEmpty else {
            throw WeightsError(path: file.path, "is not \(description.summary): " + differences.joined(separator: "; "))
        }
        self.description = description
        self.notes = notes
        tensors = try description.tensorShapes.map { key, shape in
            (key, shape, try file.tensors[names[key]!]!.floats())
        }
    }

    private static func withoutModulePrefix(_ name: String) -> String {
        name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
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
            baseChannels: min(max(base, GeneratorDescription.baseChannelsRange.lowerBound), GeneratorDescription.baseChannelsRange.upperBound),
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
