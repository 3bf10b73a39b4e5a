import CTensorKernels
import Glibc

/// A network's parameter with what the optimizer knows of it.
package final class Parameter: Sendable {
    /// The key in a file of weights.
    package let name: String
    package let value: Tensor
    /// Adam's first and second moments.
    package let firstMoment, secondMoment: Tensor

    package init(name: String, value: Tensor) {
        (self.name, self.value) = (name, value)
        firstMoment = .zeros(value.shape, in: value.context)
        secondMoment = .zeros(value.shape, in: value.context)
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1).
package struct Adam: Sendable {
    package var beta1: Double, beta2: Double
    package var epsilon = 1e-8
    /// Steps made so far.
    package var steps = 0

    package init(beta1: Double = 0.5, beta2: Double = 0.999) { (self.beta1, self.beta2) = (beta1, beta2) }

    /// One step for all parameters; those without a gradient stay as they are.
    package mutating func step(learningRate: Double, _ parameters: [Parameter], gradient: (Parameter) -> Tensor?) {
        steps += 1
        let step = ctk_adam(
            rate: Float(learningRate / (1 - pow(beta1, Double(steps)))), beta1: Float(beta1), beta2: Float(beta2),
            epsilon: Float(epsilon), second_correction: Float((1 - pow(beta2, Double(steps))).squareRoot()))
        for parameter in parameters {
            guard let g = gradient(parameter) else { continue }
            parameter.value.context.pointwise(g.shape.count) { kernels, range in
                let i = range.lowerBound
                var step = step
                kernels.adam(
                    range.count, &step, g.pointer + i, parameter.firstMoment.pointer + i,
                    parameter.secondMoment.pointer + i, parameter.value.pointer + i)
            }
            parameter.value.markChanged()
        }
    }
}
