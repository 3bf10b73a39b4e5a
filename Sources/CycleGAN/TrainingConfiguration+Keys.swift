import Networks

extension TrainingConfiguration {
    /// A setting as the file and the command line name it.
    package struct Key {
        package let name: String
        /// What values it takes, for messages and help.
        package let values: String
        /// The present value; nil where the key is not set.
        package let text: (TrainingConfiguration) -> String?
        /// False where the text is not one of `values`.
        let set: (inout TrainingConfiguration, String) -> Bool
    }

    /// All keys, in the order of the file.
    package static var keys: [Key] {
        [
            path("photos", \.photos), path("paintings", \.paintings), optionalPath("pairs", \.pairs),
            number("load-size", \.loadSize, 32...16_384), number("crop-size", \.cropSize, 32...4096),
            sizes("sizes", \.sizes), sizes("photo-sizes", \.photoSizes),
            number("held-out", \.heldOut, 0...64), optionalPath("replay-photos", \.replayPhotos),
            optionalPath("replay-paintings", \.replayPaintings), real("replay", \.replay, 0...1),
            choice("variant", \.variant), real("leaky-slope", \.leakySlope, 0...1),
            number("base-channels", \.baseChannels, GeneratorDescription.baseChannelsRange),
            number("residual-blocks", \.residualBlocks, GeneratorDescription.residualBlocksRange),
            choice("upsampling", \.upsampling), choice("downsampling-padding", \.downsamplingPadding),
            choice("skip", \.skip), number("discriminator-channels", \.discriminatorChannels, 1...1024),
            optionalPath("init", \.initialState), optionalPath("from", \.from),
            optionalNumber("iterations", \.iterations), optionalNumber("epochs", \.epochs),
            duration("minutes", \.minutes),
            seed("seed", \.seed), number("batch", \.batch, 1...256), real("learning-rate", \.learningRate, 0...1),
            real("lambda-cycle", \.lambdaCycle, 0...1e6), real("lambda-identity", \.lambdaIdentity, 0...1e6),
            number("pool-size", \.poolSize, 0...10_000), real("semantic-weight", \.semanticWeight, 0...1e6),
            choice("semantic-layer", \.semanticLayer), flag("semantic-squared", \.semanticSquared),
            optionalPath("feature-weights", \.featureWeights), real("style-weight", \.styleWeight, 0...1e6),
            optionalReal("style-end-weight", \.styleEndWeight, 0...1e6),
            number("style-clusters", \.styleClusters, 1...1000),
            flag("style-roots", \.styleRoots),
            real("feature-adversarial-weight", \.featureAdversarialWeight, 0...1e6), real("grain", \.grain, 0...1),
            real("colour-weight", \.colourWeight, 0...1e6), real("spot-weight", \.spotWeight, 0...1e6),
            real("spike-weight", \.spikeWeight, 0...1e6),
            real("lattice-weight", \.latticeWeight, 0...1e9), real("content-weight", \.contentWeight, 0...1e6),
            number("identity-every", \.identityEvery, 1...1_000_000), stages, real("ema", \.ema, 0...0.99999),
            augmentation,
            flag("blur-pool", \.blurPool), flag("spectral-normalization", \.spectralNormalization),
            real("gradient-clip", \.gradientClip, 0...1e9), flag("alarm", \.alarm),
            number("checkpoint-every", \.checkpointEvery, 1...10_000_000),
            number("keep-checkpoints", \.keepCheckpoints, 1...1000),
            number("sample-every", \.sampleEvery, 1...10_000_000), number("log-every", \.logEvery, 1...10_000_000),
            optionalPath("original-model", \.originalModel), optionalPath("style", \.style),
            optionalPath("trained-on", \.trainedOn),
        ]
    }

    /// Sets a key from its text. Throws naming the key and what it takes.
    package mutating func set(_ name: String, _ text: String) throws {
        guard let key = Self.keys.first(where: { $0.name == name }) else {
            throw TrainingError(
                "there is no key \(name); the keys are " + Self.keys.map(\.name).joined(separator: ", "))
        }
        guard key.set(&self, text) else { throw TrainingError("\(name) is \"\(text)\", expected \(key.values)") }
    }

    private typealias Path<Value> = WritableKeyPath<TrainingConfiguration, Value>

    private static func path(_ name: String, _ path: Path<String>) -> Key {
        Key(name: name, values: "a text", text: { $0[keyPath: path] }) { configuration, text in
            configuration[keyPath: path] = text
            return !text.isEmpty
        }
    }

    private static func optionalPath(_ name: String, _ path: Path<String?>) -> Key {
        Key(name: name, values: "a text", text: { $0[keyPath: path] }) { configuration, text in
            configuration[keyPath: path] = text
            return !text.isEmpty
        }
    }

    private static func number(_ name: String, _ path: Path<Int>, _ range: ClosedRange<Int>) -> Key {
        let values = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Key(name: name, values: values, text: { String($0[keyPath: path]) }) { configuration, text in
            guard let value = Int(text), range.contains(value) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func optionalNumber(_ name: String, _ path: Path<Int?>) -> Key {
        Key(name: name, values: "a whole number from 1 on", text: { $0[keyPath: path].map { String($0) } }) {
            configuration, text in
            guard let value = Int(text), (1...1_000_000_000).contains(value) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func duration(_ name: String, _ path: Path<Double?>) -> Key {
        Key(name: name, values: "a number above 0", text: { $0[keyPath: path].map { "\($0)" } }) {
            configuration, text in
            guard let value = Double(text), value > 0, value < 1e8 else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func real(_ name: String, _ path: Path<Double>, _ range: ClosedRange<Double>) -> Key {
        let values = "a number from \(range.lowerBound) to \(range.upperBound)"
        return Key(name: name, values: values, text: { "\($0[keyPath: path])" }) { configuration, text in
            guard let value = Double(text), range.contains(value) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func optionalReal(_ name: String, _ path: Path<Double?>, _ range: ClosedRange<Double>) -> Key {
        let values = "a number from \(range.lowerBound) to \(range.upperBound)"
        return Key(name: name, values: values, text: { $0[keyPath: path].map { "\($0)" } }) { configuration, text in
            guard let value = Double(text), range.contains(value) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    /// A list with commas, or `none`.
    private static func sizes(_ name: String, _ path: Path<[Int]>) -> Key {
        Key(
            name: name, values: "none, or short sides from 32 to 16384 with commas, as 480,640,800",
            text: { c in c[keyPath: path].isEmpty ? "none" : c[keyPath: path].map(String.init).joined(separator: ",") }
        ) { configuration, text in
            let parts =
                text == "none" ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.allSatisfy({ $0.map((32...16_384).contains) ?? false }) else { return false }
            configuration[keyPath: path] = parts.compactMap { $0 }
            return true
        }
    }

    private static var stages: Key {
        Key(
            name: "stages", values: "none, or stages as \"800 sizes=480,640 grain=0.05; 2000 style-weight=2\"",
            text: { $0.stages.isEmpty ? nil : TrainingStage.text($0.stages) }
        ) { configuration, text in
            guard let stages = TrainingStage.parse(text) else { return false }
            configuration.stages = stages
            return true
        }
    }

    private static func seed(_ name: String, _ path: Path<UInt64>) -> Key {
        Key(name: name, values: "a whole number from 0 on", text: { String($0[keyPath: path]) }) {
            configuration, text in
            guard let value = UInt64(text) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func flag(_ name: String, _ path: Path<Bool>) -> Key {
        Key(name: name, values: "true or false", text: { String($0[keyPath: path]) }) { configuration, text in
            guard let value = Bool(text) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable>(_ name: String, _ path: Path<Value>)
        -> Key
    {
        let values = "one of " + Value.allCases.map(\.rawValue).joined(separator: ", ")
        return Key(name: name, values: values, text: { $0[keyPath: path].rawValue }) { configuration, text in
            guard let value = Value(rawValue: text) else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    /// A list with commas, or `none`.
    private static var augmentation: Key {
        let all = Augmentation.Policy.allCases
        let values = "none, or some of " + all.map(\.rawValue).joined(separator: ",")
        return Key(
            name: "diff-augment", values: values,
            text: { c in
                c.augmentation.isEmpty
                    ? "none" : all.filter(c.augmentation.contains).map(\.rawValue).joined(separator: ",")
            }
        ) { configuration, text in
            let parts =
                text == "none"
                ? []
                : text.split(separator: ",", omittingEmptySubsequences: false).map {
                    Augmentation.Policy(rawValue: String($0))
                }
            guard !parts.contains(nil) else { return false }
            configuration.augmentation = Set(parts.compactMap { $0 })
            return true
        }
    }
}
