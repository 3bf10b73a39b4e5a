import CTensorKernels

/// How Winograd's minimal filtering (Lavin and Gray 2015) computes a convolution: every tap of the kernel stands in a
/// cell of a window of 3x3 or 4x4 units, and tiles of 6x6 units give 4x4 or 3x3 outputs.
///
/// A unit is a pixel where the stride is 1. A stride of 2 makes four input phases of the image (a polyphase
/// decomposition), one for each parity of row and column, each a convolution of stride 1; doubling the size makes four
/// output phases likewise. Their windows have no more than two cells a side, so that elements of the tile vanish and
/// their products are left out. Of the 144 products that four phases have 81 are left for a 3x3 of stride 2 and its
/// adjoint, 100 for a 4x4 of stride 2, its adjoint and a 3x3 behind a doubling.
struct WinogradPlan: Sendable {
    /// Parities of row and column.
    struct Phase: Sendable {
        var row, column: Int
    }

    /// One of the products: element `xi` of an output phase's tiles gets that of an input phase's, times the weights.
    /// An element is one of the 36 numbers of a tile, once it is transformed.
    struct Product: Sendable {
        var xi, output, input: Int
    }

    /// Cells of the window, a side.
    let cells: Int
    /// Unit m of the output reads units m + origin ... m + origin + cells - 1 of the input.
    let origin: Int
    let stride, upscale: Int
    let inputPhases, outputPhases: [Phase]
    /// All that do not vanish, by output phase, then element.
    let products: [Product]
    /// Taps summed in each cell of the window, a side, for each output and input parity.
    private let taps: [[[[Int]]]]
    private let cellScale: Float

    /// Outputs of a tile, a side, in units.
    var tile: Int { 7 - cells }

    /// Nil for kernels other than 3x3 and 4x4, strides above 2, and where the window has more than four units.
    init?(_ geometry: ConvolutionGeometry) {
        guard geometry.kernelSize == 3 || geometry.kernelSize == 4 else { return nil }
        (stride, upscale) = (geometry.stride, geometry.upscale)
        let stride = stride
        /// Input 2u + p is unit u of parity p.
        func unit(_ input: Int) -> Int { (input - (input & (stride - 1))) / stride }
        let window = geometry.window
        let low = unit(window.offset), high = unit(window.offset + window.cells - 1)
        let cells = max(3, high - low + 1)
        guard cells <= 4, stride <= 2 else { return nil }

        func taps(_ origin: Int) -> [[[[Int]]]] {
            geometry.axes.map { axis in
                (0..<stride).map { parity in
                    var positions = [[Int]](repeating: [], count: cells)
                    for (c, summed) in axis.cells.enumerated() where (axis.offset + c) & (stride - 1) == parity {
                        positions[unit(axis.offset + c) - origin] = summed
                    }
                    return positions
                }
            }
        }
        // Of the places that the window can have, the one where most elements vanish.
        let origins = (high - cells + 1...low).reversed()
        func left(_ origin: Int) -> Int { taps(origin).joined().reduce(0) { $0 + Self.elements($1).count } }
        let origin = origins.min { left($0) < left($1) }!
        let chosen = taps(origin)
        (self.cells, self.origin, self.taps) = (cells, origin, chosen)
        cellScale = geometry.cellScale
        // The kernels take a window of 4x4 to be that of a 4x4 kernel.
        precondition(cells == 3 || geometry.kernelSize == 4)

        func phases(_ count: Int) -> [Phase] {
            (0..<count).flatMap { row in (0..<count).map { Phase(row: row, column: $0) } }
        }
        let (inputs, outputs) = (phases(stride), phases(upscale))
        (inputPhases, outputPhases) = (inputs, outputs)
        products = outputs.indices.flatMap { o in
            (0..<36).flatMap { xi in
                inputs.indices.filter { i in
                    Self.elements(chosen[outputs[o].row][inputs[i].row]).contains(xi / 6)
                        && Self.elements(chosen[outputs[o].column][inputs[i].column]).contains(xi % 6)
                }.map { Product(xi: xi, output: o, input: $0) }
            }
        }
    }

    /// The elements of a tile's side that do not vanish for a filter: the first is its value at 0, the last that at
    /// infinity.
    private static func elements(_ cells: [[Int]]) -> [Int] {
        if cells.allSatisfy(\.isEmpty) { return [] }
        return Array((cells.first!.isEmpty ? 1 : 0)...(cells.last!.isEmpty ? 4 : 5))
    }

    /// The window of an output and an input phase.
    func window(_ output: Phase, _ input: Phase, _ layout: WeightLayout) -> Window {
        Window(
            layout, rows: taps[output.row][input.row], columns: taps[output.column][input.column], scale: cellScale)
    }

    /// The grid of tiles of an output.
    func grid(height: Int, width: Int) -> (rows: Int, columns: Int) {
        let side = tile * upscale
        return ((height + side - 1) / side, (width + side - 1) / side)
    }

    /// Where the units of an input phase's tiles are read.
    func inputUnits(_ phase: Phase) -> ctk_units {
        ctk_units(step: stride, y: stride * origin + phase.row, x: stride * origin + phase.column)
    }

    /// Where the units of an output phase's tiles are written.
    func outputUnits(_ phase: Phase) -> ctk_units {
        ctk_units(step: upscale, y: phase.row, x: phase.column)
    }
}
