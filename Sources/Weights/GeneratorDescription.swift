/// What a generator's tensors alone do not say: its size, activation and kind of upsampling, from a file's metadata.
public struct GeneratorDescription: Sendable, Equatable {
    public enum Activation: Sendable, Equatable {
        case relu
        case leakyReLU(slope: Float)
    }

    public enum Upsampling: String, Sendable, CaseIterable {
        /// Transposed 3x3 convolutions of stride 2, as in the original project.
        case transposed
        /// Nearest x2, then a reflection-padded 3x3 convolution: no checkerboard.
        case resize
    }

    /// The `format` of a file that holds one generator, and of one that holds a training state.
    public static let format = "cyclegan-generator/1"
    public static let trainingFormat = "cyclegan-training/1"

    /// Wider and deeper than any published one; a file that claims more is not believed.
    public static let baseChannelsRange = 1...1024
    public static let residualBlocksRange = 0...256

    public var baseChannels: Int
    public var residualBlocks: Int
    public var activation: Activation
    public var upsampling: Upsampling

    public init(baseChannels: Int, residualBlocks: Int, activation: Activation, upsampling: Upsampling) {
        self.baseChannels = baseChannels
        self.residualBlocks = residualBlocks
        self.activation = activation
        self.upsampling = upsampling
    }

    /// Throws `WeightsError` naming the metadata key that is missing or has a value that is not understood.
    public init(metadata: [String: String]) throws {
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
                    "metadata key \(quoted(key)) is \(quoted(text)), expected a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        let format = try value("format")
        guard format == Self.format || format == Self.trainingFormat else {
            throw WeightsError(
                "metadata key \"format\" is \(quoted(format)), expected \"\(Self.format)\" or \"\(Self.trainingFormat)\"")
        }
        baseChannels = try number("base-channels", Self.baseChannelsRange)
        residualBlocks = try number("residual-blocks", Self.residualBlocksRange)
        let activationText = try value("activation")
        guard let activation = Activation(activationText) else {
            throw WeightsError(
                "metadata key \"activation\" is \(quoted(activationText)), expected \"relu\" or \"leaky-relu:SLOPE\" with a slope from 0 to 1")
        }
        self.activation = activation
        let upsamplingText = try value("upsampling")
        guard let upsampling = Upsampling(rawValue: upsamplingText) else {
            throw WeightsError(
                "metadata key \"upsampling\" is \(quoted(upsamplingText)), expected \"transposed\" or \"resize\"")
        }
        self.upsampling = upsampling
    }

    /// As `init(metadata:)`; the error names the file too.
    public init(_ file: WeightsFile) throws {
        do {
            try self.init(metadata: file.metadata)
        } catch let error as WeightsError {
            throw WeightsError(path: file.path, error.reason)
        }
    }

    /// For a file with this generator alone.
    public var metadata: [String: String] {
        [
            "format": Self.format,
            "base-channels": String(baseChannels),
            "residual-blocks": String(residualBlocks),
            "activation": activation.text,
            "upsampling": upsampling.rawValue,
        ]
    }
}

extension GeneratorDescription.Activation {
    /// From `relu` or `leaky-relu:SLOPE`; nil for anything else.
    public init?(_ text: String) {
        let prefix = "leaky-relu:"
        if text == "relu" {
            self = .relu
        } else if text.hasPrefix(prefix), let slope = Float(text.dropFirst(prefix.count)), (0...1).contains(slope) {
            self = .leakyReLU(slope: slope)
        } else {
            return nil
        }
    }

    public var text: String {
        switch self {
        case .relu: "relu"
        case .leakyReLU(let slope): "leaky-relu:\(slope)"
        }
    }
}
