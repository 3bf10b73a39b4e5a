/// The mean of the 3x3 pixels around each, of those that lie inside the image (PyTorch's avg_pool2d with kernel 3,
/// stride 1, padding 1 and count_include_pad false). Forward only.
package struct AveragePooling: Sendable {
    package init() {}

    /// x (N, H, W, C), which carries no reading, to the same shape.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        precondition(x.reading == nil)
        let s = x.shape, c = s.c, context = x.context, y = Tensor(s, in: context)
        context.threads.forEach(s.n * s.h) { row in
            let inImage = row % s.h
            let rows = max(0, inImage - 1)..<min(s.h, inImage + 2)
            // First down, then across.
            let column = context.buffers.take(s.w * c), top = x.pointer + (row - inImage + rows.lowerBound) * s.w * c
            column.pointer.update(from: top, count: s.w * c)
            for r in 1..<max(1, rows.count) {
                let next = top + r * s.w * c
                for i in 0..<s.w * c { column.pointer[i] += next[i] }
            }
            for xx in 0..<s.w {
                let columns = max(0, xx - 1)..<min(s.w, xx + 2)
                let scale = 1 / Float(rows.count * columns.count)
                let to = y.pointer + (row * s.w + xx) * c, from = column.pointer + columns.lowerBound * c
                switch columns.count {
                case 3: for i in 0..<c { to[i] = (from[i] + from[c + i] + from[2 * c + i]) * scale }
                case 2: for i in 0..<c { to[i] = (from[i] + from[c + i]) * scale }
                default: for i in 0..<c { to[i] = from[i] * scale }
                }
            }
        }
        return y
    }

    /// The same as calling it, slow and obvious.
    func reference(_ x: ReferenceTensor) -> ReferenceTensor {
        ReferenceTensor(x.shape) { n, y, xx, c in
            var sum = 0.0, count = 0.0
            for yy in y - 1...y + 1 where (0..<x.shape.h).contains(yy) {
                for xi in xx - 1...xx + 1 where (0..<x.shape.w).contains(xi) {
                    sum += x[n, yy, xi, c]
                    count += 1
                }
            }
            return sum / count
        }
    }
}
