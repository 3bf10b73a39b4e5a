import Weights

/// What a generator's tensors alone do not say: its size, activation and kind of upsampling, from a file's metadata.
package struct GeneratorDescription: Sendable, Equatable {
    package enum Activation: Sendable, Equatable {
        case relu
        case leakyReLU(slope: Float)
    }

    package enum Upsampling: String, Sendable, CaseIterable {
        /// Transposed 3x3 convolutions of stride 2, as in the original project.
        case transposed
        /// Nearest x2, then a reflection-padded 3x3 convolution: no checkerboard.
        case resize
        /// Bilinear x2, then an edge-padded 3x3 convolution: no checkerboard, and no lattice.
        case bilinear
    }

    /// How the two layers of stride 2 read beyond the image's border.
    package enum DownsamplingPadding: String, Sendable, CaseIterable {
        /// As in the original project.
        case zero
        /// As the other layers: no dark or bright stripe at the border.
        case reflection
    }

    /// What is added to the last convolution's output before the hyperbolic tangent.
    package enum Skip: String, Sendable, CaseIterable {
        /// Nothing, as in the original project.
        case none
        /// The image's colours, without grain or detail: the means of blocks of 16x16 pixels, interpolated. Instance
        /// normalisation takes an image's mean colour away, and a generator that does not get it back can only guess
        /// hues. The detail stays its own: given the photo's, it paints no strokes.
        case colours
    }

    /// The side of the blocks of `Skip.colours`.
    package static let colourBlock = 16

    /// The `format` of a file that holds one generator, and of one that holds a training state.
    package static let format = "cyclegan-generator/1"
    package static let trainingFormat = "cyclegan-training/1"

    /// Wider and deeper than any published one; a file that claims more is not believed.
    package static let baseChannelsRange = 1...1024
    package static let residualBlocksRange = 0...256
    package static let grainRange = 0.0...1.0
    package static let workingSizeRange = 32...16_384

    package var baseChannels: Int
    package var residualBlocks: Int
    package var activation: Activation
    package var upsampling: Upsampling
    package var downsamplingPadding: DownsamplingPadding
    package var skip: Skip
    /// Deviation, of values in [-1, 1], of the noise that the generator was trained to be given with a photo
    /// (`GrainField`).
    package var grain: Double
    /// Pixels of a photo's short side at which strokes have the size that the generator was trained for; nil where it
    /// does not say.
    package var workingSize: Int?

    package init(
        baseChannels: Int, residualBlocks: Int, activation: Activation, upsampling: Upsampling,
        downsamplingPadding: DownsamplingPadding = .zero, skip: Skip = .none, grain: Double = 0, workingSize: Int? = nil
    ) {
        self.baseChannels = baseChannels
        self.residualBlocks = residualBlocks
        self.activation = activation
        self.upsampling = upsampling
        self.downsamplingPadding = downsamplingPadding
        self.skip = skip
        self.grain = grain
        self.workingSize = workingSize
    }

    /// Throws `WeightsError` naming the metadata key that is missing or has a value that is not understood.
    package init(metadata: [String: String]) throws {
        func value(_ key: String) throws -> String {
            guard let value = metadata[key] else {
                throw WeightsError("metadata key \(quoted(key)) is missing: this is not a generator's file")
            }
            return value
        }
        func number(_ key: String, _ range: ClosedRange<Int>) throws -> Int {
            let text = try value(key)
            guard let number = Int(text), range.contains(number) else {
                throw WeightsError(
                    "metadata key \(quoted(key)) is \(quoted(text)), expected a number from \(range.lowerBound) to "
                        + "\(range.upperBound)"
                )
            }
            return number
        }
        let format = try value("format")
        guard format == Self.format || format == Self.trainingFormat else {
            throw WeightsError(
                "metadata key \"format\" is \(quoted(format)), expected \"\(Self.format)\" or "
                    + "\"\(Self.trainingFormat)\""
            )
        }
        baseChannels = try number("base-channels", Self.baseChannelsRange)
        residualBlocks = try number("residual-blocks", Self.residualBlocksRange)
        let activationText = try value("activation")
        guard let activation = Activation(activationText) else {
            throw WeightsError(
                "metadata key \"activation\" is \(quoted(activationText)), expected \"relu\" or \"leaky-relu:SLOPE\" "
                    + "with a slope from 0 to 1"
            )
        }
        self.activation = activation
        func choice<Value: RawRepresentable<String> & CaseIterable>(_ key: String, _ text: String) throws -> Value {
            guard let value = Value(rawValue: text) else {
                let choices = Value.allCases.map { quoted($0.rawValue) }.joined(separator: " or ")
                throw WeightsError("metadata key \(quoted(key)) is \(quoted(text)), expected \(choices)")
            }
            return value
        }
        upsampling = try choice("upsampling", try value("upsampling"))
        // What older files do not say.
        downsamplingPadding =
            try metadata["downsampling-padding"].map { try choice("downsampling-padding", $0) } ?? .zero
        skip = try metadata["skip"].map { try choice("skip", $0) } ?? .none
        grain =
            try metadata["grain"].map { text in
                guard let grain = Double(text), Self.grainRange.contains(grain) else {
                    throw WeightsError("metadata key \"grain\" is \(quoted(text)), expected a number from 0 to 1")
                }
                return grain
            } ?? 0
        workingSize = try metadata["working-size"] == nil ? nil : number("working-size", Self.workingSizeRange)
    }

    /// As `init(metadata:)`; the error names the file too.
    package init(_ file: WeightsFile) throws {
        do {
            try self.init(metadata: file.metadata)
        } catch let error as WeightsError {
            throw WeightsError(path: file.path, error.reason)
        }
    }

    /// For a file with this generator alone.
    package var metadata: [String: String] {
        var metadata = [
            "format": Self.format,
            "base-channels": String(baseChannels),
            "residual-blocks": String(residualBlocks),
            "activation": activation.text,
            "upsampling": upsampling.rawValue,
        ]
        // What the original project's networks have is not said.
        if downsamplingPadding != .zero { metadata["downsampling-padding"] = downsamplingPadding.rawValue }
        if skip != .none { metadata["skip"] = skip.rawValue }
        if grain > 0 { metadata["grain"] = "\(grain)" }
        if let workingSize { metadata["working-size"] = String(workingSize) }
        return metadata
    }
}

extension GeneratorDescription.Activation {
    /// From `relu` or `leaky-relu:SLOPE`; nil for anything else.
    package init?(_ text: String) {
        let prefix = "leaky-relu:"
        if text == "relu" {
            self = .relu
        } else if text.hasPrefix(prefix), let slope = Float(text.dropFirst(prefix.count)), (0...1).contains(slope) {
            self = .leakyReLU(slope: slope)
        } else {
            return nil
        }
    }

    package var text: String {
        switch self {
        case .relu: "relu"
        case .leakyReLU(let slope): "leaky-relu:\(slope)"
        }
    }
}
