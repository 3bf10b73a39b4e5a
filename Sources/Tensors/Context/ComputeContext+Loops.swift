import CTensorKernels

extension ComputeContext {
    /// Calls `body` with parts of 0..<count small enough for the first cache, on all threads.
    func pointwise(_ count: Int, _ body: (ctk_kernels, Range<Int>) -> Void) {
        let kernels = kernels.table
        let chunk = 1 << 14
        threads.forEach((count + chunk - 1) / chunk) { i in
            body(kernels, i * chunk..<min(count, (i + 1) * chunk))
        }
    }

    /// The sum over 0..<count of `body`'s partial sums, in an order that does not depend on the threads.
    func pointwiseSum(_ count: Int, _ body: (Range<Int>) -> Double) -> Double {
        let chunk = 1 << 14
        let chunks = (count + chunk - 1) / chunk
        let partial = buffers.take(2 * chunks)
        return UnsafeMutableRawPointer(partial.pointer).withMemoryRebound(to: Double.self, capacity: chunks) { sums in
            threads.forEach(chunks) { i in sums[i] = body(i * chunk..<min(count, (i + 1) * chunk)) }
            return (0..<chunks).reduce(0) { $0 + sums[$1] }
        }
    }
}
