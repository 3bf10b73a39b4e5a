import Foundation

/// `losses.csv`: a row of losses for each iteration, kept in memory too for the plots.
package final class LossLog {
    package static let fileName = "losses.csv"
    package static let columns = ["iteration"] + LossTerm.allCases.map(\.name) + ["learning-rate", "seconds"]

    /// The rows so far; the first number is the iteration.
    package private(set) var rows: [[Float]] = []
    private let path: String
    private var file: FileHandle?

    /// Goes on after an iteration: rows behind it, which a run left that was ended before its checkpoint, are dropped.
    /// A table with other columns, by another version of the program, is taken over; what it did not know of is 0.
    init(_ directory: String, after iteration: Int) throws {
        path = directory + "/" + Self.fileName
        if iteration > 0, let data = FileManager.default.contents(atPath: path) {
            rows = Self.rows(String(decoding: data, as: UTF8.self)).filter { Int($0[0]) <= iteration }
        }
        let text = Self.columns.joined(separator: ",") + "\n" + rows.map(Self.line).joined()
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw TrainingError("\(path) cannot be written: \(error.localizedDescription)")
        }
        file = FileHandle(forWritingAtPath: path)
        try file?.seekToEnd()
    }

    /// The rows of a table, in the order of `columns`; lines that were not written to their end are left out.
    static func rows(_ text: String) -> [[Float]] {
        let lines = text.split(separator: "\n")
        let header = lines.first?.split(separator: ",").map(String.init) ?? []
        let places = columns.map { header.firstIndex(of: $0) }
        guard places[0] != nil else { return [] }
        return lines.dropFirst().compactMap { line in
            let row = line.split(separator: ",").compactMap { Float($0) }
            return row.count == header.count ? places.map { $0.map { row[$0] } ?? 0 } : nil
        }
    }

    /// Throws where the row could not be written; it is kept for the plots all the same.
    func append(_ iteration: Int, _ losses: StepLosses, learningRate: Double, seconds: Double) throws {
        let row = [Float(iteration)] + losses.all.map { Float($0.value) } + [Float(learningRate), Float(seconds)]
        rows.append(row)
        try file?.write(contentsOf: Data(Self.line(row).utf8))
    }

    private static func line(_ row: [Float]) -> String {
        String(Int(row[0])) + "," + row.dropFirst().map { "\($0)" }.joined(separator: ",") + "\n"
    }
}
