/// The mean of max(0, |prediction - target| - allowed)^2 over all elements, a scalar (1, 1, 1, 1): what is as near as
/// `allowed` costs nothing. Inputs prediction and target, of one shape.
package struct ExcessSquaredError: DifferentiableOperation {
    package let allowed: Float

    package init(allowed: Float) { self.allowed = allowed }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let (a, b) = (inputs[0].applied(), inputs[1].applied())
        precondition(a.shape == b.shape)
        let sum = a.context.pointwiseSum(a.shape.count) { range in
            range.reduce(0) { sum, i in
                let excess = Double(max(0, abs(a.pointer[i] - b.pointer[i]) - allowed))
                return sum + excess * excess
            }
        }
        return .scalar(Float(sum / Double(a.shape.count)), in: a.context)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let (a, b) = (inputs[0].applied(), inputs[1].applied())
        let scale = 2 * gradient.pointer[0] / Float(a.shape.count)
        return [Float(1), -1].enumerated().map { side, sign in
            guard needed[side] else { return nil }
            let result = Tensor(a.shape, in: a.context)
            result.context.pointwise(a.shape.count) { _, range in
                for i in range {
                    let d = a.pointer[i] - b.pointer[i]
                    result.pointer[i] = sign * scale * (d > 0 ? max(0, d - allowed) : min(0, d + allowed))
                }
            }
            return result
        }
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let excesses = zip(inputs[0].values, inputs[1].values).map { max(0, abs($0 - $1) - Double(allowed)) }
        return ReferenceTensor(
            Shape(1, 1, 1, 1), values: [excesses.reduce(0) { $0 + $1 * $1 } / Double(excesses.count)])
    }
}
