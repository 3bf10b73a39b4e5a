import CTensorKernels

/// How minimal filtering (Lavin and Gray 2015) computes a convolution: every kernel tap is a tap of a window of 3x3 or 4x4
/// units, and tiles of 6x6 units give 4x4 or 3x3 outputs.
///
/// A unit is a pixel where the stride is 1. A stride of 2 makes four input phases of the image, one for each parity of row and
/// column, each a convolution of stride 1; doubling the size makes four output phases likewise. Their filters have no more than
/// two taps a side, so that elements of the tile vanish and their products are left out: of the 144 products that four phases
/// have, 81 for a 3x3 of stride 2 and its adjoint, 100 for a 4x4 of stride 2, its adjoint and a 3x3 behind a doubling.
struct WinogradPlan: Sendable {
    /// Taps of the window, a side.
    let taps: Int
    /// Unit m of the output reads units m + origin ... m + origin + taps - 1 of the input.
    let origin: Int
    let stride, upscale: Int
    /// Kernel taps summed in each tap of the window, a side, for each output and input parity.
    private let sources: [[[[Int]]]]

    /// Outputs of a tile, a side, in units.
    var tile: Int { 7 - taps }
    /// Row and column parities.
    var inputPhases: [(row: Int, column: Int)] { phases(stride) }
    var outputPhases: [(row: Int, column: Int)] { phases(upscale) }

    private func phases(_ count: Int) -> [(row: Int, column: Int)] {
        (0..<count).flatMap { row in (0..<count).map { (row, $0) } }
    }

    /// Nil for kernels other than 3x3 and 4x4, and where the window has more than four units.
    init?(_ geometry: ConvolutionGeometry) {
        guard geometry.kernelSize == 3 || geometry.kernelSize == 4 else { return nil }
        (stride, upscale) = (geometry.stride, geometry.upscale)
        let stride = stride
        /// Input 2u + p is unit u of parity p.
        func unit(_ input: Int) -> Int { (input - (input & (stride - 1))) / stride }
        let window = geometry.window
        let low = unit(window.offset), high = unit(window.offset + window.taps - 1)
        let taps = max(3, high - low + 1)
        guard taps <= 4, stride <= 2 else { return nil }

        func sources(_ origin: Int) -> [[[[Int]]]] {
            geometry.axes.map { axis in
                (0..<stride).map { parity in
                    var positions = [[Int]](repeating: [], count: taps)
                    for (t, summed) in axis.taps.enumerated() where (axis.offset + t) & (stride - 1) == parity {
                        positions[unit(axis.offset + t) - origin] = summed
                    }
                    return positions
                }
            }
        }
        // Of the places that the window can have, the one where most elements vanish.
        let origins = (high - taps + 1...low).reversed()
        func products(_ origin: Int) -> Int {
            sources(origin).joined().reduce(0) { $0 + Self.elements($1).count }
        }
        let origin = origins.min { products($0) < products($1) }!
        (self.taps, self.origin, self.sources) = (taps, origin, sources(origin))
    }

    /// The elements of a tile's side that do not vanish for a filter: the first is its value at 0, the last that at infinity.
    private static func elements(_ taps: [[Int]]) -> [Int] {
        if taps.allSatisfy(\.isEmpty) { return [] }
        return Array((taps.first!.isEmpty ? 1 : 0)...(taps.last!.isEmpty ? 4 : 5))
    }

    /// The kernel taps of the window's taps, for an output and an input phase.
    func taps(_ output: (row: Int, column: Int), _ input: (row: Int, column: Int), _ layout: WeightLayout) -> TapSums {
        TapSums(layout, rows: sources[output.row][input.row], columns: sources[output.column][input.column])
    }

    /// Whether element xi of the tile's 36 has a product, for an output and an input phase.
    func hasProduct(_ xi: Int, _ output: (row: Int, column: Int), _ input: (row: Int, column: Int)) -> Bool {
        Self.elements(sources[output.row][input.row]).contains(xi / 6)
            && Self.elements(sources[output.column][input.column]).contains(xi % 6)
    }

    /// Tiles of an output.
    func tiles(height: Int, width: Int) -> Int {
        let side = tile * upscale
        return ((height - 1) / side + 1) * ((width - 1) / side + 1)
    }

    /// Where the units of an input phase's tiles are read.
    func inputUnits(_ phase: (row: Int, column: Int)) -> ctk_units {
        ctk_units(step: stride, y: stride * origin + phase.row, x: stride * origin + phase.column)
    }

    /// Where the units of an output phase's tiles are written.
    func outputUnits(_ phase: (row: Int, column: Int)) -> ctk_units {
        ctk_units(step: upscale, y: phase.row, x: phase.column)
    }
}
