/// |prediction - target|^2 / |target|^2 over all elements, a scalar (1, 1, 1, 1): 1 means as far off as zero is,
/// whatever the target's size. Inputs prediction and target, of one shape; the target is not all zero.
package struct RelativeSquaredError: DifferentiableOperation {
    package init() {}

    private static func sums(_ a: Tensor, _ b: Tensor) -> (difference: Double, target: Double) {
        precondition(a.shape == b.shape)
        let difference = a.context.pointwiseSum(a.shape.count) { range in
            range.reduce(0) { sum, i in
                let d = Double(a.pointer[i]) - Double(b.pointer[i])
                return sum + d * d
            }
        }
        let target = a.context.pointwiseSum(a.shape.count) { range in
            range.reduce(0) { $0 + Double(b.pointer[$1]) * Double(b.pointer[$1]) }
        }
        return (difference, target)
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let sums = Self.sums(inputs[0].applied(), inputs[1].applied())
        return .scalar(Float(sums.difference / sums.target), in: inputs[0].context)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let (a, b) = (inputs[0].applied(), inputs[1].applied()), sums = Self.sums(a, b)
        let scale = Float(2 * Double(gradient.pointer[0]) / sums.target),
            quotient = Float(sums.difference / sums.target)
        return [0, 1].map { side in
            guard needed[side] else { return nil }
            let result = Tensor(a.shape, in: a.context)
            result.context.pointwise(a.shape.count) { _, range in
                for i in range {
                    let d = (a.pointer[i] - b.pointer[i]) * scale
                    result.pointer[i] = side == 0 ? d : -d - quotient * scale * b.pointer[i]
                }
            }
            return result
        }
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let difference = zip(inputs[0].values, inputs[1].values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let target = inputs[1].values.reduce(0) { $0 + $1 * $1 }
        return ReferenceTensor(Shape(1, 1, 1, 1), values: [difference / target])
    }
}
