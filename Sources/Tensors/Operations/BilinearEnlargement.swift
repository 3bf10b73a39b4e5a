/// A grid of values drawn large: `size` pixels from one to the next, straight lines in between, the outer ones kept up
/// to the border. Input (N, ceil(height / size), ceil(width / size), C), as `BlockMeans` makes it, output (N, height,
/// width, C).
package struct BilinearEnlargement: DifferentiableOperation {
    package let size, height, width: Int

    package init(size: Int, height: Int, width: Int) { (self.size, self.height, self.width) = (size, height, width) }

    /// The two lines of the grid beside a line of the output, and the second one's weight.
    private func place(_ line: Int, of count: Int) -> (first: Int, second: Int, weight: Double) {
        let at = min(Double(count - 1), max(0, (Double(line) + 0.5) / Double(size) - 0.5))
        let first = Int(at)
        return (first, min(count - 1, first + 1), at - Double(first))
    }

    /// Rows of the output for one image: (rows, width, C) from a grid (lines, columns, C).
    package func write(
        rows: Range<Int>, of grid: UnsafePointer<Float>, lines: Int, columns: Int, channels: Int,
        to target: UnsafeMutablePointer<Float>, _ context: ComputeContext
    ) {
        let across = (0..<width).map { place($0, of: columns) }
        context.threads.forEach(rows.count) { r in
            let (above, below, weight) = place(rows.lowerBound + r, of: lines)
            let top = grid + above * columns * channels, bottom = grid + below * columns * channels
            let mixed = (0..<columns * channels).map { top[$0] + Float(weight) * (bottom[$0] - top[$0]) }
            let out = target + r * width * channels
            for (x, (left, right, part)) in across.enumerated() {
                for c in 0..<channels {
                    let from = mixed[left * channels + c]
                    out[x * channels + c] = from + Float(part) * (mixed[right * channels + c] - from)
                }
            }
        }
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let grid = inputs[0].applied(), shape = grid.shape
        let y = Tensor(Shape(shape.n, height, width, shape.c), in: grid.context)
        for n in 0..<shape.n {
            write(
                rows: 0..<height, of: grid.pointer + n * shape.h * shape.w * shape.c, lines: shape.h, columns: shape.w,
                channels: shape.c, to: y.pointer + n * height * width * shape.c, y.context)
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let shape = inputs[0].shape, c = shape.c
        let result = Tensor.zeros(shape, in: gradient.context)
        let across = (0..<width).map { place($0, of: shape.w) }
        // Images side by side; within one, neighbouring rows meet in a line of the grid.
        result.context.threads.forEach(shape.n) { n in
            for y in 0..<height {
                let (above, below, weight) = place(y, of: shape.h)
                for (line, down) in [(above, 1 - weight), (below, weight)] {
                    let target = result.pointer + (n * shape.h + line) * shape.w * c
                    let source = gradient.pointer + (n * height + y) * width * c
                    for (x, (left, right, part)) in across.enumerated() {
                        for j in 0..<c {
                            target[left * c + j] += Float(down * (1 - part)) * source[x * c + j]
                            target[right * c + j] += Float(down * part) * source[x * c + j]
                        }
                    }
                }
            }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let shape = inputs[0].shape
        return ReferenceTensor(Shape(shape.n, height, width, shape.c)) { n, y, x, c in
            let (above, below, down) = place(y, of: shape.h), (left, right, across) = place(x, of: shape.w)
            let top = inputs[0][n, above, left, c] * (1 - across) + inputs[0][n, above, right, c] * across
            let bottom = inputs[0][n, below, left, c] * (1 - across) + inputs[0][n, below, right, c] * across
            return top * (1 - down) + bottom * down
        }
    }
}
