/// One step of a computation with its gradient.
///
/// To add one: a file with a type that conforms to this, and a row in `tests` of `OperationTests` with its input
/// shapes; it is held against its reference, against finite differences and against itself behind a normalisation, on
/// every kernel table of the machine. Values from PyTorch, if it is to have them: a case in `golden_operations.py` and
/// one in `GoldenOperationTests`. Plain loops under `context.threads.forEach` will do (`MaxPooling` is one to copy);
/// SIMD kernels are the exception. What it makes lies in the inputs' context.
package protocol DifferentiableOperation: Sendable {
    /// The result, a tensor that is none of the inputs. Inputs may carry a reading: `applied()` writes their values
    /// out.
    func forward(_ inputs: [Tensor]) -> Tensor

    /// The gradients with respect to the inputs' values as they are read; may be nil where `needed` is false.
    /// - Parameters:
    ///   - output: what `forward` gave.
    ///   - gradient: with respect to the output as it is read.
    func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?]

    /// The same as `forward`, slow and obvious, in double precision.
    func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor
}

/// Double-precision values (N, H, W, C) for the references.
package struct ReferenceTensor: Sendable {
    package let shape: Shape
    package var values: [Double]

    package init(_ shape: Shape, values: [Double]) {
        precondition(values.count == shape.count)
        (self.shape, self.values) = (shape, values)
    }

    package init(_ shape: Shape, _ value: (_ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Double) {
        self.shape = shape
        values = []
        values.reserveCapacity(shape.count)
        for n in 0..<shape.n {
            for y in 0..<shape.h {
                for x in 0..<shape.w { for c in 0..<shape.c { values.append(value(n, y, x, c)) } }
            }
        }
    }

    package subscript(_ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Double {
        values[((n * shape.h + y) * shape.w + x) * shape.c + c]
    }

    /// The value at any y and x, by the padding.
    func padded(_ n: Int, _ y: Int, _ x: Int, _ c: Int, _ padding: Padding) -> Double {
        guard let y = padding.resolve(y, shape.h), let x = padding.resolve(x, shape.w) else { return 0 }
        return self[n, y, x, c]
    }
}

extension Padding {
    /// The coordinate inside 0..<n that coordinate i reads; nil for a zero.
    func resolve(_ i: Int, _ n: Int) -> Int? {
        if (0..<n).contains(i) { return i }
        switch self {
        case .zero: return nil
        case .edge: return min(max(i, 0), n - 1)
        case .reflection:
            guard n > 1 else { return 0 }
            let period = 2 * (n - 1), j = ((i % period) + period) % period
            return j < n ? j : period - j
        }
    }
}
