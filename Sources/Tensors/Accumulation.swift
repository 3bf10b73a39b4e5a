import CTensorKernels

extension Tensor {
    /// Adds another tensor's values, of the same shape, to this one's.
    package func add(_ other: Tensor) {
        precondition(shape == other.shape && reading == nil && other.reading == nil)
        context.pointwise(shape.count) { kernels, range in
            kernels.add(range.count, 1, other.pointer + range.lowerBound, pointer + range.lowerBound)
        }
    }

    /// Multiplies every value.
    package func scale(by factor: Float) {
        precondition(reading == nil)
        context.pointwise(shape.count) { _, range in for i in range { pointer[i] *= factor } }
    }
}
