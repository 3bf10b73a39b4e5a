/// The means of blocks of size x size pixels, side by side from the top left; blocks at the right and the bottom may be
/// smaller. Input x (N, H, W, C), output (N, ceil(H / size), ceil(W / size), C).
package struct BlockMeans: DifferentiableOperation {
    package let size: Int

    package init(size: Int) { self.size = size }

    private func outputShape(_ x: Shape) -> Shape { Shape(x.n, (x.h + size - 1) / size, (x.w + size - 1) / size, x.c) }

    /// Rows and columns of a block.
    private func block(_ y: Int, _ x: Int, of shape: Shape) -> (rows: Range<Int>, columns: Range<Int>) {
        (y * size..<min(shape.h, (y + 1) * size), x * size..<min(shape.w, (x + 1) * size))
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), shape = outputShape(x.shape), y = Tensor(shape, in: x.context), c = shape.c
        y.context.threads.forEach(shape.n * shape.h) { r in
            let n = r / shape.h
            for column in 0..<shape.w {
                let (rows, columns) = block(r % shape.h, column, of: x.shape)
                let target = y.pointer + (r * shape.w + column) * c
                for j in 0..<c {
                    var sum = 0.0
                    for row in rows {
                        let source = x.pointer + (n * x.shape.h + row) * x.shape.w * c + j
                        for xx in columns { sum += Double(source[xx * c]) }
                    }
                    target[j] = Float(sum / Double(rows.count * columns.count))
                }
            }
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let result = Tensor(inputs[0].shape, in: gradient.context), shape = result.shape, c = shape.c
        result.context.threads.forEach(shape.n * shape.h) { r in
            let (n, y) = (r / shape.h, r % shape.h)
            for x in 0..<shape.w {
                let (rows, columns) = block(y / size, x / size, of: shape)
                let part = 1 / Float(rows.count * columns.count)
                let source = gradient.pointer + ((n * output.shape.h + y / size) * output.shape.w + x / size) * c
                for j in 0..<c { result.pointer[(r * shape.w + x) * c + j] = source[j] * part }
            }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceTensor(outputShape(inputs[0].shape)) { n, y, x, c in
            let (rows, columns) = block(y, x, of: inputs[0].shape)
            let sum = rows.reduce(0.0) { sum, row in columns.reduce(sum) { $0 + inputs[0][n, row, $1, c] } }
            return sum / Double(rows.count * columns.count)
        }
    }
}
