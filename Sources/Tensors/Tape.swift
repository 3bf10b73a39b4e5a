/// Records operations as they run, and goes back over them for the gradients (reverse-mode differentiation).
package final class Tape {
    private struct Record {
        let operation: any DifferentiableOperation
        let inputs: [Tensor]
        let output: Tensor
        let needed: [Bool]
    }

    private var records: [Record] = []
    /// Tensors whose gradient is wanted; held, so that none of them is mistaken for another at its place in memory.
    private var watched: [ObjectIdentifier: Tensor] = [:]
    /// Those, and the recorded ones that depend on them.
    private var tracked: Set<ObjectIdentifier> = []
    private var gradients: [ObjectIdentifier: Tensor] = [:]

    package init() {}

    /// Asks for the gradient with respect to a tensor; to be called before it is used.
    package func watch(_ tensor: Tensor) {
        watched[ObjectIdentifier(tensor)] = tensor
        tracked.insert(ObjectIdentifier(tensor))
    }

    /// Runs an operation; records it where a gradient will be wanted.
    package func apply(_ operation: any DifferentiableOperation, _ inputs: Tensor...) -> Tensor {
        precondition(inputs.allSatisfy { $0.context === inputs[0].context }, "inputs of several contexts")
        let output = operation.forward(inputs)
        precondition(!inputs.contains { $0 === output }, "an operation gave back its input")
        let needed = inputs.map { tracked.contains(ObjectIdentifier($0)) }
        if needed.contains(true) {
            tracked.insert(ObjectIdentifier(output))
            records.append(Record(operation: operation, inputs: inputs, output: output, needed: needed))
        }
        return output
    }

    /// The gradients of the sum of weight * loss over the scalars given; ends the recording. What lies between is let
    /// go on the way.
    package func backward(from losses: [(loss: Tensor, weight: Float)]) {
        for (loss, weight) in losses where tracked.contains(ObjectIdentifier(loss)) {
            accumulate(.scalar(weight, in: loss.context), for: loss)
        }
        while let record = records.popLast() {
            guard let gradient = gradients.removeValue(forKey: ObjectIdentifier(record.output)) else { continue }
            let inputGradients = record.operation.backward(
                record.inputs, output: record.output, gradient: gradient, needed: record.needed)
            for (input, inputGradient) in zip(record.inputs, inputGradients) {
                if let inputGradient { accumulate(inputGradient, for: input) }
            }
        }
        // What was recorded is gone, and other tensors may come to stand where it stood.
        tracked = Set(watched.keys)
        gradients = gradients.filter { watched[$0.key] != nil }
    }

    /// The gradient with respect to a watched tensor, after `backward`; nil where no loss depends on it.
    package func gradient(of tensor: Tensor) -> Tensor? { gradients[ObjectIdentifier(tensor)] }

    private func accumulate(_ gradient: Tensor, for tensor: Tensor) {
        precondition(gradient.shape == tensor.shape && gradient.reading == nil)
        let key = ObjectIdentifier(tensor)
        guard let before = gradients[key] else {
            gradients[key] = gradient
            return
        }
        // A gradient may be shared with another tensor's: add into a new one.
        let sum = Tensor(tensor.shape, in: tensor.context)
        sum.context.pointwise(sum.shape.count) { kernels, range in
            let target = sum.pointer + range.lowerBound
            target.update(from: before.pointer + range.lowerBound, count: range.count)
            kernels.add(range.count, 1, gradient.pointer + range.lowerBound, target)
        }
        gradients[key] = sum
    }
}
