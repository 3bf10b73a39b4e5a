/// A place in a configuration file; line and column count from 1.
package struct SourcePosition: Sendable, Equatable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var column: Int

    package var description: String { "\(file):\(line):\(column)" }
}

/// One thing that is wrong with the configuration, and where.
package struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// nil where no place in a file is to blame, for example a file that cannot be read.
    package var position: SourcePosition?
    package var message: String

    package init(position: SourcePosition?, message: String) {
        self.position = position
        self.message = message
    }

    package var description: String { position.map { "\($0): \(message)" } ?? message }
}

/// Everything that is wrong with the configuration, all at once.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    package var problems: [ConfigurationProblem]

    package init(problems: [ConfigurationProblem]) { self.problems = problems }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The one of `candidates` that was probably meant by `word`: the nearest by insertions, deletions, replacements and
/// swaps of neighbours, if it is near enough to be a slip.
package func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    let best = candidates.map { ($0, editDistance(word.lowercased(), $0.lowercased())) }.min { $0.1 < $1.1 }
    guard let best, best.1 <= limit else { return nil }
    return best.0
}

/// ` (did you mean …?)` or nothing.
package func didYouMean(_ word: String, among candidates: some Sequence<String>) -> String {
    suggestion(for: word, among: candidates).map { " (did you mean \($0)?)" } ?? ""
}

/// The optimal string alignment distance (Damerau's four operations, no substring edited twice).
package func editDistance(_ first: String, _ second: String) -> Int {
    let a = Array(first), b = Array(second)
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
            row.append(cost)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
