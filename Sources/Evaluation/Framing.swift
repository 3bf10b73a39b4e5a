import Photos

/// What of an image is looked at.
package enum Framing: Sendable, Equatable {
    /// The image as it is.
    case whole
    /// All of it, resized to a square (bicubic, antialiased), whatever its aspect: as the training's pictures are.
    case square(Int)
    /// Squares of 256, so many of each image made that large on its short side: brush strokes, not motifs.
    case crops(shortSide: Int, count: Int)

    package static let cropSide = 256

    /// Parts of an image. Which crops are taken follows from the seed and the image's number.
    package func parts(_ photo: Photo, number: Int, seed: UInt64) throws -> [Photo] {
        switch self {
        case .whole: return [photo]
        case .square(let side): return [try photo.resized(toWidth: side, height: side, filter: .bicubic)]
        case .crops(_, let count):
            let scaled = try resized(photo)
            var random = EvaluationRandom(seed: seed, purpose: "crops", number: number)
            return (0..<count).map { _ in
                let x = random.below(scaled.width - Self.cropSide + 1),
                    y = random.below(scaled.height - Self.cropSide + 1)
                return scaled.cropped(x: x, y: y, side: Self.cropSide)
            }
        }
    }

    /// The whole image at the size that it is looked at.
    package func resized(_ photo: Photo) throws -> Photo {
        switch self {
        case .whole: return photo
        case .square(let side): return try photo.resized(toWidth: side, height: side, filter: .bicubic)
        case .crops(let side, _):
            let factor = Double(side) / Double(min(photo.width, photo.height))
            func scaled(_ length: Int) -> Int { max(side, Int((Double(length) * factor).rounded())) }
            return try photo.resized(toWidth: scaled(photo.width), height: scaled(photo.height), filter: .bicubic)
        }
    }
}

extension Photo {
    /// A square of it, or as much of one as there is.
    func cropped(x: Int, y: Int, side: Int) -> Photo {
        let (columns, rows) = (min(side, width - x), min(side, height - y))
        var pixels: [UInt8] = []
        pixels.reserveCapacity(columns * rows * 3)
        for row in y..<y + rows {
            let first = (row * width + x) * 3
            pixels += self.pixels[first..<first + columns * 3]
        }
        return Photo(width: columns, height: rows, pixels: pixels, format: format)
    }
}
