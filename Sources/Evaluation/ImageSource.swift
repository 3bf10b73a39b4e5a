import Photos

/// Images that are asked for one at a time, however many there are.
package protocol ImageSource: Sendable {
    var count: Int { get }
    /// For messages.
    func name(_ index: Int) -> String
    /// Throws `PhotoError` where it cannot be read; another is taken in its place by nobody.
    func photo(_ index: Int) throws -> Photo
}

/// Images at hand.
package struct ImageList: ImageSource {
    package var photos: [Photo]

    package init(_ photos: [Photo]) { self.photos = photos }

    package var count: Int { photos.count }
    package func name(_ index: Int) -> String { "image \(index + 1)" }
    package func photo(_ index: Int) -> Photo { photos[index] }
}

/// Why two sets of images cannot be compared, in one line with the remedy.
package struct EvaluationError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
