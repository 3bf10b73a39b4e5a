import Foundation
import Tensors

/// Prepares this rank's parts of the batches of coming iterations on a thread of its own, so that training does not
/// wait for a disk.
/// Safe to share: what changes is read and written with the condition's lock held.
final class Prefetcher: @unchecked Sendable {
    private let condition = NSCondition()
    private var ready: [Result<[(x: Tensor, y: Tensor)], any Error>] = []
    private var isStopped = false
    /// Batches held ready.
    private static let capacity = 3

    /// - Parameters:
    ///   - batch: pairs of a whole batch.
    ///   - part: those of them that are wanted.
    ///   - first: the first iteration that will be asked for.
    init(_ data: TrainingData, batch: Int, part: Range<Int>, first: Int) {
        let thread = Thread { [self] in
            var iteration = first
            while true {
                let result = Result<[(x: Tensor, y: Tensor)], any Error> {
                    try part.map { try data.load(iteration * batch + $0) }
                }
                condition.lock()
                while ready.count >= Self.capacity, !isStopped { condition.wait() }
                if isStopped { return condition.unlock() }
                ready.append(result)
                condition.broadcast()
                condition.unlock()
                iteration += 1
            }
        }
        thread.name = "training data"
        thread.start()
    }

    /// The next iteration's photos and paintings.
    func next() throws -> [(x: Tensor, y: Tensor)] {
        condition.lock()
        while ready.isEmpty { condition.wait() }
        let result = ready.removeFirst()
        condition.broadcast()
        condition.unlock()
        return try result.get()
    }

    /// Lets the thread end.
    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }
}
