import Foundation

/// A line chart of some losses over the iterations, as lines and texts that SVG and the rasteriser draw alike.
struct LossChart {
    struct Line {
        var colour: String
        /// In pixels from the top left corner.
        var points: [(x: Double, y: Double)]
        var width: Double
    }
    struct Label {
        enum Anchor: String { case start, middle, end }
        var text: String
        var x, y: Double
        var anchor: Anchor
        var colour: String
    }

    static let width = 480.0, height = 260.0
    private static let left = 52.0, right = 12.0, top = 34.0, bottom = 28.0
    private static let colours = ["#1f6feb", "#d9480f", "#2da44e"]
    private static let grid = "#d0d7de", ink = "#57606a"
    /// Means of this many parts of the run are drawn: single steps jump too much for the eye.
    private static let parts = 240

    private(set) var lines: [Line] = []
    private(set) var labels: [Label] = []

    /// What the losses of a run are drawn in: the sums as in the paper's figure, then the parts.
    static let panels: [(title: String, columns: [String])] = {
        let first: [LossTerm] = [.generators, .discriminatorX]
        var titles: [String] = []
        for term in first + LossTerm.allCases where !titles.contains(term.chart) { titles.append(term.chart) }
        return titles.map { title in (title, LossTerm.allCases.filter { $0.chart == title }.map(\.name)) }
    }()

    /// The charts of all losses that the run has.
    static func all(_ rows: [[Float]]) -> [LossChart] {
        panels.compactMap { panel in
            let drawn = panel.columns.map { (name: $0, column: LossLog.columns.firstIndex(of: $0)!) }
                .filter { line in rows.contains { $0[line.column] != 0 } }
            guard !drawn.isEmpty else { return nil }
            return LossChart(title: panel.title, names: drawn.map(\.name), rows: rows, columns: drawn.map(\.column))
        }
    }

    init(title: String, names: [String], rows: [[Float]], columns: [Int]) {
        let series = columns.map { Self.reduced(rows, $0) }
        let first = Double(rows.first?[0] ?? 0), last = max(first + 1, Double(rows.last?[0] ?? 1))
        let highest = max(series.joined().map(\.value).max() ?? 1, 1e-9)
        let step = Self.roundStep(highest / 4), top = (highest / step).rounded(.up) * step
        func x(_ iteration: Double) -> Double {
            Self.left + (iteration - first) / (last - first) * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - value / top * (Self.height - Self.top - Self.bottom)
        }
        for i in 0...Int((top / step).rounded()) {
            let value = Double(i) * step
            lines.append(
                Line(colour: Self.grid, points: [(Self.left, y(value)), (Self.width - Self.right, y(value))], width: 1))
            labels.append(
                Label(text: Self.text(value), x: Self.left - 6, y: y(value) + 4, anchor: .end, colour: Self.ink))
        }
        let iterationStep = max(1, Self.roundStep((last - first) / 5)), start = (first / iterationStep).rounded(.up)
        for i in 0...6 where (start + Double(i)) * iterationStep <= last {
            let iteration = (start + Double(i)) * iterationStep
            labels.append(
                Label(
                    text: Self.text(iteration), x: x(iteration), y: Self.height - 9, anchor: .middle, colour: Self.ink))
        }
        labels.append(Label(text: title, x: Self.left, y: 18, anchor: .start, colour: "#1f2328"))
        for (i, points) in series.enumerated() {
            lines.append(
                Line(colour: Self.colours[i], points: points.map { (x($0.iteration), y($0.value)) }, width: 1.8))
            guard series.count > 1 else { continue }
            let right = Self.width - Self.right - Double(series.count - 1 - i) * 110
            labels.append(Label(text: names[i], x: right, y: 18, anchor: .end, colour: Self.colours[i]))
        }
    }

    /// Means over equal parts of the run.
    private static func reduced(_ rows: [[Float]], _ column: Int) -> [(iteration: Double, value: Double)] {
        let size = max(1, (rows.count + parts - 1) / parts)
        return stride(from: 0, to: rows.count, by: size).map { start in
            let part = rows[start..<min(rows.count, start + size)]
            return (
                part.reduce(0) { $0 + Double($1[0]) } / Double(part.count),
                part.reduce(0) { $0 + Double($1[column]) } / Double(part.count)
            )
        }
    }

    /// 1, 2 or 5 times a power of ten, at least `least`.
    private static func roundStep(_ least: Double) -> Double {
        let power = pow(10, log10(least).rounded(.down))
        return [1, 2, 5, 10].first { $0 * power >= least * 0.999 }! * power
    }

    private static func text(_ value: Double) -> String {
        if value >= 1_000_000 { return "\(trimmed(value / 1_000_000))M" }
        return value >= 10_000 ? "\(trimmed(value / 1000))k" : trimmed(value)
    }

    private static func trimmed(_ value: Double) -> String {
        let rounded = (value * 10_000).rounded() / 10_000
        return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
    }

    /// An `svg` element; with a place, one inside another.
    func svg(at place: (x: Double, y: Double)? = nil) -> String {
        let size = place.map { "x=\"\($0.x)\" y=\"\($0.y)\" width=\"\(Self.width)\" height=\"\(Self.height)\" " } ?? ""
        var text =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size)viewBox=\"0 0 \(Self.width) \(Self.height)\" "
            + "font-family=\"sans-serif\" font-size=\"12\">\n"
        for line in lines {
            let points = line.points.map { "\(Self.pixel($0.x)),\(Self.pixel($0.y))" }.joined(separator: " ")
            text +=
                "<polyline fill=\"none\" stroke=\"\(line.colour)\" stroke-width=\"\(line.width)\" "
                + "stroke-linejoin=\"round\" points=\"\(points)\"/>\n"
        }
        for label in labels {
            text +=
                "<text x=\"\(Self.pixel(label.x))\" y=\"\(Self.pixel(label.y))\" "
                + "text-anchor=\"\(label.anchor.rawValue)\" "
                + "fill=\"\(label.colour)\">\(label.text)</text>\n"
        }
        return text + "</svg>\n"
    }

    private static func pixel(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    /// All charts on one sheet, two in a row.
    static func sheet(_ charts: [LossChart]) -> String {
        let rows = Double((charts.count + 1) / 2)
        var text =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(2 * width) \(rows * height)\" "
            + "width=\"\(2 * width)\" height=\"\(rows * height)\">\n<rect width=\"100%\" height=\"100%\" "
            + "fill=\"#ffffff\"/>\n"
        for (i, chart) in charts.enumerated() { text += chart.svg(at: (Double(i % 2) * width, Double(i / 2) * height)) }
        return text + "</svg>\n"
    }
}
