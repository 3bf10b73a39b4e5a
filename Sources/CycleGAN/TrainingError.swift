/// Why training cannot start or go on, with the remedy, in one line.
package struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
