import Digests
import LinuxFiles
import Networks
import Photos
import ServiceConfiguration
import Stylizing
import Synchronization
import Tensors
import Weights

/// Translates photos with the networks of a model store. Models are loaded when they are first needed, and again when
/// their file has changed; one is held at a time for each style.
package final class NetworkTranslator: PhotoTranslating {
    private let models: ModelStore
    private let memoryBudget: Int
    package let context: ComputeContext
    private let loaded = Mutex<[String: (hash: SHA256Digest, stylizer: Stylizer)]>([:])

    /// - Parameters:
    ///   - memoryBudget: bytes that one translation may use.
    ///   - context: what the networks compute on.
    package init(models: ModelStore, memoryBudget: Int, in context: ComputeContext = .default) {
        (self.models, self.memoryBudget, self.context) = (models, memoryBudget, context)
    }

    package func model(for style: String) throws -> ModelIdentity { try models.identity(for: style) }

    package func decode(_ bytes: [UInt8], limits: DecodingLimits) throws -> Photo {
        guard let left = AddressSpace.left else { return try PhotoDecoder.decode(bytes: bytes, limits: limits) }
        // Where an allocation can fail, a photo that would need more than there is must be found out before.
        var tight = limits
        tight.maxPixels = min(limits.maxPixels, max(0, left - AddressSpace.reserve) / Self.decodedBytes)
        do { return try PhotoDecoder.decode(bytes: bytes, limits: tight) } catch let error as PhotoError {
            guard error.kind == .overLimit(.pixels), tight.maxPixels < limits.maxPixels else { throw error }
            throw PhotoError(
                kind: .outOfMemory,
                reason:
                    "memory is short: the process's limit (ulimit -v, LimitAS=) leaves room for \(tight.maxPixels) "
                    + "pixels at present"
            )
        }
    }

    /// What a pixel takes while a photo is decoded, turned round and converted.
    private static let decodedBytes = 16

    package func translate(
        _ photo: Photo, model: ModelIdentity, settings: PictureSettings, progress: @escaping @Sendable (Double) -> Bool
    ) throws -> Photo {
        do {
            var stylizer = try stylizer(for: model)
            if AddressSpace.left != nil {
                context.buffers.trim()
                let left = max(0, (AddressSpace.left ?? .max) - AddressSpace.reserve)
                stylizer = Stylizer(generator: stylizer.generator, memoryBudget: min(memoryBudget, left))
            }
            return try stylizer.stylize(
                photo, strength: settings.strength, render: settings.renderSize, progress: progress)
        } catch StylizingError.abandoned { throw TranslationAbandoned() }
    }

    package func work(width: Int, height: Int, model: ModelIdentity, settings: PictureSettings) throws -> Int {
        let workingSize = try stylizer(for: model).generator.description.workingSize
        return settings.renderSize.work(width: width, height: height, workingSize: workingSize)
    }

    package func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8] {
        try AddressSpace.require(photo.width * photo.height * 8, for: "encoding the picture")
        return try PhotoEncoder.encode(photo, options: options)
    }

    /// Models are loaded again when they are needed, in less time than a photo takes.
    package func rest() {
        loaded.withLock { $0 = [:] }
        context.buffers.trim()
    }

    /// The network of a model, loaded.
    /// - Throws: `ModelError` naming the file where it cannot be used.
    package func stylizer(for model: ModelIdentity) throws -> Stylizer {
        if let known = loaded.withLock({ $0[model.name] }), known.hash == model.hash { return known.stylizer }
        do {
            // The weights take up to eleven times their file's size once they are made ready.
            if AddressSpace.left != nil, let size = try Files.identity(of: model.path)?.size {
                try AddressSpace.require(Int(clamping: size) * 12, for: "the model '\(model.name)'")
            }
            let generator = try ResNetGenerator(try Safetensors.read(model.path.description), in: context)
            let stylizer = Stylizer(generator: generator, memoryBudget: memoryBudget)
            loaded.withLock { $0[model.name] = (model.hash, stylizer) }
            return stylizer
        } catch { throw ModelError("the model '\(model.name)' (\(model.path)) cannot be used: \(error)") }
    }
}
