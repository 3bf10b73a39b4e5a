import COpenBLAS

/// How strongly features occur together, whatever their place: X^T X / (H W) for the features X of an image, one row a
/// pixel (Gatys et al. 2016, section 2.2; Johnson et al. 2016). Input x (N, H, W, C), output (N, 1, C, C).
package struct GramMatrix: DifferentiableOperation {
    package init() {}

    /// Rows of the matrix, and pixels of the image, that a thread takes at a time.
    private static let rowsAtOnce = 64, pixelsAtOnce = 1024

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), c = x.shape.c, pixels = x.shape.h * x.shape.w
        let y = Tensor(Shape(x.shape.n, 1, c, c), in: x.context)
        let parts = (c + Self.rowsAtOnce - 1) / Self.rowsAtOnce
        x.context.threads.forEach(x.shape.n * parts) { item in
            let n = item / parts, first = item % parts * Self.rowsAtOnce
            let image = x.pointer + n * pixels * c
            cblas_sgemm(
                CblasRowMajor, CblasTrans, CblasNoTrans, Int32(min(Self.rowsAtOnce, c - first)), Int32(c),
                Int32(pixels),
                1 / Float(pixels), image + first, Int32(c), image, Int32(c), 0, y.pointer + (n * c + first) * c,
                Int32(c))
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0].applied(), c = x.shape.c, pixels = x.shape.h * x.shape.w
        let result = Tensor(x.shape, in: x.context)
        // Both factors of a product are the features: the gradient is X (dG + dG^T) / (H W).
        let both = Tensor(gradient.shape, in: x.context)
        for n in 0..<x.shape.n {
            let (from, to) = (gradient.pointer + n * c * c, both.pointer + n * c * c)
            for i in 0..<c { for j in 0..<c { to[i * c + j] = from[i * c + j] + from[j * c + i] } }
        }
        let parts = (pixels + Self.pixelsAtOnce - 1) / Self.pixelsAtOnce
        x.context.threads.forEach(x.shape.n * parts) { item in
            let n = item / parts, first = item % parts * Self.pixelsAtOnce, start = (n * pixels + first) * c
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(min(Self.pixelsAtOnce, pixels - first)), Int32(c),
                Int32(c),
                1 / Float(pixels), x.pointer + start, Int32(c), both.pointer + n * c * c, Int32(c), 0,
                result.pointer + start,
                Int32(c))
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0], c = x.shape.c
        return ReferenceTensor(Shape(x.shape.n, 1, c, c)) { n, _, i, j in
            var sum = 0.0
            for y in 0..<x.shape.h { for xx in 0..<x.shape.w { sum += x[n, y, xx, i] * x[n, y, xx, j] } }
            return sum / Double(x.shape.h * x.shape.w)
        }
    }
}
