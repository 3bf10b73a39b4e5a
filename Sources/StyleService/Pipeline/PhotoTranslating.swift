import Photos

/// A model as the ledger remembers it.
public struct ModelIdentity: Sendable, Hashable {
    /// The name that the configuration uses.
    public var name: String
    public var path: BytePath
    /// SHA-256 of the file.
    public var hash: [UInt8]

    public init(name: String, path: BytePath, hash: [UInt8]) {
        self.name = name
        self.path = path
        self.hash = hash
    }
}

/// A translation that was given up because its progress callback said so.
public struct TranslationAbandoned: Error, Sendable {
    public init() {}
}

/// What the pipeline needs of those who know about pictures and networks. Every call may take seconds and comes from a thread of
/// its own.
public protocol PhotoTranslating: Sendable {
    /// The model that a style stands for now. Cheap when nothing has changed.
    func model(for style: String) throws -> ModelIdentity
    func decode(_ bytes: [UInt8], limits: DecodingLimits) throws -> Photo
    /// - Parameter progress: gets 0 to 1 and returns false to give up.
    /// - Throws: `TranslationAbandoned` where `progress` returned false.
    func translate(_ photo: Photo, model: ModelIdentity, settings: PictureSettings, progress: @escaping @Sendable (Double) -> Bool) throws -> Photo
    func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8]
}
