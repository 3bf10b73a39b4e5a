import Foundation

/// `losses.csv`: a row of losses for each iteration, kept in memory too for the plots.
public final class LossLog {
    public static let fileName = "losses.csv"
    public static let columns = ["iteration"] + StepLosses().all.map(\.name) + ["learning-rate", "seconds"]

    /// The rows so far; the first number is the iteration.
    public private(set) var rows: [[Float]] = []
    private let path: String
    private var file: FileHandle?

    /// Goes on after an iteration: rows behind it, which a run left that was ended before its checkpoint, are dropped.
    init(_ directory: String, after iteration: Int) throws {
        path = directory + "/" + Self.fileName
        if iteration > 0, let data = FileManager.default.contents(atPath: path) {
            for line in String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst() {
                let row = line.split(separator: ",").compactMap { Float($0) }
                if row.count == Self.columns.count, Int(row[0]) <= iteration { rows.append(row) }
            }
        }
        let text = Self.columns.joined(separator: ",") + "\n" + rows.map(Self.line).joined()
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw TrainingError("\(path) cannot be written: \(error.localizedDescription)")
        }
        file = FileHandle(forWritingAtPath: path)
        try file?.seekToEnd()
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
