import Tensors

/// Sums of an image's values by phase (a place's row and column modulo 8), less their means over 8 x 8 pixels, in cells
/// of 32 x 32 pixels; rows are added from top to bottom and kept for as long as they are needed.
final class PhaseSums {
    private static let period = LatticeFilter.period, step = LatticeFilter.step
    /// The mean over 8 pixels, even-handed: it lets through nothing of what repeats every 8, 4 or 2.
    private static let taps: [Float] = [0.0625] + [Float](repeating: 0.125, count: 7) + [0.0625]
    private static let reach = 4

    private let width, height: Int
    private let context: ComputeContext
    private var kept: [[Float]] = []
    private var firstKept = 0
    private var cells: [Int: [[Float]]] = [:]
    /// Strips of cells that are summed up.
    private(set) var strips = 0

    init(width: Int, height: Int, in context: ComputeContext) {
        (self.width, self.height, self.context) = (width, height, context)
    }

    func add(_ rows: Range<Int>, _ values: UnsafePointer<Float>) {
        let row = width * 3
        for r in 0..<rows.count { kept.append(Array(UnsafeBufferPointer(start: values + r * row, count: row))) }
        while strips * Self.step < height, firstKept + kept.count >= min(height, (strips + 1) * Self.step + Self.reach)
        {
            sum(strips)
            strips += 1
        }
    }

    /// A row that was added and not forgotten.
    func row(_ y: Int) -> [Float] { kept[y - firstKept] }

    /// Rows of strips to come, and those that their means reach back to, stay.
    func forget(before y: Int) {
        let first = min(y, strips * Self.step - Self.reach, firstKept + kept.count)
        if first > firstKept {
            kept.removeFirst(first - firstKept)
            firstKept = first
        }
        cells = cells.filter { $0.key >= y / Self.step - 1 }
    }

    private func mirrored(_ i: Int, _ side: Int) -> Int { i < 0 ? -i : i >= side ? 2 * (side - 1) - i : i }

    private func sum(_ strip: Int) {
        let rows = strip * Self.step..<min(height, (strip + 1) * Self.step)
        let columns = (width + Self.step - 1) / Self.step, phases = Self.period * Self.period * 3
        let sums = context.buffers.take(columns * phases)
        sums.pointer.update(repeating: 0, count: columns * phases)
        // Rows of one phase have sums of their own.
        context.threads.forEach(Self.period) { phase in
            for y in rows where y % Self.period == phase {
                self.add(row: y, to: sums.pointer + phase * Self.period * 3, phases)
            }
        }
        cells[strip] = (0..<columns).map {
            Array(UnsafeBufferPointer(start: sums.pointer + $0 * phases, count: phases))
        }
    }

    private func add(row y: Int, to sums: UnsafeMutablePointer<Float>, _ stride: Int) {
        let count = width * 3, reach = Self.reach
        // The column means with their mirror images at both ends.
        let padded = context.buffers.take(count + 6 * reach), means = padded.pointer + 3 * reach
        means.update(repeating: 0, count: count)
        for (i, tap) in Self.taps.enumerated() {
            row(mirrored(y + i - reach, height)).withUnsafeBufferPointer { source in
                for x in 0..<count { means[x] += tap * source[x] }
            }
        }
        for x in 1...reach {
            for c in 0..<3 {
                means[-3 * x + c] = means[3 * x + c]
                means[3 * (width - 1 + x) + c] = means[3 * (width - 1 - x) + c]
            }
        }
        row(y).withUnsafeBufferPointer { source in
            for x in 0..<width {
                let target = sums + x / Self.step * stride + x % Self.period * 3
                for c in 0..<3 {
                    let at = 3 * x + c
                    var mean = (means[at - 12] + means[at + 12]) * 0.0625
                    for k in -3...3 { mean += means[at + 3 * k] * 0.125 }
                    target[c] += source[at] - mean
                }
            }
        }
    }

    /// The mean of each phase, (8, 8, 3), less the mean of them all, in the window of 2 x 2 cells from cell (j, i) on;
    /// nil where less than 2 x 2 periods of it lie in the image.
    func deviations(_ j: Int, _ i: Int) -> [Float]? {
        func extent(_ cell: Int, _ side: Int) -> Range<Int> {
            max(0, cell * Self.step)..<max(0, min(side, (cell + 2) * Self.step))
        }
        let (rows, columns) = (extent(j, height), extent(i, width)), period = Self.period
        guard min(rows.count, columns.count) >= 2 * period else { return nil }
        func counts(_ range: Range<Int>) -> [Float] {
            (0..<period).map { phase in
                Float(
                    (range.upperBound - phase + period - 1) / period - (range.lowerBound - phase + period - 1) / period)
            }
        }
        let (down, across) = (counts(rows), counts(columns))
        var means = [Float](repeating: 0, count: period * period * 3)
        for line in j...j + 1 {
            for cell in i...i + 1 {
                guard let strip = cells[line], strip.indices.contains(cell) else { continue }
                for k in means.indices { means[k] += strip[cell][k] }
            }
        }
        for p in 0..<period {
            for q in 0..<period { for c in 0..<3 { means[(p * period + q) * 3 + c] /= down[p] * across[q] } }
        }
        for c in 0..<3 {
            let mean =
                stride(from: c, to: means.count, by: 3).reduce(Float(0)) { $0 + means[$1] } / Float(period * period)
            for k in stride(from: c, to: means.count, by: 3) { means[k] -= mean }
        }
        return means
    }
}
