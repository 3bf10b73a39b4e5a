/// What computations run on: threads, kernels, and a pool of buffers.
///
/// A tensor carries the context that it was made in, and what is computed from it is computed there; a network carries
/// that of its weights, and a program that was given a number of threads makes a context and hands it down.
package final class ComputeContext: Sendable {
    /// As many threads as there are processors for us, and the best kernels: for callers who do not care.
    package static let `default` = ComputeContext()

    package let threads: ThreadPool
    package let kernels: Kernels
    package let buffers = BufferPool()
    package let tuning: Tuning

    /// - Parameter threads: nil for as many as the processors that affinity and the cgroup's quota leave us.
    package init(threads: Int? = nil, kernels: Kernels = .chosen, tuning: Tuning = Tuning()) {
        self.threads = ThreadPool(threads)
        (self.kernels, self.tuning) = (kernels, tuning)
    }

    /// One with so many threads; nil for the default one.
    package static func with(threads: Int?) -> ComputeContext {
        threads.map { ComputeContext(threads: $0) } ?? .default
    }
}

/// Numbers that trade time for memory, or one way of computing for another: results differ in rounding only. Tests
/// choose others, to see every way with small inputs.
package struct Tuning: Sendable {
    /// Below this many tiles of an image, transforming the weights of several phases anew after each step costs more,
    /// in time or memory (they become up to eleven times as large), than the smaller products save.
    package var leastPhaseTiles = 24
    /// Floats of either side of a weight gradient's products that are held at a time: 64 MB.
    package var mostFloatsOfTiles = 1 << 24
    /// Rows of full resolution that a generator computes at a time where memory is short; nil for as many as suit the
    /// image.
    package var bandRows: Int?

    package init() {}
}
