import Networks
import Photos
import Tensors

/// How an image becomes the Inception network's input.
package enum InceptionMode: String, Sendable, CaseIterable {
    /// As pytorch-fid: bilinear to 299x299 without antialiasing, in single precision, 0 to 255 to [-1, 1].
    case pytorchFID = "pytorch-fid"
    /// As clean-fid (Parmar et al. 2022): Pillow's bicubic to 299x299, antialiased, unrounded, cut to 0 to 255, less
    /// 128, by 128.
    case clean

    /// (1, 299, 299, 3)
    func input(_ photo: Photo, in context: ComputeContext) -> Tensor {
        let side = InceptionV3.side
        switch self {
        case .pytorchFID:
            let values = bilinear(
                photo.pixels.map { Float($0) / 255 }, width: photo.width, height: photo.height, side: side)
            return Tensor(Shape(1, side, side, 3), values: values.map { 2 * $0 - 1 }, in: context)
        case .clean:
            let values = PillowBicubic.resized(photo, toWidth: side, height: side)
            return Tensor(
                Shape(1, side, side, 3), values: values.map { (min(max($0, 0), 255) - 128) / 128 }, in: context)
        }
    }
}

/// PyTorch's bilinear interpolation with align_corners false: pixels' centres at halves, no antialiasing. RGB.
func bilinear(_ values: [Float], width: Int, height: Int, side: Int) -> [Float] {
    struct Place {
        var low, high: Int
        /// Of the higher one.
        var weight: Float
    }
    func places(_ size: Int) -> [Place] {
        let scale = Float(size) / Float(side)
        return (0..<side).map { i in
            let at = max(0, scale * (Float(i) + 0.5) - 0.5), low = min(Int(at), size - 1)
            return Place(low: low, high: min(low + 1, size - 1), weight: min(max(at - Float(low), 0), 1))
        }
    }
    let (rows, columns) = (places(height), places(width))
    return [Float](unsafeUninitializedCapacity: side * side * 3) { target, count in
        values.withUnsafeBufferPointer { values in
            for (y, row) in rows.enumerated() {
                let (top, bottom) = (row.low * width * 3, row.high * width * 3)
                for (x, column) in columns.enumerated() {
                    let (left, right) = (column.low * 3, column.high * 3)
                    for c in 0..<3 {
                        let above =
                            (1 - column.weight) * values[top + left + c] + column.weight * values[top + right + c]
                        let below =
                            (1 - column.weight) * values[bottom + left + c] + column.weight * values[bottom + right + c]
                        target[(y * side + x) * 3 + c] = (1 - row.weight) * above + row.weight * below
                    }
                }
            }
        }
        count = side * side * 3
    }
}

/// Pillow's bicubic of images with float pixels (mode F): across, then down, sums in double, each pass rounded to
/// single precision.
enum PillowBicubic {
    private struct Window {
        var first: Int
        var weights: [Double]
    }

    /// Filter windows of one axis; stretched where the image is made smaller.
    private static func windows(_ source: Int, _ target: Int) -> [Window] {
        let scale = Double(source) / Double(target), stretch = max(1, scale), support = 2 * stretch
        return (0..<target).map { i in
            let centre = (Double(i) + 0.5) * scale
            let first = max(0, Int(centre - support + 0.5)), end = min(source, Int(centre + support + 0.5))
            let weights = (first..<end).map { cubic((Double($0) - centre + 0.5) / stretch) }, sum = weights.reduce(0, +)
            return Window(first: first, weights: sum == 0 ? weights : weights.map { $0 / sum })
        }
    }

    /// Keys' cubic convolution with a = -1/2.
    private static func cubic(_ x: Double) -> Double {
        let x = abs(x), a = -0.5
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }

    /// RGB values, 0 to 255 and a little beyond.
    static func resized(_ photo: Photo, toWidth width: Int, height: Int) -> [Float] {
        let values = photo.pixels.map { Float($0) }
        let across =
            photo.width == width
            ? values
            : passed(windows(photo.width, width), count: photo.height, values) { row, i in
                (row * photo.width + i) * 3
            }
        if photo.height == height { return across }
        // Down: the rows of the result are made of the same column's pixels.
        let columns = passed(windows(photo.height, height), count: width, across) { column, i in
            (i * width + column) * 3
        }
        return [Float](unsafeUninitializedCapacity: width * height * 3) { target, count in
            for y in 0..<height {
                for x in 0..<width {
                    for c in 0..<3 { target[(y * width + x) * 3 + c] = columns[(x * height + y) * 3 + c] }
                }
            }
            count = width * height * 3
        }
    }

    /// `count` lines of pixels through the windows; `place` says where pixel i of a line stands.
    private static func passed(
        _ windows: [Window], count lines: Int, _ values: [Float], place: (Int, Int) -> Int
    ) -> [Float] {
        [Float](unsafeUninitializedCapacity: lines * windows.count * 3) { target, count in
            values.withUnsafeBufferPointer { values in
                for line in 0..<lines {
                    for (i, window) in windows.enumerated() {
                        var sum = (0.0, 0.0, 0.0)
                        for (k, weight) in window.weights.enumerated() {
                            let at = place(line, window.first + k)
                            sum.0 += Double(values[at]) * weight
                            sum.1 += Double(values[at + 1]) * weight
                            sum.2 += Double(values[at + 2]) * weight
                        }
                        let at = (line * windows.count + i) * 3
                        (target[at], target[at + 1], target[at + 2]) = (Float(sum.0), Float(sum.1), Float(sum.2))
                    }
                }
            }
            count = lines * windows.count * 3
        }
    }
}
