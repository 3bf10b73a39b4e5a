/// Pixels a length: how large a photo is on paper.
package struct PhotoResolution: Sendable, Equatable {
    package enum Unit: Sendable, Equatable {
        /// None: the two numbers are the shape of a pixel.
        case ratio
        case inch, centimetre, metre
    }

    /// Across and down.
    package var x: Double, y: Double
    package var unit: Unit

    package init?(x: Double, y: Double, unit: Unit) {
        guard x > 0, y > 0, x.isFinite, y.isFinite else { return nil }
        // Square pixels of no stated size say nothing.
        if unit == .ratio, x == y { return nil }
        (self.x, self.y, self.unit) = (x, y, unit)
    }

    /// A JFIF segment (ITU-T T.871, 10.1).
    init?(jfif: ByteReader) {
        let units: [UInt8: Unit] = [0: .ratio, 1: .inch, 2: .centimetre]
        guard let unit = jfif.byte(at: 7).flatMap({ units[$0] }), let x = jfif.uint16(at: 8),
            let y = jfif.uint16(at: 10)
        else { return nil }
        self.init(x: Double(x), y: Double(y), unit: unit)
    }

    /// A PNG's pHYs chunk.
    init?(pHYs: ByteReader) {
        let units: [UInt8: Unit] = [0: .ratio, 1: .metre]
        guard let x = pHYs.uint32(at: 0), let y = pHYs.uint32(at: 4), let unit = pHYs.byte(at: 8).flatMap({ units[$0] })
        else { return nil }
        self.init(x: Double(x), y: Double(y), unit: unit)
    }

    /// The same, of a photo that lies on its side.
    var turned: PhotoResolution {
        var copy = self
        (copy.x, copy.y) = (y, x)
        return copy
    }

    /// Pixels a metre for each that the unit has.
    private var perMetre: Double {
        switch unit {
        case .ratio, .metre: 1
        case .centimetre: 100
        case .inch: 1 / 0.0254
        }
    }

    /// In JFIF's numbers: pixels an inch (unit 1) or a centimetre (2), or a ratio (0). nil where they have no room for
    /// it.
    var jfif: (x: UInt32, y: UInt32, unit: CInt)? {
        let scale = unit == .metre ? 0.0254 : 1
        let numbers =
            unit == .ratio ? Self.ratio(x, y, most: 65_535) : (x: (x * scale).rounded(), y: (y * scale).rounded())
        guard (1...65_535).contains(numbers.x), (1...65_535).contains(numbers.y) else { return nil }
        return (UInt32(numbers.x), UInt32(numbers.y), unit == .ratio ? 0 : unit == .centimetre ? 2 : 1)
    }

    /// In pHYs's numbers: pixels a metre (unit 1), or a ratio (0).
    var pHYs: (x: UInt32, y: UInt32, unit: CInt)? {
        let most = Double(Int32.max)
        let scale = perMetre
        let numbers =
            unit == .ratio ? Self.ratio(x, y, most: most) : (x: (x * scale).rounded(), y: (y * scale).rounded())
        guard (1...most).contains(numbers.x), (1...most).contains(numbers.y) else { return nil }
        return (UInt32(numbers.x), UInt32(numbers.y), unit == .ratio ? 0 : 1)
    }

    /// Two numbers in proportion, as large as there is room for where they are not whole or too large.
    private static func ratio(_ x: Double, _ y: Double, most: Double) -> (x: Double, y: Double) {
        let isWhole = x == x.rounded() && y == y.rounded() && max(x, y) <= most
        let scale = isWhole ? 1 : most / max(x, y)
        return ((x * scale).rounded(), (y * scale).rounded())
    }
}
