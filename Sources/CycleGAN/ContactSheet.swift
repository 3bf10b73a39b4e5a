import Networks
import Photos
import Tensors

/// Photos and their pictures side by side: a row for each photo, a column for each model.
struct ContactSheet {
    private static let gap = 6

    /// - Parameters:
    ///   - rows: the images of a row; no larger than `side` on a side.
    ///   - side: of a cell.
    static func photo(_ rows: [[Photo]], side: Int) -> Photo {
        let columns = rows.map(\.count).max() ?? 1
        let width = columns * (side + gap) + gap, height = max(1, rows.count) * (side + gap) + gap
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        for (r, row) in rows.enumerated() {
            for (c, image) in row.enumerated() {
                let left = gap + c * (side + gap) + (side - image.width) / 2,
                    top = gap + r * (side + gap) + (side - image.height) / 2
                for y in 0..<image.height {
                    let source = y * image.width * 3, target = ((top + y) * width + left) * 3
                    pixels.replaceSubrange(
                        target..<target + image.width * 3, with: image.pixels[source..<source + image.width * 3])
                }
            }
        }
        return Photo(width: width, height: height, pixels: pixels, format: .png)
    }

    /// The photos, each with its pictures.
    static func rows(_ photos: [Photo], _ generators: [ResNetGenerator]) -> [[Photo]] {
        photos.map { photo in
            [photo] + generators.map { $0(Tensor(photo, in: $0.context)).photo }
        }
    }
}
