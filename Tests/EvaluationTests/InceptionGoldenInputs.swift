import Digests
import Networks
import Photos
import Weights

/// The inputs of `Tests/Golden/golden_inception.py`, made from the same numbers.
enum InceptionGoldenInputs {
    /// Value `index` of a seed (SplitMix64).
    static func number(_ seed: UInt64, _ index: Int) -> UInt64 {
        var z = seed &+ (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    static func picture(_ collection: UInt64, _ number: Int) -> Photo {
        let seed = Self.number(collection, number), p = (0..<16).map { Self.number(seed, $0) }
        let (height, width, tile) = (96 + Int(p[9] % 64), 96 + Int(p[10] % 64), 4 + Int(p[11] % 13))
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let tiles = Self.number(seed, 1000 + y / tile * 64 + x / tile),
                    grain = Self.number(seed, 100_000 + y * width + x)
                for c in 0..<3 {
                    let (down, across) = (Int(p[6 + c] % 32) - 16, Int(p[3 + c] % 32) - 16)
                    let ramp = Int(p[c] & 255) + ((across * x + down * y) >> 3)
                    let value = ramp + Int(tiles >> (8 * UInt64(c)) & 127) - 64 + Int(grain >> (8 * UInt64(c)) & 15)
                    let clipped = min(max(value, 0), 255)
                    pixels.append(UInt8(collection == 1 ? clipped : clipped * 3 / 8 + 90))
                }
            }
        }
        return Photo(width: width, height: height, pixels: pixels, format: .png)
    }

    /// The tensors of a network of full size.
    static func randomWeights(to tap: InceptionV3Layers.Tap) -> [(name: String, shape: [Int], values: [Float])] {
        InceptionV3Layers.tensorShapes(to: tap).map { key, shape in
            let seed = FNV1a.hash(key.utf8)
            let fan = (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
            let values = (0..<shape.reduce(1, *)).map { i -> Float in
                let u = Double(number(seed, i) >> 40) * 0x1p-23 - 1
                if key.hasSuffix("conv.weight") { return Float(u * fan) }
                if key.hasSuffix("bn.weight") { return Float(1 + 0.25 * u) }
                return key.hasSuffix("running_var") ? Float(1 + 0.5 * u) : Float(0.1 * u)
            }
            return (key, shape, values)
        }
    }
}
