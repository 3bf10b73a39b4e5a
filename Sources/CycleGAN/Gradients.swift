import Ranks
import Tensors

/// The gradients of some parameters, in the parameters' order: of one image's losses, added up over a batch, then over
/// the ranks.
struct Gradients {
    /// nil where no loss depends on a parameter.
    private var tensors: [Tensor?]

    init(of parameters: [Parameter], _ tape: Tape) { tensors = parameters.map { tape.gradient(of: $0.value) } }

    /// Adds those of other images.
    mutating func add(_ other: Gradients) {
        for (sum, tensor) in zip(tensors, other.tensors) { if let sum, let tensor { sum.add(tensor) } }
    }

    /// Begins to add up a batch's branches over the ranks, while the caller goes on; the first is then the sum.
    static func startSum(
        _ branches: inout [Gradients], batch: Int, over group: any RankGroup
    ) -> any PendingSum {
        let buffers = branches.indices.map { branches[$0].fuse(parts: group.count) }
        return group.startSum(buffers, batch: batch)
    }

    /// Moves all of them into one buffer.
    /// - Parameter parts: equal parts into which it can be cut.
    private mutating func fuse(parts: Int) -> UnsafeMutableBufferPointer<Float> {
        // A cache line each, so that kernels find them as aligned as ever.
        func rounded(_ count: Int, _ unit: Int) -> Int { (count + unit - 1) / unit * unit }
        let counts = tensors.map { rounded($0?.shape.count ?? 0, 16) }
        let used = counts.reduce(0, +), whole = rounded(used, 16 * parts)
        guard let context = tensors.lazy.compactMap({ $0 }).first?.context else { preconditionFailure("no gradient") }
        let buffer = context.buffers.take(whole)
        var start = 0
        for (i, tensor) in tensors.enumerated() {
            guard let tensor else { continue }
            let target = Tensor(tensor.shape, in: context, buffer: buffer.part(start..<start + counts[i]))
            target.pointer.update(from: tensor.pointer, count: tensor.shape.count)
            (target.pointer + tensor.shape.count).update(repeating: 0, count: counts[i] - tensor.shape.count)
            tensors[i] = target
            start += counts[i]
        }
        (buffer.pointer + used).update(repeating: 0, count: whole - used)
        return UnsafeMutableBufferPointer(start: buffer.pointer, count: whole)
    }

    /// Turns sums over a batch into means.
    func divide(by images: Int) {
        guard images > 1 else { return }
        for tensor in tensors.compactMap({ $0 }) { tensor.scale(by: 1 / Float(images)) }
    }

    /// Scales all of them by one factor where their norm together is larger than allowed; nil allows any.
    func clip(toNorm largest: Double?) {
        guard let largest else { return }
        let gradients = tensors.compactMap { $0 }
        let squares = gradients.reduce(0.0) { total, gradient in
            (0..<gradient.shape.count).reduce(total) {
                $0 + Double(gradient.pointer[$1]) * Double(gradient.pointer[$1])
            }
        }
        guard squares > largest * largest else { return }
        let factor = Float(largest / squares.squareRoot())
        for gradient in gradients { for i in 0..<gradient.shape.count { gradient.pointer[i] *= factor } }
    }

    /// One step of an optimizer with them.
    func apply(_ optimizer: inout Adam, learningRate: Double, to parameters: [Parameter]) {
        let gradients = Dictionary(
            uniqueKeysWithValues: zip(parameters, tensors).map { (ObjectIdentifier($0), $1) })
        optimizer.step(learningRate: learningRate, parameters) { gradients[ObjectIdentifier($0)]! }
    }
}
