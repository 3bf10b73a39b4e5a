import Photos

/// `Evaluator.progress` answered false.
package struct EvaluationStopped: Error, CustomStringConvertible {
    package let description = "stopped"

    package init() {}
}

/// Looks at images one after the other and keeps their features alone: memory does not grow with the images' size, and
/// with their number by some kilobytes each.
package final class Evaluator {
    private let extractor: any FeatureExtractor
    private let content: ContentDistance?
    private let framing: Framing
    private let seed: UInt64
    /// Is told of images done, and of all; answers false to stop.
    package var progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
    /// Is told of each image that could not be read, and why.
    package var unreadable: (_ line: String) -> Void = { _ in }

    package init(
        features: any FeatureExtractor, content: ContentDistance? = nil, framing: Framing = .whole, seed: UInt64 = 1
    ) {
        (extractor, self.content, self.framing, self.seed) = (features, content, framing, seed)
    }

    /// One side of a comparison.
    package struct Side: Sendable {
        package var features: FeatureTable
        /// Images read, and the names of those that could not be.
        package var images = 0
        package var unreadable: [String] = []
    }

    /// The features of all images that can be read. Throws `EvaluationError` where those are fewer than two.
    /// - Parameter what: the images in a word, for the message.
    package func features(of source: some ImageSource, _ what: String) throws -> Side {
        var side = Side(features: FeatureTable(dimensions: extractor.dimensions))
        try each(source, &side, what) { photo, number, side in
            for part in try framing.parts(photo, number: number, seed: seed) {
                side.features.append(extractor.features(part))
            }
        }
        return side
    }

    /// What a model makes of photos.
    package struct Pictures: Sendable {
        package var side: Side
        /// A value a photo: its distance from the picture, and from its reconstruction; empty where they were not
        /// taken.
        package var content: [Double] = [], reconstruction: [Double] = []

        package init(side: Side) { self.side = side }
    }

    /// The features of the pictures that a model makes of photos, in memory. Throws `StylizingError.notFinite` where it
    /// makes none.
    package func pictures(of photos: some ImageSource, _ maker: PictureMaker) throws -> Pictures {
        var pictures = Pictures(side: Side(features: FeatureTable(dimensions: extractor.dimensions)))
        var (contents, reconstructions): ([Double], [Double]) = ([], [])
        try each(photos, &pictures.side, "photos") { photo, number, side in
            let made = try maker.made(of: photo, framing)
            for part in try framing.parts(made.picture, number: number, seed: seed) {
                side.features.append(extractor.features(part))
            }
            guard let content else { return }
            let distances = content.distances(made.photo, [made.picture] + (made.reconstruction.map { [$0] } ?? []))
            contents.append(distances[0])
            if distances.count > 1 { reconstructions.append(distances[1]) }
        }
        (pictures.content, pictures.reconstruction) = (contents, reconstructions)
        return pictures
    }

    /// The features of pictures that are there already, and how far each is from its photo.
    /// - Parameter photo: that which the picture with this index was made of; nil where there is none.
    package func pictures(
        _ made: some ImageSource, _ what: String, photo: (_ index: Int) throws -> Photo?
    ) throws -> Pictures {
        var side = Side(features: FeatureTable(dimensions: extractor.dimensions)), contents: [Double] = []
        try each(made, &side, what) { picture, number, side in
            let original = content == nil ? nil : try photo(number)
            for part in try framing.parts(picture, number: number, seed: seed) {
                side.features.append(extractor.features(part))
            }
            if let content, let original { contents.append(content.between(original, picture)) }
        }
        var pictures = Pictures(side: side)
        pictures.content = contents
        return pictures
    }

    private func each(
        _ source: some ImageSource, _ side: inout Side, _ what: String, _ body: (Photo, Int, inout Side) throws -> Void
    ) throws {
        for index in 0..<source.count {
            do {
                let photo = try source.photo(index)
                try body(photo, index, &side)
                side.images += 1
            } catch let error as PhotoError {
                side.unreadable.append(source.name(index))
                unreadable("skipped: \(source.name(index)): \(error)")
            }
            if !progress(index + 1, source.count) { throw EvaluationStopped() }
        }
        guard side.images >= 2 else {
            throw EvaluationError(
                "\(what): \(side.images == 0 ? "no image" : "one image only") could be read; a distance of "
                    + "distributions needs two or more on either side")
        }
    }

    /// Both distances, in the extractor's units.
    package func distances(_ generated: FeatureTable, _ reference: FeatureTable, sets: Int = 1000) throws -> Distances {
        let left = extractor.comparable(generated, reference: reference),
            right = extractor.comparable(reference, reference: reference)
        return Distances(
            frechet: try FrechetDistance.between(left, right, in: extractor.context),
            frechetAtInfinity: try FrechetDistance.extrapolated(left, right, seed: seed, in: extractor.context),
            kernel: try KernelDistance.between(left, right, sets: sets, seed: seed, in: extractor.context))
    }

    package struct Distances: Sendable, Equatable {
        package var frechet: Double
        /// With infinitely many images, by extrapolation; nil with too few to tell.
        package var frechetAtInfinity: Double?
        package var kernel: Estimate
    }
}
