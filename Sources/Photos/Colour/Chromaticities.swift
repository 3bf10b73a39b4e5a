import CLittleCMS

/// RGB colours that a file describes by numbers in place of a profile: white and the three primaries in CIE xy.
struct Chromaticities: Equatable, Sendable {
    let name: String
    let white: SIMD2<Double>
    let red: SIMD2<Double>, green: SIMD2<Double>, blue: SIMD2<Double>
    /// The power that makes light of samples; nil for sRGB's curve.
    var gamma: Double?

    private static let d65 = SIMD2(0.3127, 0.3290)

    /// ITU-T H.273, table 2: 1, 12 and 9.
    static let sRGB = Chromaticities(
        name: "sRGB", white: d65, red: [0.640, 0.330], green: [0.300, 0.600], blue: [0.150, 0.060])
    static let displayP3 = Chromaticities(
        name: "Display P3", white: d65, red: [0.680, 0.320], green: [0.265, 0.690], blue: [0.150, 0.060])
    static let rec2020 = Chromaticities(
        name: "BT.2020", white: d65, red: [0.708, 0.292], green: [0.170, 0.797], blue: [0.131, 0.046])
    /// ITU-R BT.601 with 625 and with 525 lines: 5 and 6.
    static let rec601Wide = Chromaticities(
        name: "BT.601", white: d65, red: [0.640, 0.330], green: [0.290, 0.600], blue: [0.150, 0.060])
    static let rec601 = Chromaticities(
        name: "BT.601", white: d65, red: [0.630, 0.340], green: [0.310, 0.595], blue: [0.155, 0.070])
    /// Adobe RGB (1998), 4.3.1.
    static let adobeRGB = Chromaticities(
        name: "Adobe RGB", white: d65, red: [0.640, 0.330], green: [0.210, 0.710], blue: [0.150, 0.060],
        gamma: 2.199_218_75)

    /// Whether these are sRGB's, to within the roundings that writers of PNG make.
    var isSRGB: Bool {
        let differences = [
            white - Self.sRGB.white, red - Self.sRGB.red, green - Self.sRGB.green, blue - Self.sRGB.blue,
        ]
        return gamma == nil && differences.allSatisfy { abs($0.x) < 0.002 && abs($0.y) < 0.002 }
    }

    /// Whether white can be mixed from three primaries that are apart from one another.
    var isPossible: Bool {
        func area(_ a: SIMD2<Double>, _ b: SIMD2<Double>, _ c: SIMD2<Double>) -> Double {
            let (u, v) = (b - a, c - a)
            return u.x * v.y - u.y * v.x
        }
        let parts = [area(red, green, white), area(green, blue, white), area(blue, red, white)]
        return white.y > 0.01 && (parts.allSatisfy { $0 > 0.001 } || parts.allSatisfy { $0 < -0.001 })
    }

    /// A profile that the caller closes; nil where Little CMS cannot make one.
    func profile(in context: cmsContext) -> cmsHPROFILE? {
        func point(_ xy: SIMD2<Double>) -> cmsCIExyY { cmsCIExyY(x: xy.x, y: xy.y, Y: 1) }
        // IEC 61966-2-1: a straight line below 0.04045, a power of 2.4 above.
        let sRGBCurve = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
        let curve = gamma.map { cmsBuildGamma(context, $0) } ?? cmsBuildParametricToneCurve(context, 4, sRGBCurve)
        defer { cmsFreeToneCurve(curve) }
        var whitePoint = point(white)
        var primaries = cmsCIExyYTRIPLE(Red: point(red), Green: point(green), Blue: point(blue))
        return cmsCreateRGBProfileTHR(context, &whitePoint, &primaries, [curve, curve, curve])
    }
}

extension Chromaticities {
    /// The contents of a PNG's cHRM chunk: eight numbers, in hundred-thousandths. nil where there are fewer.
    init?(cHRM bytes: UnsafeRawBufferPointer) {
        let reader = ByteReader(bytes)
        let values = (0..<8).compactMap { reader.uint32(at: 4 * $0).map { Double($0) / 100_000 } }
        guard values.count == 8 else { return nil }
        self.init(
            name: "the primaries of the file", white: [values[0], values[1]], red: [values[2], values[3]],
            green: [values[4], values[5]], blue: [values[6], values[7]])
    }

    /// What the code points of a PNG's cICP chunk stand for; nil where that is not a display with a standard dynamic
    /// range, or not RGB at full range.
    init?(cICP bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 4, bytes[0] != Self.unspecified, bytes[2] == 0, bytes[3] == 1 else { return nil }
        self.init(primaries: bytes[0], transfer: bytes[1])
    }

    private static let unspecified: UInt8 = 2

    /// Code points of ITU-T H.273, tables 2 and 3; what is unspecified counts as sRGB's. The curves of television
    /// cameras count as sRGB's too, as screens show them. nil where they are not those of a display with a standard
    /// dynamic range.
    init?(primaries: UInt8, transfer: UInt8) {
        let known: [UInt8: Chromaticities] = [
            1: .sRGB, Self.unspecified: .sRGB, 5: .rec601Wide, 6: .rec601, 7: .rec601, 9: .rec2020, 12: .displayP3,
        ]
        let curves: Set<UInt8> = [1, Self.unspecified, 6, 13, 14, 15]
        let powers: [UInt8: Double] = [4: 2.2, 5: 2.8, 8: 1]
        guard var colours = known[primaries], curves.contains(transfer) || powers[transfer] != nil else { return nil }
        colours.gamma = powers[transfer]
        self = colours
    }
}
