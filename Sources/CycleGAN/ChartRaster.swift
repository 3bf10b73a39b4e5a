import Photos

/// Draws loss charts into pixels: antialiased lines, and texts in a face of 5 x 7 dots.
struct ChartRaster {
    private let width, height: Int
    private var pixels: [UInt8]

    private init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = [UInt8](repeating: 255, count: width * height * 3)
    }

    /// All charts on one sheet, two in a row, as `LossChart.sheet`.
    static func sheet(_ charts: [LossChart]) -> Photo {
        let (w, h) = (Int(LossChart.width), Int(LossChart.height))
        var raster = ChartRaster(width: 2 * w, height: max(1, (charts.count + 1) / 2) * h)
        for (i, chart) in charts.enumerated() {
            let (left, top) = (Double(i % 2 * w), Double(i / 2 * h))
            for line in chart.lines {
                for (a, b) in zip(line.points, line.points.dropFirst()) {
                    raster.line((a.x + left, a.y + top), (b.x + left, b.y + top), width: line.width, line.colour)
                }
            }
            for label in chart.labels { raster.text(label, left: left, top: top) }
        }
        return Photo(width: raster.width, height: raster.height, pixels: raster.pixels, format: .png)
    }

    private mutating func line(
        _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), width: Double, _ colour: String
    ) {
        let (dx, dy) = (b.x - a.x, b.y - a.y), squared = max(dx * dx + dy * dy, 1e-12), reach = width / 2 + 1
        let rgb = Self.rgb(colour)
        for y in max(0, Int(min(a.y, b.y) - reach))...min(height - 1, Int(max(a.y, b.y) + reach)) {
            for x in max(0, Int(min(a.x, b.x) - reach))...min(self.width - 1, Int(max(a.x, b.x) + reach)) {
                // The distance of the pixel's centre from the segment.
                let (px, py) = (Double(x) + 0.5 - a.x, Double(y) + 0.5 - a.y)
                let along = min(max((px * dx + py * dy) / squared, 0), 1)
                let (ox, oy) = (px - along * dx, py - along * dy)
                blend(x, y, rgb, min(max(width / 2 + 0.5 - (ox * ox + oy * oy).squareRoot(), 0), 1))
            }
        }
    }

    private mutating func text(_ label: LossChart.Label, left: Double, top: Double) {
        let advance = 6, rgb = Self.rgb(label.colour), length = label.text.count * advance
        let start =
            switch label.anchor {
            case .start: 0
            case .middle: length / 2
            case .end: length
            }
        var x = Int(left + label.x) - start
        let y = Int(top + label.y) - DotFont.height
        for character in label.text {
            for (row, dots) in DotFont.rows(character).enumerated() {
                for column in 0..<5 where dots >> (4 - column) & 1 == 1 { blend(x + column, y + row, rgb, 1) }
            }
            x += advance
        }
    }

    private mutating func blend(_ x: Int, _ y: Int, _ rgb: [Double], _ share: Double) {
        guard share > 0, (0..<width).contains(x), (0..<height).contains(y) else { return }
        let i = (y * width + x) * 3
        for c in 0..<3 { pixels[i + c] = UInt8((Double(pixels[i + c]) * (1 - share) + rgb[c] * share).rounded()) }
    }

    /// Of `#rrggbb`.
    private static func rgb(_ colour: String) -> [Double] {
        let value = Int(colour.dropFirst(), radix: 16)!
        return [value >> 16 & 255, value >> 8 & 255, value & 255].map(Double.init)
    }
}

/// The letters that charts need, five dots wide and seven high, each row's leftmost dot in the highest bit.
enum DotFont {
    static let height = 7

    static func rows(_ character: Character) -> [UInt8] { glyphs[character] ?? [31, 17, 17, 17, 17, 17, 31] }

    private static let glyphs: [Character: [UInt8]] = [
        " ": [0, 0, 0, 0, 0, 0, 0], ".": [0, 0, 0, 0, 0, 12, 12], "-": [0, 0, 0, 14, 0, 0, 0],
        "0": [14, 17, 19, 21, 25, 17, 14], "1": [4, 12, 4, 4, 4, 4, 14], "2": [14, 17, 1, 6, 8, 16, 31],
        "3": [30, 1, 1, 14, 1, 1, 30], "4": [2, 6, 10, 18, 31, 2, 2], "5": [31, 16, 30, 1, 1, 17, 14],
        "6": [6, 8, 16, 30, 17, 17, 14], "7": [31, 1, 2, 4, 8, 8, 8], "8": [14, 17, 17, 14, 17, 17, 14],
        "9": [14, 17, 17, 15, 1, 2, 12], "F": [31, 16, 16, 30, 16, 16, 16], "G": [14, 17, 16, 19, 17, 17, 15],
        "M": [17, 27, 21, 21, 17, 17, 17], "a": [0, 0, 14, 1, 15, 17, 15], "c": [0, 0, 14, 16, 16, 16, 14],
        "d": [1, 1, 15, 17, 17, 17, 15], "e": [0, 0, 14, 17, 31, 16, 14], "g": [0, 0, 15, 17, 15, 1, 14],
        "i": [4, 0, 12, 4, 4, 4, 14], "k": [16, 16, 18, 20, 24, 20, 18], "l": [12, 4, 4, 4, 4, 4, 14],
        "m": [0, 0, 26, 21, 21, 21, 21], "n": [0, 0, 30, 17, 17, 17, 17], "o": [0, 0, 14, 17, 17, 17, 14],
        "r": [0, 0, 22, 25, 16, 16, 16], "s": [0, 0, 15, 16, 14, 1, 30], "t": [8, 8, 28, 8, 8, 9, 6],
        "v": [0, 0, 17, 17, 17, 10, 4], "x": [0, 0, 17, 10, 4, 10, 17], "y": [0, 0, 17, 17, 15, 1, 14],
    ]
}
