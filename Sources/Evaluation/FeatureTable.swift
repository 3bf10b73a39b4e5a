/// Features of images, a row each.
package struct FeatureTable: Sendable, Equatable {
    package let dimensions: Int
    /// Row after row.
    package private(set) var values: [Float] = []

    package init(dimensions: Int) { self.dimensions = dimensions }

    package init(_ rows: [[Float]]) {
        self.init(dimensions: rows.first?.count ?? 0)
        for row in rows { append(row) }
    }

    package var count: Int { dimensions == 0 ? 0 : values.count / dimensions }

    package mutating func append(_ row: [Float]) {
        precondition(row.count == dimensions, "\(row.count) features in a table of \(dimensions)")
        values += row
    }

    package func row(_ index: Int) -> ArraySlice<Float> { values[index * dimensions..<(index + 1) * dimensions] }

    /// Rows `rows` in double precision, one after the other, at `target`.
    func copy(_ rows: Range<Int>, to target: UnsafeMutablePointer<Double>) {
        values.withUnsafeBufferPointer { values in
            let first = rows.lowerBound * dimensions
            for i in 0..<rows.count * dimensions { target[i] = Double(values[first + i]) }
        }
    }

    /// Throws `EvaluationError` where the two cannot be compared as distributions.
    static func check(_ a: FeatureTable, _ b: FeatureTable) throws {
        guard a.dimensions == b.dimensions else {
            throw EvaluationError(
                "features of \(a.dimensions) dimensions cannot be compared with features of \(b.dimensions)")
        }
        guard min(a.count, b.count) >= 2 else {
            throw EvaluationError(
                "a distance of distributions needs two images or more on either side; "
                    + "there are \(a.count) and \(b.count)")
        }
    }
}
