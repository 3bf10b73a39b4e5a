/// What a convolution and its gradients are, slow and obvious, in double precision: a sum over every output pixel and
/// tap, from the definition of each kind. Every algorithm is held against it.
struct ReferenceConvolution {
    let kind: Convolution2D.Kind
    let form: ConvolutionForm

    init(_ operation: Convolution2D) { (kind, form) = (operation.kind, operation.form) }

    /// x (N, H, W, inputChannels), weight (`weightShape`), bias (1, 1, 1, outputChannels) to (N, H', W',
    /// outputChannels).
    func forward(_ x: ReferenceTensor, weight: ReferenceTensor, bias: ReferenceTensor?) -> ReferenceTensor {
        var result = ReferenceTensor(outputShape(x.shape)) { _, _, _, o in bias?.values[o] ?? 0 }
        forEachRead(x.shape) { input, output, weights, factor in
            for o in 0..<form.outputChannels {
                for i in 0..<form.inputChannels {
                    result.values[output + o] += factor * x.values[input + i] * weight.values[weights(i, o)]
                }
            }
        }
        return result
    }

    /// The gradient with respect to x, `shape`, from that with respect to the output.
    func inputGradient(_ shape: Shape, weight: ReferenceTensor, gradient: ReferenceTensor) -> ReferenceTensor {
        var result = ReferenceTensor(shape) { _, _, _, _ in 0 }
        forEachRead(shape) { input, output, weights, factor in
            for o in 0..<form.outputChannels {
                for i in 0..<form.inputChannels {
                    result.values[input + i] += factor * gradient.values[output + o] * weight.values[weights(i, o)]
                }
            }
        }
        return result
    }

    /// The gradient with respect to the weight, `weightShape`.
    func weightGradient(_ x: ReferenceTensor, gradient: ReferenceTensor) -> ReferenceTensor {
        var result = ReferenceTensor(form.weightShape) { _, _, _, _ in 0 }
        forEachRead(x.shape) { input, output, weights, factor in
            for o in 0..<form.outputChannels {
                for i in 0..<form.inputChannels {
                    result.values[weights(i, o)] += factor * x.values[input + i] * gradient.values[output + o]
                }
            }
        }
        return result
    }

    private func outputShape(_ x: Shape) -> Shape {
        Shape(x.n, form.geometry.outputSide(x.h), form.geometry.outputSide(x.w), form.outputChannels)
    }

    /// Calls `body` for each output pixel, each tap of it and each input pixel that the tap reads there.
    /// - Parameter body: is given where the input pixel's and the output pixel's channels begin, where the tap's weight
    ///   of an input and an output channel stands, and the input pixel's factor.
    private func forEachRead(
        _ x: Shape, _ body: (_ input: Int, _ output: Int, _ weights: (Int, Int) -> Int, _ factor: Double) -> Void
    ) {
        let y = outputShape(x), k = form.geometry.kernelSize
        for row in 0..<y.h {
            for column in 0..<y.w {
                for tapRow in 0..<k {
                    for tapColumn in 0..<k {
                        let down = reads(row, tapRow, x.h), across = reads(column, tapColumn, x.w)
                        for (sourceRow, a) in down {
                            for (sourceColumn, b) in across {
                                for n in 0..<x.n {
                                    body(
                                        ((n * x.h + sourceRow) * x.w + sourceColumn) * x.c,
                                        ((n * y.h + row) * y.w + column) * y.c,
                                        { form.layout.offset(tapRow, tapColumn, $0, $1) }, a * b)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The input rows (columns alike), of `side`, that a tap of an output row reads, each with its factor.
    private func reads(_ output: Int, _ tap: Int, _ side: Int) -> [(source: Int, factor: Double)] {
        switch kind {
        case .strided(_, let stride, let padding, let pad):
            return padding.resolve(output * stride - pad + tap, side).map { [($0, 1)] } ?? []
        case .transposed:
            let doubled = output + 1 - tap
            return doubled % 2 == 0 && (0..<side).contains(doubled / 2) ? [(doubled / 2, 1)] : []
        case .doubling:
            return [(Padding.reflection.resolve(output - 1 + tap, 2 * side)! / 2, 1)]
        case .bilinearDoubling:
            // The nearer small pixel weighs 3/4, the other 1/4.
            let doubled = min(max(output - 1 + tap, 0), 2 * side - 1), near = doubled / 2
            let other = Padding.edge.resolve(near + 2 * (doubled % 2) - 1, side)!
            return [(near, 0.75), (other, 0.25)]
        }
    }
}
