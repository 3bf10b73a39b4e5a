/// Every second pixel of the image smoothed by [1 2 1] / 4 in both directions, reflected at the border: a stride of 2
/// without aliasing (Zhang 2019, as in CUT). A side of h becomes (h + 1) / 2; sides of at least 2.
package struct BlurPooling: DifferentiableOperation {
    package init() {}

    private static let taps: [Float] = [0.25, 0.5, 0.25]

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied()
        precondition(x.shape.h >= 2 && x.shape.w >= 2, "too small to be reflected")
        let shape = Shape(x.shape.n, (x.shape.h + 1) / 2, (x.shape.w + 1) / 2, x.shape.c)
        let y = Tensor(shape, in: x.context)
        y.context.threads.forEach(shape.n * shape.h) { r in
            let target = y.pointer + r * shape.w * shape.c
            target.update(repeating: 0, count: shape.w * shape.c)
            forEachTap(x.shape, shape, row: r) { source, column, weight in
                let from = x.pointer + source, to = target + column
                for c in 0..<shape.c { to[c] += weight * from[c] }
            }
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let result = Tensor.zeros(inputs[0].shape, in: gradient.context), shape = output.shape
        // Neighbouring rows write to the same row: an image is one thread's work.
        result.context.threads.forEach(shape.n) { n in
            for r in n * shape.h..<(n + 1) * shape.h {
                let from = gradient.pointer + r * shape.w * shape.c
                forEachTap(result.shape, shape, row: r) { source, column, weight in
                    let to = result.pointer + source
                    for c in 0..<shape.c { to[c] += weight * from[column + c] }
                }
            }
        }
        return [result]
    }

    /// Calls `body` with the offset of each input pixel that an output row reads, the output's offset in its row, and
    /// the weight.
    private func forEachTap(_ input: Shape, _ output: Shape, row r: Int, _ body: (Int, Int, Float) -> Void) {
        let (n, y) = (r / output.h, r % output.h)
        for ky in 0..<3 {
            let sy = Padding.reflection.resolve(2 * y + ky - 1, input.h)!
            for x in 0..<output.w {
                for kx in 0..<3 {
                    let sx = Padding.reflection.resolve(2 * x + kx - 1, input.w)!
                    body(((n * input.h + sy) * input.w + sx) * input.c, x * output.c, Self.taps[ky] * Self.taps[kx])
                }
            }
        }
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0]
        return ReferenceTensor(Shape(x.shape.n, (x.shape.h + 1) / 2, (x.shape.w + 1) / 2, x.shape.c)) { n, y, xx, c in
            var sum = 0.0
            for ky in 0..<3 {
                for kx in 0..<3 {
                    sum +=
                        Double(Self.taps[ky] * Self.taps[kx])
                        * x.padded(n, 2 * y + ky - 1, 2 * xx + kx - 1, c, .reflection)
                }
            }
            return sum
        }
    }
}
