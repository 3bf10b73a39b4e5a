/// The largest of each 2x2 pixels, stride 2; an odd last row or column is left out. The gradient goes to the first of
/// equal values.
package struct MaxPooling: DifferentiableOperation {
    package init() {}

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied()
        let shape = Shape(x.shape.n, x.shape.h / 2, x.shape.w / 2, x.shape.c)
        let y = Tensor(shape, in: x.context), row = x.shape.w * x.shape.c, c = shape.c
        x.context.threads.forEach(shape.n * shape.h) { r in
            let n = r / shape.h, top = x.pointer + (n * x.shape.h + r % shape.h * 2) * row
            let target = y.pointer + r * shape.w * c
            for i in 0..<shape.w {
                let p = top + i * 2 * c
                for j in 0..<c { target[i * c + j] = max(max(p[j], p[c + j]), max(p[row + j], p[row + c + j])) }
            }
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0].applied(), result = Tensor.zeros(inputs[0].shape, in: x.context)
        let shape = output.shape, row = x.shape.w * x.shape.c, c = shape.c
        x.context.threads.forEach(shape.n * shape.h) { r in
            let offset = (r / shape.h * x.shape.h + r % shape.h * 2) * row
            let (top, target) = (x.pointer + offset, result.pointer + offset)
            for i in 0..<shape.w {
                for j in 0..<c {
                    var best = i * 2 * c + j
                    for candidate in [best + c, best + row, best + row + c] where top[candidate] > top[best] {
                        best = candidate
                    }
                    target[best] = gradient.pointer[(r * shape.w + i) * c + j]
                }
            }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0]
        return ReferenceTensor(Shape(x.shape.n, x.shape.h / 2, x.shape.w / 2, x.shape.c)) { n, y, xx, c in
            var best = -Double.infinity
            for dy in 0..<2 { for dx in 0..<2 { best = max(best, x[n, 2 * y + dy, 2 * xx + dx, c]) } }
            return best
        }
    }
}
