import Photos

/// Images that are asked for one at a time, however many there are.
public protocol ImageSource: Sendable {
    var count: Int { get }
    /// For messages.
    func name(_ index: Int) -> String
    /// Throws `PhotoError` where it cannot be read; another is taken in its place by nobody.
    func photo(_ index: Int) throws -> Photo
}

/// Images at hand.
public struct ImageList: ImageSource {
    public var photos: [Photo]

    public init(_ photos: [Photo]) { self.photos = photos }

    public var count: Int { photos.count }
    public func name(_ index: Int) -> String { "image \(index + 1)" }
    public func photo(_ index: Int) -> Photo { photos[index] }
}

/// Why two sets of images cannot be compared, in one line with the remedy.
public struct EvaluationError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
