import Networks
import Photos
import Tensors

/// Photos and their pictures side by side: a row for each photo, a column for each model.
struct ContactSheet {
    private static let gap = 6

    /// - Parameters:
    ///   - rows: the images of a row, which is as high as the highest of them; no larger than `side` on a side.
    ///   - side: a column's width.
    static func photo(_ rows: [[Photo]], side: Int) -> Photo {
        let columns = rows.map(\.count).max() ?? 1
        let heights = rows.map { $0.map(\.height).max() ?? 0 }
        let width = columns * (side + gap) + gap, height = heights.reduce(gap) { $0 + $1 + gap }
        var pixels = [UInt8](repeating: 255, count: width * height * 3), top = gap
        for (row, rowHeight) in zip(rows, heights) {
            for (column, image) in row.enumerated() {
                let x = gap + column * (side + gap) + (side - image.width) / 2, y = top + (rowHeight - image.height) / 2
                for line in 0..<image.height {
                    let source = line * image.width * 3, target = ((y + line) * width + x) * 3
                    pixels.replaceSubrange(
                        target..<target + image.width * 3, with: image.pixels[source..<source + image.width * 3])
                }
            }
            top += rowHeight + gap
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
