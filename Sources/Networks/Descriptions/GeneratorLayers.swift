import Weights

extension GeneratorDescription {
    /// A convolution of the generator; the tensors are `key` + `.weight` and `.bias`.
    package struct Layer: Sendable, Equatable {
        package enum Kind: Sendable, Equatable {
            /// 7x7, reflection 3, then normalisation and activation.
            case first
            /// 3x3, stride 2, zero padding 1, then normalisation and activation.
            case downsampling
            /// The same with reflection 1.
            case downsamplingReflected
            /// 3x3, reflection 1, then normalisation and activation.
            case residualFirst(block: Int)
            /// 3x3, reflection 1, then normalisation and the addition of the block's input.
            case residualSecond(block: Int)
            /// Transposed 3x3, stride 2, padding 1, output padding 1, then normalisation and activation.
            case upsamplingTransposed
            /// Nearest x2, 3x3, reflection 1, then normalisation and activation.
            case upsamplingResize
            /// Bilinear x2, 3x3, edge 1, then normalisation and activation.
            case upsamplingBilinear
            /// 7x7, reflection 3, then tanh.
            case last
        }

        package let key: String
        package let kind: Kind
        package let inputChannels: Int
        package let outputChannels: Int

        package var weightKey: String { key + ".weight" }
        package var biasKey: String { key + ".bias" }

        package var kernelSize: Int {
            switch kind {
            case .first, .last: 7
            default: 3
            }
        }

        /// Output, input, height, width; a transposed convolution has input and output exchanged, as in PyTorch.
        package var weightShape: [Int] {
            let channels =
                kind == .upsamplingTransposed ? [inputChannels, outputChannels] : [outputChannels, inputChannels]
            return channels + [kernelSize, kernelSize]
        }

        package var biasShape: [Int] { [outputChannels] }
    }

    /// Every convolution in the order in which the network runs them. The keys count all the layers of the original
    /// project's sequence (padding, normalisation, activation); `resize` and `bilinear` have one more at each
    /// upsampling.
    package var layers: [Layer] {
        let base = baseChannels
        func layer(_ key: String, _ kind: Layer.Kind, _ input: Int, _ output: Int) -> Layer {
            Layer(key: key, kind: kind, inputChannels: input, outputChannels: output)
        }
        let downsampling: Layer.Kind = downsamplingPadding == .zero ? .downsampling : .downsamplingReflected
        var result = [
            layer("model.1", .first, 3, base),
            layer("model.4", downsampling, base, 2 * base),
            layer("model.7", downsampling, 2 * base, 4 * base),
        ]
        for block in 0..<residualBlocks {
            let key = "model.\(10 + block).conv_block"
            result.append(layer(key + ".1", .residualFirst(block: block), 4 * base, 4 * base))
            result.append(layer(key + ".5", .residualSecond(block: block), 4 * base, 4 * base))
        }
        let after = residualBlocks
        switch upsampling {
        case .transposed:
            result.append(layer("model.\(10 + after)", .upsamplingTransposed, 4 * base, 2 * base))
            result.append(layer("model.\(13 + after)", .upsamplingTransposed, 2 * base, base))
            result.append(layer("model.\(17 + after)", .last, base, 3))
        case .resize, .bilinear:
            let kind: Layer.Kind = upsampling == .resize ? .upsamplingResize : .upsamplingBilinear
            result.append(layer("model.\(12 + after)", kind, 4 * base, 2 * base))
            result.append(layer("model.\(17 + after)", kind, 2 * base, base))
            result.append(layer("model.\(21 + after)", .last, base, 3))
        }
        return result
    }

    /// Every tensor's key and shape, in the layers' order.
    package var tensorShapes: [(key: String, shape: [Int])] {
        layers.flatMap { [($0.weightKey, $0.weightShape), ($0.biasKey, $0.biasShape)] }
    }

    /// Throws one `WeightsError` that counts the missing, unexpected and mis-shaped tensors and names the first ones.
    /// Looks at the tensors under `prefix` (`G.` in a training state) + `model.` only: a file may hold others beside
    /// the generator.
    package func validate(_ file: WeightsFile, prefix: String = "") throws {
        let found = file.tensors.filter { $0.key.hasPrefix(prefix + "model.") }.mapValues(\.shape)
        let differences = differences(from: found, prefix: prefix)
        guard differences.isEmpty else {
            throw WeightsError(path: file.path, "is not \(summary): " + differences.joined(separator: "; "))
        }
    }

    /// What keeps tensors of these shapes from being this generator's; empty where they are.
    func differences(from found: [String: [Int]], prefix: String = "") -> [String] {
        let expected = tensorShapes.map { (key: prefix + $0.key, shape: $0.shape) }
        let expectedKeys = Set(expected.map(\.key))
        let missing = expected.filter { found[$0.key] == nil }.map(\.key)
        let unexpected = found.keys.filter { !expectedKeys.contains($0) }.sorted()
        let misshaped = expected.compactMap { key, shape in
            found[key].flatMap { $0 == shape ? nil : "\(key) is \($0), expected \(shape)" }
        }
        func list(_ title: String, _ items: [String]) -> [String] {
            // A line that a person reads: a network of another kind differs in every key.
            items.isEmpty
                ? []
                : [
                    "\(title) (\(items.count)): " + items.prefix(3).joined(separator: ", ")
                        + (items.count > 3 ? " ..." : "")
                ]
        }
        return list("missing", missing) + list("unexpected", unexpected) + list("wrong shape", misshaped)
    }

    /// In words, for messages.
    var summary: String {
        "a generator with \(baseChannels) base channels, \(residualBlocks) residual blocks and \(upsampling.rawValue) "
            + "upsampling"
    }
}
