import CTensorKernels

/// Cuts an output of rows x columns into blocks whose padded input stays in the L2 cache.
struct BlockGrid {
    let rows, columns, stride, windowRows, windowColumns, channels: Int
    let blockRows, blockColumns: Int

    /// Floats of padded input that a block may take: half of a 512 kB cache.
    private static let budget = 65_536

    /// - Parameter productsOverlap: products are made for the padded columns too, not only for the output's.
    init(
        rows: Int, columns: Int, stride: Int, windowRows: Int, windowColumns: Int, channels: Int,
        productsOverlap: Bool = false
    ) {
        (self.rows, self.columns, self.stride, self.windowRows) = (rows, columns, stride, windowRows)
        (self.windowColumns, self.channels) = (windowColumns, channels)
        // Of the shapes within the budget the cheapest: padded pixels read for each pixel made, and, where they
        // overlap, the products, which take far longer.
        var best = (cost: Double.infinity, rows: 1, columns: 1)
        for width in [12, 24, 36, 48, 72, 96, 132] + (columns < 132 ? [columns] : []) where width <= max(12, columns) {
            let used = min(width, columns)
            let rowFloats = ((used - 1) * stride + windowColumns) * channels
            let high = max(1, min(rows, 32, (Self.budget / rowFloats - windowRows) / stride + 1))
            let reading =
                Double(((high - 1) * stride + windowRows) * ((used - 1) * stride + windowColumns)) / Double(high * used)
            let products = productsOverlap ? Double(used + windowColumns - 1) / Double(used) : 0
            let cost = reading + 20 * products
            if cost < best.cost { best = (cost, high, used) }
        }
        (blockRows, blockColumns) = (best.rows, best.columns)
    }

    private var across: Int { (columns + blockColumns - 1) / blockColumns }
    var count: Int { (rows + blockRows - 1) / blockRows * across }

    struct Block {
        let rows, columns: Range<Int>
        let stride, windowRows, windowColumns, channels: Int

        /// Floats of one padded input row.
        var rowFloats: Int { ((columns.count - 1) * stride + windowColumns) * channels }

        /// The block's input rows, padded, normalised and activated.
        func padded(
            _ input: Band, firstUnit: Int, rowOffset: Int, columnOffset: Int, padding: Padding,
            in context: ComputeContext
        ) -> Buffer {
            let inputRows = (rows.count - 1) * stride + windowRows
            let buffer = context.buffers.take(inputRows * rowFloats)
            let kernels = context.kernels.table
            let y0 = (firstUnit + rows.lowerBound) * stride + rowOffset
            let x0 = columns.lowerBound * stride + columnOffset
            var image = input.image
            input.withReading { reading in
                for r in 0..<inputRows {
                    kernels.padded_row(
                        &image, padding.kernel, y0 + r, x0, x0 + rowFloats / channels, reading,
                        buffer.pointer + r * rowFloats)
                }
            }
            return buffer
        }
    }

    subscript(_ i: Int) -> Block {
        let y = i / across * blockRows, x = i % across * blockColumns
        return Block(
            rows: y..<min(y + blockRows, rows), columns: x..<min(x + blockColumns, columns), stride: stride,
            windowRows: windowRows, windowColumns: windowColumns, channels: channels)
    }
}
