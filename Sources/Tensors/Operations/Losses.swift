import Glibc

/// e^x, for the references.
func exponential(_ x: Double) -> Double { exp(x) }

/// The mean absolute difference of predictions and targets, a scalar (1, 1, 1, 1). The gradient where they agree is 0.
package struct L1Loss: DifferentiableOperation {
    package init() {}

    package func forward(_ inputs: [Tensor]) -> Tensor {
        mean(inputs) { abs($0 - $1) }
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        lossGradients(inputs, gradient, needed) { a, b, scale in a > b ? scale : a < b ? -scale : 0 }
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        referenceMean(inputs) { abs($0 - $1) }
    }
}

/// The mean squared difference of predictions and targets, a scalar (1, 1, 1, 1).
package struct MSELoss: DifferentiableOperation {
    package init() {}

    package func forward(_ inputs: [Tensor]) -> Tensor {
        mean(inputs) { ($0 - $1) * ($0 - $1) }
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        lossGradients(inputs, gradient, needed) { a, b, scale in 2 * (a - b) * scale }
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        referenceMean(inputs) { ($0 - $1) * ($0 - $1) }
    }
}

/// The mean squared difference from one value: LSGAN's loss (Mao et al. 2017), a scalar (1, 1, 1, 1).
package struct SquaredErrorToConstant: DifferentiableOperation {
    package var target: Float

    package init(target: Float) { self.target = target }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), target = target
        let sum = x.context.pointwiseSum(x.shape.count) { range in
            var s = 0.0
            for i in range {
                let d = Double(x.pointer[i] - target)
                s += d * d
            }
            return s
        }
        return .scalar(Float(sum / Double(x.shape.count)), in: x.context)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0].applied(), result = Tensor(x.shape, in: x.context), target = target
        let scale = 2 * gradient.pointer[0] / Float(x.shape.count)
        x.context.pointwise(x.shape.count) { _, range in
            for i in range { result.pointer[i] = (x.pointer[i] - target) * scale }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let squares = inputs[0].values.map { ($0 - Double(target)) * ($0 - Double(target)) }
        return ReferenceTensor(Shape(1, 1, 1, 1), values: [squares.reduce(0, +) / Double(squares.count)])
    }
}

private func mean(_ inputs: [Tensor], _ term: (Float, Float) -> Float) -> Tensor {
    let (a, b) = (inputs[0].applied(), inputs[1].applied())
    precondition(a.shape == b.shape)
    let sum = a.context.pointwiseSum(a.shape.count) { range in
        var s = 0.0
        for i in range { s += Double(term(a.pointer[i], b.pointer[i])) }
        return s
    }
    return .scalar(Float(sum / Double(a.shape.count)), in: a.context)
}

private func referenceMean(_ inputs: [ReferenceTensor], _ term: (Double, Double) -> Double) -> ReferenceTensor {
    let terms = zip(inputs[0].values, inputs[1].values).map(term)
    return ReferenceTensor(Shape(1, 1, 1, 1), values: [terms.reduce(0, +) / Double(terms.count)])
}

/// `term` gives the gradient with respect to the first; the second's is its negative.
private func lossGradients(
    _ inputs: [Tensor], _ gradient: Tensor, _ needed: [Bool], _ term: (Float, Float, Float) -> Float
) -> [Tensor?] {
    let (a, b) = (inputs[0].applied(), inputs[1].applied())
    return [0, 1].map { side in
        guard needed[side] else { return nil }
        let result = Tensor(a.shape, in: a.context)
        let scale = gradient.pointer[0] / Float(a.shape.count) * (side == 0 ? 1 : -1)
        a.context.pointwise(a.shape.count) { _, range in
            for i in range { result.pointer[i] = term(a.pointer[i], b.pointer[i], scale) }
        }
        return result
    }
}
