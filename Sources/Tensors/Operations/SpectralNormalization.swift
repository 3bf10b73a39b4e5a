import Synchronization

/// A weight divided by its largest singular value, as a matrix with a row for each output channel (Miyato et al. 2018).
/// Input a weight (outputChannels, inputChannels, k, k).
///
/// The singular vector is found by power iteration and kept: the first use iterates until it stands, each later one
/// takes a single step from where the last ended.
package final class SpectralNormalization: DifferentiableOperation {
    private let state = Mutex<[Float]?>(nil)
    private let used = Mutex<(left: [Double], right: [Double], value: Double)?>(nil)
    private static let firstSteps = 300

    package init() {}

    /// The left singular vector after the last use; part of a training's state.
    package var leftVector: [Float]? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let weight = inputs[0], rows = weight.shape.n, columns = weight.shape.count / rows
        precondition(weight.reading == nil)
        let before = leftVector
        var left = before.map { $0.map(Double.init) } ?? [Double](repeating: 1 / Double(rows).squareRoot(), count: rows)
        var right: [Double] = [], value = 0.0
        for _ in 0..<(before == nil ? Self.firstSteps : 1) {
            right = Self.normalized(Self.transposedProduct(weight.pointer, rows, columns, left)).vector
            (left, value) = Self.normalized(Self.product(weight.pointer, rows, columns, right))
        }
        leftVector = left.map(Float.init)
        let (kept, keptRight, keptValue) = (left, right, value)
        used.withLock { $0 = (kept, keptRight, keptValue) }
        let y = Tensor(weight.shape, in: weight.context), scale = Float(1 / value)
        for i in 0..<weight.shape.count { y.pointer[i] = weight.pointer[i] * scale }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let (left, right, value) = used.withLock { $0! }
        let result = Tensor(gradient.shape, in: gradient.context), columns = right.count
        var along = 0.0
        for i in 0..<gradient.shape.count { along += Double(gradient.pointer[i]) * Double(output.pointer[i]) }
        for row in left.indices {
            for column in 0..<columns {
                let i = row * columns + column
                result.pointer[i] = Float((Double(gradient.pointer[i]) - along * left[row] * right[column]) / value)
            }
        }
        return [result]
    }

    private static func product(_ matrix: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ vector: [Double])
        -> [Double]
    {
        (0..<rows).map { row in
            var sum = 0.0
            for column in 0..<columns { sum += Double(matrix[row * columns + column]) * vector[column] }
            return sum
        }
    }

    private static func transposedProduct(
        _ matrix: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ vector: [Double]
    ) -> [Double] {
        var result = [Double](repeating: 0, count: columns)
        for row in 0..<rows {
            for column in 0..<columns { result[column] += Double(matrix[row * columns + column]) * vector[row] }
        }
        return result
    }

    private static func normalized(_ vector: [Double]) -> (vector: [Double], length: Double) {
        // A weight of zeros has no singular vector; the bound keeps the quotient finite.
        let length = max(vector.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
        return (vector.map { $0 / length }, length)
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        var weight = inputs[0]
        let rows = weight.shape.n, columns = weight.shape.count / rows
        var left = [Double](repeating: 1, count: rows), value = 0.0
        for _ in 0..<3000 {
            let raw = (0..<columns).map { c in (0..<rows).reduce(0) { $0 + weight.values[$1 * columns + c] * left[$1] }
            }
            let right = Self.normalized(raw).vector
            (left, value) = Self.normalized(
                (0..<rows).map { r in (0..<columns).reduce(0) { $0 + weight.values[r * columns + $1] * right[$1] } })
        }
        weight.values = weight.values.map { $0 / value }
        return weight
    }
}
