import Digests
import LinuxFiles
import Photos
import ServiceConfiguration

/// A model as the ledger remembers it.
package struct ModelIdentity: Sendable, Hashable {
    /// The name that the configuration uses.
    package var name: String
    package var path: BytePath
    /// SHA-256 of the file.
    package var hash: SHA256Digest

    package init(name: String, path: BytePath, hash: SHA256Digest) {
        self.name = name
        self.path = path
        self.hash = hash
    }
}

/// A translation that was given up because its progress callback said so.
package struct TranslationAbandoned: Error, Sendable {
    package init() {}
}

/// What the pipeline needs of those who know about pictures and networks. Every call may take seconds and comes from a
/// thread of its own.
package protocol PhotoTranslating: Sendable {
    /// The model that a style stands for now. Cheap when nothing has changed.
    func model(for style: String) throws -> ModelIdentity
    func decode(_ bytes: [UInt8], limits: DecodingLimits) throws -> Photo
    /// Pixels that the network works on for a photo of this size: what a translation's time goes with.
    func work(width: Int, height: Int, model: ModelIdentity, settings: PictureSettings) throws -> Int
    /// - Parameter progress: gets 0 to 1 and returns false to give up.
    /// - Throws: `TranslationAbandoned` where `progress` returned false.
    func translate(
        _ photo: Photo, model: ModelIdentity, settings: PictureSettings, progress: @escaping @Sendable (Double) -> Bool
    ) throws -> Photo
    func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8]
    /// There is nothing to do for a while: memory that is kept for the next photo goes back.
    func rest()
}

extension PhotoTranslating {
    package func rest() {}

    /// For translators that take every pixel once.
    package func work(width: Int, height: Int, model: ModelIdentity, settings: PictureSettings) throws -> Int {
        width * height
    }
}
