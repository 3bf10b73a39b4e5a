import CTensorKernels

/// Leaky ReLU: x above zero, slope * x below; slope 0 is ReLU. Input x, which carries no reading; the output shares its
/// values and carries the reading.
package struct LeakyReLU: DifferentiableOperation {
    package var slope: Float

    package init(slope: Float) { self.slope = slope }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0]
        precondition(x.reading == nil)
        let reading = Reading(n: x.shape.n, c: x.shape.c, slope: slope, in: x.context)
        reading.mean.update(repeating: 0, count: x.shape.n * x.shape.c)
        reading.scale.update(repeating: 1, count: x.shape.n * x.shape.c)
        return x.read(through: reading)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0].pointer, slope = slope
        let result = Tensor(inputs[0].shape, in: gradient.context)
        result.context.pointwise(result.shape.count) { _, range in
            for i in range { result.pointer[i] = x[i] > 0 ? gradient.pointer[i] : slope * gradient.pointer[i] }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        var y = inputs[0]
        y.values = y.values.map { $0 > 0 ? $0 : Double(slope) * $0 }
        return y
    }
}

/// (x - mean) * scale for each channel, the same in every image. Input x, which carries no reading; the output shares
/// its values and carries the reading.
package struct ChannelNormalization: DifferentiableOperation {
    package var mean, scale: [Float]

    package init(mean: [Float], scale: [Float]) { (self.mean, self.scale) = (mean, scale) }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0]
        precondition(x.reading == nil && x.shape.c == mean.count)
        let reading = Reading(n: x.shape.n, c: x.shape.c, slope: 1, in: x.context)
        for n in 0..<x.shape.n {
            for c in mean.indices {
                reading.mean[n * mean.count + c] = mean[c]
                reading.scale[n * mean.count + c] = scale[c]
            }
        }
        return x.read(through: reading)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let result = Tensor(gradient.shape, in: gradient.context), c = scale.count, scale = scale
        result.context.pointwise(result.shape.count) { _, range in
            for i in range { result.pointer[i] = gradient.pointer[i] * scale[i % c] }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceTensor(inputs[0].shape) { n, y, x, c in (inputs[0][n, y, x, c] - Double(mean[c])) * Double(scale[c]) }
    }
}

/// The hyperbolic tangent.
package struct Tanh: DifferentiableOperation {
    package init() {}

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), y = Tensor(x.shape, in: x.context)
        x.context.pointwise(x.shape.count) { kernels, range in
            kernels.tanh(range.count, x.pointer + range.lowerBound, y.pointer + range.lowerBound)
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let result = Tensor(output.shape, in: output.context)
        result.context.pointwise(output.shape.count) { _, range in
            for i in range { result.pointer[i] = gradient.pointer[i] * (1 - output.pointer[i] * output.pointer[i]) }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        var y = inputs[0]
        y.values = y.values.map { v in
            // Far out the exponential overflows, and the result is 1 to the last bit.
            abs(v) > 30 ? (v > 0 ? 1 : -1) : 1 - 2 / (exponential(2 * v) + 1)
        }
        return y
    }
}

/// The sum of two tensors: a residual block's input and its branch.
package struct Addition: DifferentiableOperation {
    package init() {}

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let (a, b) = (inputs[0].applied(), inputs[1])
        precondition(a.shape == b.shape)
        if b.reading != nil { return b.applied(adding: a) }
        let y = Tensor(a.shape, in: a.context)
        y.context.pointwise(y.shape.count) { kernels, range in
            (y.pointer + range.lowerBound).update(from: a.pointer + range.lowerBound, count: range.count)
            kernels.add(range.count, 1, b.pointer + range.lowerBound, y.pointer + range.lowerBound)
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        [needed[0] ? gradient : nil, needed[1] ? gradient : nil]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        var y = inputs[0]
        for i in y.values.indices { y.values[i] += inputs[1].values[i] }
        return y
    }
}

/// The values as they are read, written out: worth it where they are read more than once.
package struct Materialization: DifferentiableOperation {
    package init() {}

    package func forward(_ inputs: [Tensor]) -> Tensor { inputs[0].applied() }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        [gradient]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor { inputs[0] }
}
