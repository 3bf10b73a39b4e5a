/// Which input pixels and which weights each output pixel of a convolution takes.
///
/// A convolution that doubles the size is four dense ones of the small input, one for each parity of the output's row
/// and column: its phases. An ordinary convolution has one phase.
struct ConvolutionGeometry: Sendable {
    /// One direction (rows or columns) of a phase's window: unit m reads input m * stride + offset + c, for each cell
    /// c.
    struct Axis: Sendable {
        /// Outputs m * upscale + parity are made.
        var parity = 0
        var offset: Int
        /// For each cell the taps (the kernel's rows, or columns) that are summed in it; one that stands more than once
        /// weighs as often.
        var cells: [[Int]]
    }

    let stride: Int
    let upscale: Int
    let kernelSize: Int
    let padding: Padding
    /// The same for rows and columns; the phases are all pairs.
    let axes: [Axis]
    /// Of every cell's sum.
    var cellScale: Float = 1
    /// Output size of a side: (side + sizeOffset) / stride + 1 of an ordinary convolution, twice the side of a
    /// doubling.
    private let sizeOffset: Int

    var phases: [(row: Axis, column: Axis)] { axes.flatMap { row in axes.map { (row, $0) } } }

    /// The smallest window that holds every phase's: where its side begins, and how many cells it has.
    var window: (offset: Int, cells: Int) {
        let low = axes.map(\.offset).min()!
        return (low, axes.map { $0.offset + $0.cells.count }.max()! - low)
    }

    func outputSide(_ side: Int) -> Int {
        if upscale == 2 { return 2 * side }
        precondition(side + sizeOffset >= 0, "an image \(side) pixels high or wide is too small for this convolution")
        return (side + sizeOffset) / stride + 1
    }

    /// An ordinary convolution.
    static func strided(kernelSize k: Int, stride: Int, padding: Padding, pad: Int) -> Self {
        Self(
            stride: stride, upscale: 1, kernelSize: k, padding: padding,
            axes: [Axis(offset: -pad, cells: (0..<k).map { [$0] })], sizeOffset: 2 * pad - k)
    }

    /// The adjoint of a stride-2 convolution with zero padding `pad`: PyTorch's ConvTranspose2d.
    static func transposed(kernelSize k: Int, pad: Int) -> Self {
        // Output row r takes input row o through tap r + pad - 2 o.
        let axes = (0..<2).map { parity -> Axis in
            let taps = (0..<k).filter { (parity + pad - $0) % 2 == 0 }.sorted(by: >)
            return Axis(parity: parity, offset: (parity + pad - taps[0]) / 2, cells: taps.map { [$0] })
        }
        return Self(stride: 1, upscale: 2, kernelSize: k, padding: .zero, axes: axes, sizeOffset: 0)
    }

    /// Nearest-neighbour doubling, reflection padding 1, 3x3 convolution (Odena et al. 2016): the doubled image is
    /// never made, and its reflection is the small image's edge repeated.
    static let doubling = Self(
        stride: 1, upscale: 2, kernelSize: 3, padding: .edge,
        // Output row 2m reads small rows m-1 (tap 0), m (taps 1 and 2); row 2m+1 reads m (taps 0 and 1), m+1 (tap 2).
        axes: [
            Axis(parity: 0, offset: -1, cells: [[0], [1, 2]]), Axis(parity: 1, offset: 0, cells: [[0, 1], [2]]),
        ],
        sizeOffset: 0)

    /// Bilinear doubling (half-pixel centres: weights 3/4 and 1/4), edge padding 1, 3x3 convolution. Every phase takes
    /// all nine small pixels around it, so that none has another variance than the others, which is what a lattice
    /// grows from.
    static let bilinearDoubling = Self(
        stride: 1, upscale: 2, kernelSize: 3, padding: .edge,
        // Four times: doubled row 2m is 1 of small row m-1 and 3 of m, 2m+1 is 3 of m and 1 of m+1; output row r reads
        // the doubled rows r-1 ... r+1.
        axes: [
            Axis(parity: 0, offset: -1, cells: [[0, 0, 0, 1], [0, 1, 1, 1, 2, 2, 2], [2]]),
            Axis(parity: 1, offset: -1, cells: [[0], [0, 0, 0, 1, 1, 1, 2], [1, 2, 2, 2]]),
        ], cellScale: 1 / 16, sizeOffset: 0)

    /// The adjoint of `bilinearDoubling` up to its padding, as `doublingAdjoint`.
    static let bilinearDoublingAdjoint = Self(
        stride: 2, upscale: 1, kernelSize: 3, padding: .zero,
        // Small row r gave output rows 2r-2 ... 2r+3, through these taps.
        axes: [
            Axis(
                offset: -4,
                cells: [[2], [1, 2, 2, 2], [0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 2], [0, 0, 0, 1], [0]])
        ], cellScale: 1 / 16, sizeOffset: 2)

    /// The adjoint of `doubling` up to its padding: the gradient of the small image with one pixel more on each side.
    static let doublingAdjoint = Self(
        stride: 2, upscale: 1, kernelSize: 3, padding: .zero,
        // Small row r gave output rows 2r-1 ... 2r+2, through these taps.
        axes: [Axis(offset: -3, cells: [[2], [1, 2], [0, 1], [0]])], sizeOffset: 2)
}
