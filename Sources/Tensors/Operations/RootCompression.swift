import Glibc

/// y = x / sqrt(x + scale) for x >= 0: straight near zero, the square root of what is far above `scale`. Products of
/// such values no longer grow with the square of a feature, so that a few strong places weigh no more than many that
/// together are as strong. Input x and output (N, H, W, C).
package struct RootCompression: DifferentiableOperation {
    package let scale: Float

    package init(scale: Float) { self.scale = scale }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), y = Tensor(x.shape, in: x.context)
        x.context.pointwise(x.shape.count) { _, range in
            for i in range { y.pointer[i] = x.pointer[i] / (x.pointer[i] + scale).squareRoot() }
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0].applied(), result = Tensor(x.shape, in: x.context)
        x.context.pointwise(x.shape.count) { _, range in
            for i in range {
                // (x / 2 + scale) / (x + scale)^(3/2)
                let sum = x.pointer[i] + scale
                result.pointer[i] = gradient.pointer[i] * (x.pointer[i] / 2 + scale) / (sum * sum.squareRoot())
            }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceTensor(inputs[0].shape) { n, y, x, c in
            let value = inputs[0][n, y, x, c]
            return value / (value + Double(scale)).squareRoot()
        }
    }
}
