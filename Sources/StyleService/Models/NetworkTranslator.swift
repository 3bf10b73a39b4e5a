import Networks
import Photos
import Stylizing
import Synchronization
import Weights

/// Translates photos with the networks of a model store. Models are loaded when they are first needed, and again when their file has
/// changed; one is held at a time for each style.
public final class NetworkTranslator: PhotoTranslating {
    private let models: ModelStore
    private let memoryBudget: Int
    private let loaded = Mutex<[String: (hash: [UInt8], stylizer: Stylizer)]>([:])

    /// - Parameter memoryBudget: bytes that one translation may use.
    public init(models: ModelStore, memoryBudget: Int) {
        self.models = models
        self.memoryBudget = memoryBudget
    }

    public func model(for style: String) throws -> ModelIdentity { try models.identity(for: style) }

    public func decode(_ bytes: [UInt8], limits: DecodingLimits) throws -> Photo { try PhotoDecoder.decode(bytes: bytes, limits: limits) }

    public func translate(
        _ photo: Photo, model: ModelIdentity, settings: PictureSettings, progress: @escaping @Sendable (Double) -> Bool
    ) throws -> Photo {
        do {
            return try stylizer(for: model).stylize(photo, strength: settings.strength, render: settings.render, progress: progress)
        } catch StylizingError.abandoned { throw TranslationAbandoned() }
    }

    public func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8] { try PhotoEncoder.encode(photo, options: options) }

    /// The network of a model, loaded.
    /// - Throws: `ModelError` naming the file where it cannot be used.
    public func stylizer(for model: ModelIdentity) throws -> Stylizer {
        if let known = loaded.withLock({ $0[model.name] }), known.hash == model.hash { return known.stylizer }
        do {
            let generator = try ResNetGenerator(try Safetensors.read(model.path.description))
            let stylizer = Stylizer(generator: generator, memoryBudget: memoryBudget)
            loaded.withLock { $0[model.name] = (model.hash, stylizer) }
            return stylizer
        } catch { throw ModelError("the model '\(model.name)' (\(model.path)) cannot be used: \(error)") }
    }
}
