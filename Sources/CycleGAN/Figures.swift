import Foundation
import Photos

/// The paper's figures, of runs that have ended.
package enum Figures {
    /// Images side by side, a row after the other; none of them larger than `side` on a side.
    package static func sheet(_ rows: [[Photo]], side: Int) -> Photo { ContactSheet.photo(rows, side: side) }

    /// Figure 3: the generators' and the discriminators' losses of a run, from its losses.csv, as an SVG. Throws
    /// `TrainingError` where the file cannot be read.
    package static func losses(_ directory: String) throws -> String {
        let path = directory + "/" + LossLog.fileName
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TrainingError("\(path) cannot be read")
        }
        // The sums come first.
        return LossChart.sheet(Array(LossChart.all(LossLog.rows(String(decoding: data, as: UTF8.self))).prefix(2)))
    }
}
