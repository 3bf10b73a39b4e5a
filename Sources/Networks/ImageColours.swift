import Tensors

/// What `GeneratorDescription.Skip.colours` adds to an image, in bands of rows.
struct ImageColours {
    private let means: Tensor
    private let enlargement: BilinearEnlargement

    /// - Parameter input: writes rows of the image, (rows, width, 3) in [-1, 1].
    init(height: Int, width: Int, in context: ComputeContext, input: (Range<Int>, UnsafeMutablePointer<Float>) -> Void)
    {
        let size = GeneratorDescription.colourBlock
        enlargement = BilinearEnlargement(size: size, height: height, width: width)
        let (lines, columns) = ((height + size - 1) / size, (width + size - 1) / size)
        means = Tensor(Shape(1, lines, columns, 3), in: context)
        // Whole blocks at a time, so that a large image needs no more memory than a band.
        for first in stride(from: 0, to: lines, by: 8) {
            let rows = first * size..<min(height, (first + 8) * size)
            let band = Tensor(Shape(1, rows.count, width, 3), in: context)
            input(rows, band.pointer)
            let part = BlockMeans(size: size).forward([band])
            (means.pointer + first * columns * 3).update(from: part.pointer, count: part.shape.count)
        }
    }

    /// Rows of what is added, (rows, width, 3).
    func write(rows: Range<Int>, to target: UnsafeMutablePointer<Float>) {
        enlargement.write(
            rows: rows, of: means.pointer, lines: means.shape.h, columns: means.shape.w, channels: 3, to: target,
            means.context)
    }
}
