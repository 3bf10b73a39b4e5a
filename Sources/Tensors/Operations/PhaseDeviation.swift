/// How much of an image repeats with a period, which a painting does not: in each window and channel the mean of every
/// phase (the pixels whose row and column have the same remainders modulo the period), its squared distance from the
/// mean of all phases, averaged. A scalar (1, 1, 1, 1). Input x (N, H, W, C).
///
/// Windows lie side by side from the top left; their side is a multiple of the period, and what is left over counts for
/// nothing. An image smaller than a window is one window. Sides of at least the period.
package struct PhaseDeviation: DifferentiableOperation {
    package let period, window: Int

    package init(period: Int, window: Int = 64) {
        precondition(window % period == 0, "a window is whole periods")
        (self.period, self.window) = (period, window)
    }

    private struct Windows {
        var height, width, rows, columns: Int
    }

    private func windows(_ shape: Shape) -> Windows {
        precondition(min(shape.h, shape.w) >= period, "an image is at least one period high and wide")
        let (h, w) = (min(window, shape.h / period * period), min(window, shape.w / period * period))
        return Windows(height: h, width: w, rows: shape.h / h, columns: shape.w / w)
    }

    /// Each phase's mean less the mean of all, (N, windows, period * period, C).
    private func deviations(_ x: Tensor, _ windows: Windows) -> Tensor {
        let count = windows.rows * windows.columns, phases = period * period, c = x.shape.c
        let result = Tensor(Shape(x.shape.n, count, phases, c), in: x.context)
        x.context.threads.forEach(x.shape.n * count) { item in
            let n = item / count, top = item % count / windows.columns * windows.height
            let left = item % count % windows.columns * windows.width
            var sums = [Double](repeating: 0, count: phases * c)
            for row in 0..<windows.height {
                let source = x.pointer + ((n * x.shape.h + top + row) * x.shape.w + left) * c
                for column in 0..<windows.width {
                    let phase = (row % period * period + column % period) * c
                    for j in 0..<c { sums[phase + j] += Double(source[column * c + j]) }
                }
            }
            let pixels = Double(windows.height * windows.width / phases)
            for j in 0..<c {
                let mean = (0..<phases).reduce(0) { $0 + sums[$1 * c + j] } / Double(phases)
                for phase in 0..<phases {
                    result.pointer[(item * phases + phase) * c + j] = Float((sums[phase * c + j] - mean) / pixels)
                }
            }
        }
        return result
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), deviations = deviations(x, windows(x.shape))
        let sum = x.context.pointwiseSum(deviations.shape.count) { range in
            range.reduce(0) { $0 + Double(deviations.pointer[$1]) * Double(deviations.pointer[$1]) }
        }
        return .scalar(Float(sum / Double(deviations.shape.count)), in: x.context)
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let x = inputs[0].applied(), windows = windows(x.shape), deviations = deviations(x, windows)
        let result = Tensor.zeros(x.shape, in: x.context), c = x.shape.c, phases = period * period
        // The deviations of a window add up to zero: nothing goes back through its mean.
        let pixels = windows.height * windows.width / phases
        let scale = 2 * gradient.pointer[0] / Float(deviations.shape.count * pixels)
        let height = windows.rows * windows.height, width = windows.columns * windows.width
        x.context.threads.forEach(x.shape.n * height) { r in
            let (n, y) = (r / height, r % height)
            for xx in 0..<width {
                let item = (n * windows.rows + y / windows.height) * windows.columns + xx / windows.width
                // Windows are whole periods, so a phase is the same counted from the image's corner.
                let from = deviations.pointer + (item * phases + y % period * period + xx % period) * c
                let to = result.pointer + ((n * x.shape.h + y) * x.shape.w + xx) * c
                for j in 0..<c { to[j] = from[j] * scale }
            }
        }
        return [result]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0], windows = windows(x.shape), phases = period * period
        var sum = 0.0, count = 0
        for n in 0..<x.shape.n {
            for top in stride(from: 0, to: windows.rows * windows.height, by: windows.height) {
                for left in stride(from: 0, to: windows.columns * windows.width, by: windows.width) {
                    for c in 0..<x.shape.c {
                        var means = [Double](repeating: 0, count: phases)
                        for y in 0..<windows.height {
                            for xx in 0..<windows.width {
                                means[y % period * period + xx % period] += x[n, top + y, left + xx, c]
                            }
                        }
                        means = means.map { $0 * Double(phases) / Double(windows.height * windows.width) }
                        let mean = means.reduce(0, +) / Double(phases)
                        sum += means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
                        count += phases
                    }
                }
            }
        }
        return ReferenceTensor(Shape(1, 1, 1, 1), values: [sum / Double(count)])
    }
}
