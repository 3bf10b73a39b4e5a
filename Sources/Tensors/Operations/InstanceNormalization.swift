import CTensorKernels

/// Instance normalisation (Ulyanov et al. 2016) without parameters, epsilon 1e-5, biased variance, then an activation:
/// input x, which carries no reading. The output shares x's values and carries the reading.
package struct InstanceNormalization: DifferentiableOperation {
    /// Of the activation below zero; 1 for none.
    package var slope: Float
    private static let epsilon = 1e-5

    package init(slope: Float) { self.slope = slope }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0], context = x.context
        precondition(x.reading == nil)
        let reading = Reading(n: x.shape.n, c: x.shape.c, slope: slope, in: context)
        let pixels = x.shape.h * x.shape.w, c = x.shape.c, chunk = max(16, 16_384 / c / 16 * 16)
        let kernels = context.kernels.table
        for n in 0..<x.shape.n {
            let sums = ChannelSums(channels: c, in: context)
            let parts = sums.extend((pixels + chunk - 1) / chunk)
            context.threads.forEach(parts.count) { i in
                kernels.statistics(
                    min(chunk, pixels - i * chunk), c, x.pointer + (n * pixels + i * chunk) * c, c, parts[i])
            }
            sums.finish(pixels: pixels, epsilon: Self.epsilon, into: reading, image: n)
        }
        return x.read(through: reading)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0], reading = output.reading!, context = x.context
        let result = Tensor(x.shape, in: context)
        let pixels = x.shape.h * x.shape.w, c = x.shape.c, chunk = max(64, 16_384 / c / 64 * 64)
        let chunks = (pixels + chunk - 1) / chunk
        let kernels = context.kernels.table
        for n in 0..<x.shape.n {
            let sums = ChannelSums(channels: c, in: context)
            let parts = sums.extend(chunks)
            let read = reading.kernel(n)
            func offset(_ i: Int) -> Int { (n * pixels + i * chunk) * c }
            context.threads.forEach(chunks) { i in
                var read = read
                kernels.normalize_gradient_sums(
                    min(chunk, pixels - i * chunk), c, x.pointer + offset(i), &read, gradient.pointer + offset(i),
                    parts[i])
            }
            let means = context.buffers.take(2 * c)
            for j in 0..<2 * c { means.pointer[j] = Float(parts.reduce(0) { $0 + $1[j] } / Double(pixels)) }
            context.threads.forEach(chunks) { i in
                var read = read
                kernels.normalize_gradient(
                    min(chunk, pixels - i * chunk), c, x.pointer + offset(i), &read, gradient.pointer + offset(i),
                    means.pointer, result.pointer + offset(i))
            }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0], pixels = Double(x.shape.h * x.shape.w)
        func total(_ n: Int, _ c: Int, _ value: (Double) -> Double) -> Double {
            var sum = 0.0
            for y in 0..<x.shape.h { for xx in 0..<x.shape.w { sum += value(x[n, y, xx, c]) } }
            return sum
        }
        var mean: [[Double]] = [], deviation: [[Double]] = []
        for n in 0..<x.shape.n {
            mean.append((0..<x.shape.c).map { c in total(n, c) { $0 } / pixels })
            deviation.append(
                (0..<x.shape.c).map { c in
                    (total(n, c) { ($0 - mean[n][c]) * ($0 - mean[n][c]) } / pixels + Self.epsilon).squareRoot()
                })
        }
        return ReferenceTensor(x.shape) { n, y, xx, c in
            let v = (x[n, y, xx, c] - mean[n][c]) / deviation[n][c]
            return v > 0 ? v : Double(slope) * v
        }
    }
}
