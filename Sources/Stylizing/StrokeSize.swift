/// How large brush strokes are, as a part of the picture, beside what a model was trained for.
package struct StrokeSize: Sendable, Hashable, CustomStringConvertible {
    /// 1 is the model's own, 2 twice as large.
    package let factor: Double

    /// Of the largest and the smallest that is taken.
    package static let range = 0.25...4.0

    package static let fine = StrokeSize(factor: 0.6)
    package static let medium = StrokeSize(factor: 1)
    package static let coarse = StrokeSize(factor: 1.6)
    private static let names: [(name: String, size: StrokeSize)] = [
        ("fine", fine), ("medium", medium), ("coarse", coarse),
    ]

    private init(factor: Double) { self.factor = factor }

    /// From `fine`, `medium`, `coarse` or a factor in `range`; nil for anything else.
    package init?(_ text: String) {
        if let named = Self.names.first(where: { $0.name == text }) {
            self = named.size
        } else if let factor = Double(text), Self.range.contains(factor) {
            self.init(factor: factor)
        } else {
            return nil
        }
    }

    package var description: String { Self.names.first { $0.size == self }?.name ?? "\(factor)" }
}
