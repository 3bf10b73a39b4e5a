import CTensorKernels
import Synchronization

/// N images of H x W pixels with C channels.
package struct Shape: Hashable, Sendable, CustomStringConvertible {
    package var n, h, w, c: Int

    package init(_ n: Int, _ h: Int, _ w: Int, _ c: Int) {
        (self.n, self.h, self.w, self.c) = (n, h, w, c)
    }

    package var count: Int { n * h * w * c }
    package var description: String { "\(n)x\(h)x\(w)x\(c)" }
}

/// Float32 values of shape (N, H, W, C), the last index fastest.
///
/// A tensor may carry a `reading`: a normalisation and activation that whoever reads the values applies on the way, so
/// that normalised copies need not be stored.
package final class Tensor: Sendable {
    package let shape: Shape
    package let buffer: Buffer
    package let reading: Reading?
    /// Where it was made; what is computed from it is computed there.
    package let context: ComputeContext
    private let changes = Atomic(0)

    /// Counts changes of a parameter's values, so that what was derived from them can be kept until the next.
    package var version: Int { changes.load(ordering: .relaxed) }

    /// To be called after the values were changed in place.
    package func markChanged() { changes.add(1, ordering: .relaxed) }

    package var pointer: UnsafeMutablePointer<Float> { buffer.pointer }

    /// Undefined values, in `buffer` or else in one from the context's pool.
    package convenience init(_ shape: Shape, in context: ComputeContext, buffer: Buffer? = nil) {
        precondition(buffer == nil || buffer!.count >= shape.count)
        self.init(shape, buffer ?? context.buffers.take(shape.count), nil, context)
    }

    private init(_ shape: Shape, _ buffer: Buffer, _ reading: Reading?, _ context: ComputeContext) {
        (self.shape, self.buffer, self.reading, self.context) = (shape, buffer, reading, context)
    }

    package convenience init(_ shape: Shape, values: [Float], in context: ComputeContext = .default) {
        precondition(values.count == shape.count, "\(values.count) values for a tensor of \(shape)")
        self.init(shape, in: context)
        values.withUnsafeBufferPointer { pointer.update(from: $0.baseAddress!, count: values.count) }
    }

    package static func zeros(_ shape: Shape, in context: ComputeContext = .default) -> Tensor {
        let t = Tensor(shape, in: context)
        t.pointer.update(repeating: 0, count: shape.count)
        return t
    }

    /// The same values, to be read through a normalisation.
    package func read(through reading: Reading?) -> Tensor {
        precondition(reading == nil || reading!.n == shape.n && reading!.c == shape.c)
        return Tensor(shape, buffer, reading, context)
    }

    /// One value, (1, 1, 1, 1).
    package static func scalar(_ value: Float, in context: ComputeContext) -> Tensor {
        Tensor(Shape(1, 1, 1, 1), values: [value], in: context)
    }

    /// The values as they are stored, without the reading.
    package var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: shape.count)) }

    /// Image n as the kernels see it.
    func image(_ n: Int) -> ctk_image {
        ctk_image(
            data: UnsafePointer(pointer + n * shape.h * shape.w * shape.c), height: shape.h, width: shape.w,
            channels: shape.c, row_stride: shape.w * shape.c, first_row: 0)
    }
}

/// Per image and channel: v = activation((x - mean) * scale), where activation(v) = v > 0 ? v : slope * v.
/// Slope 1 is no activation.
package final class Reading: Sendable {
    package let n, c: Int
    package let slope: Float
    /// n x c means, then n x c scales (1 / standard deviation).
    package let buffer: Buffer

    package init(n: Int, c: Int, slope: Float, in context: ComputeContext) {
        (self.n, self.c, self.slope) = (n, c, slope)
        buffer = context.buffers.take(2 * n * c)
    }

    package var mean: UnsafeMutablePointer<Float> { buffer.pointer }
    package var scale: UnsafeMutablePointer<Float> { buffer.pointer + n * c }

    func kernel(_ image: Int) -> ctk_read {
        ctk_read(mean: UnsafePointer(mean + image * c), scale: UnsafePointer(scale + image * c), slope: slope)
    }
}
