extension ComputeContext {
    /// y = tanh(y + x), on all threads.
    package func tanhOfSum(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, count: Int) {
        pointwise(count) { kernels, range in
            kernels.add(range.count, 1, x + range.lowerBound, y + range.lowerBound)
            kernels.tanh(range.count, y + range.lowerBound, y + range.lowerBound)
        }
    }
}
