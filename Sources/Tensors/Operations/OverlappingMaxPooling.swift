/// The largest of each 3x3 pixels, which overlap; pixels outside the image do not count. Forward only, into a slice of
/// channels.
package struct OverlappingMaxPooling: Sendable {
    package let stride, pad: Int

    /// - Parameter pad: 0 or 1 on every side.
    package init(stride: Int, pad: Int) {
        precondition(stride > 0 && (0...1).contains(pad))
        (self.stride, self.pad) = (stride, pad)
    }

    package func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        precondition(
            min(height, width) + 2 * pad >= 3, "an image of \(width)x\(height) is too small for windows of 3x3")
        return ((height + 2 * pad - 3) / stride + 1, (width + 2 * pad - 3) / stride + 1)
    }

    /// x (N, H, W, C), which carries no reading, to (N, H', W', C).
    package func callAsFunction(_ x: Tensor) -> Tensor {
        let size = outputSize(height: x.shape.h, width: x.shape.w)
        let y = Tensor(Shape(x.shape.n, size.height, size.width, x.shape.c), in: x.context)
        self(x, into: ChannelSlice(y))
        return y
    }

    /// The same, into `target`, which has the output's size and x's number of channels.
    package func callAsFunction(_ x: Tensor, into target: ChannelSlice) {
        let size = outputSize(height: x.shape.h, width: x.shape.w), s = x.shape, c = s.c
        precondition(x.reading == nil && target.channels.count == c)
        precondition(target.tensor.shape.h == size.height && target.tensor.shape.w == size.width)
        x.context.threads.forEach(s.n * size.height) { row in
            let n = row / size.height, y = row % size.height
            let rows = window(y, s.h)
            // First down, then across: half of the comparisons.
            let column = x.context.buffers.take(s.w * c)
            let top = x.pointer + (n * s.h + rows.lowerBound) * s.w * c
            column.pointer.update(from: top, count: s.w * c)
            for r in 1..<rows.count {
                let next = top + r * s.w * c
                for i in 0..<s.w * c { column.pointer[i] = max(column.pointer[i], next[i]) }
            }
            for xx in 0..<size.width {
                let columns = window(xx, s.w), to = target.pointer(n, y, xx),
                    from = column.pointer + columns.lowerBound * c
                if columns.count == 3 {
                    for i in 0..<c { to[i] = max(max(from[i], from[c + i]), from[2 * c + i]) }
                } else {
                    for i in 0..<c { to[i] = columns.count == 2 ? max(from[i], from[c + i]) : from[i] }
                }
            }
        }
    }

    /// The window of an output, clipped to an image of `side` pixels.
    private func window(_ i: Int, _ side: Int) -> Range<Int> {
        let first = i * stride - pad
        return max(0, first)..<min(side, first + 3)
    }

    /// The same as calling it, slow and obvious.
    func reference(_ x: ReferenceTensor) -> ReferenceTensor {
        let size = outputSize(height: x.shape.h, width: x.shape.w)
        return ReferenceTensor(Shape(x.shape.n, size.height, size.width, x.shape.c)) { n, y, xx, c in
            var best = -Double.infinity
            for yy in y * stride - pad..<y * stride - pad + 3 where (0..<x.shape.h).contains(yy) {
                for xi in xx * stride - pad..<xx * stride - pad + 3 where (0..<x.shape.w).contains(xi) {
                    best = max(best, x[n, yy, xi, c])
                }
            }
            return best
        }
    }
}
