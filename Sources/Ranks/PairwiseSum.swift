/// The order in which what belongs to the images of a batch, or to the ranks, is added up: the sum of the first half
/// and the sum of the second, and so on within each.
///
/// Floats added in another order are other floats, and adversarial training makes a visible difference of a last bit
/// within some iterations. Each rank adds up the largest branches of that tree that lie within its part (one, where the
/// ranks are a power of two or as many as the batch has images), and the rest is put together as one process would:
/// they get its very bits.
package enum PairwiseSum {
    /// - Parameters:
    ///   - numbers: not empty.
    ///   - value: of a number; asked for once each, in rising order.
    ///   - add: adds the second to the first.
    package static func over<Value>(
        _ numbers: Range<Int>, _ value: (Int) throws -> Value, adding add: (inout Value, Value) -> Void
    ) rethrows -> Value {
        guard numbers.count > 1 else { return try value(numbers.lowerBound) }
        let middle = numbers.lowerBound + numbers.count / 2
        var sum = try over(numbers.lowerBound..<middle, value, adding: add)
        add(&sum, try over(middle..<numbers.upperBound, value, adding: add))
        return sum
    }

    /// The largest branches of the tree over `whole` that lie within a part of it, in rising order.
    package static func branches(within part: Range<Int>, of whole: Range<Int>) -> [Range<Int>] {
        let common = part.clamped(to: whole)
        if common.isEmpty || common == whole { return common.isEmpty ? [] : [whole] }
        let middle = whole.lowerBound + whole.count / 2
        return branches(within: part, of: whole.lowerBound..<middle)
            + branches(within: part, of: middle..<whole.upperBound)
    }

    /// The sum over `whole` of branches that are summed already.
    package static func over<Value>(
        _ whole: Range<Int>, branches: [Range<Int>: Value], adding add: (inout Value, Value) -> Void
    ) -> Value {
        if let sum = branches[whole] { return sum }
        let middle = whole.lowerBound + whole.count / 2
        var sum = over(whole.lowerBound..<middle, branches: branches, adding: add)
        add(&sum, over(middle..<whole.upperBound, branches: branches, adding: add))
        return sum
    }
}
