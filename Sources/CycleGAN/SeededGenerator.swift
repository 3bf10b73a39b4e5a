import Digests
import Glibc

/// Random numbers for one purpose in one place of a run: xoshiro256** (Blackman and Vigna 2018), its state filled by
/// SplitMix64.
///
/// Each draw of a run follows from the seed, a purpose and a number (of the iteration, the epoch, the parameter), not
/// from the draws before it: the whole random state of a run is its seed and its iteration.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)
    private var spare: Double?

    package init(seed: UInt64, purpose: String, number: Int = 0) {
        var mixed = seed
        mixed = Self.splitMix(&mixed) ^ FNV1a.hash(purpose.utf8)
        mixed = Self.splitMix(&mixed) ^ UInt64(bitPattern: Int64(number))
        state = (Self.splitMix(&mixed), Self.splitMix(&mixed), Self.splitMix(&mixed), Self.splitMix(&mixed))
    }

    package mutating func next() -> UInt64 {
        func rotated(_ x: UInt64, _ by: UInt64) -> UInt64 { x << by | x >> (64 - by) }
        let result = rotated(state.1 &* 5, 7) &* 9
        let t = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= t
        state.3 = rotated(state.3, 45)
        return result
    }

    /// 0 ..< 1
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// 0 ..< bound, each as likely as the others.
    package mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// Normally distributed with mean 0 and deviation 1 (Box and Muller).
    package mutating func normal() -> Double {
        if let spare {
            self.spare = nil
            return spare
        }
        let radius = (-2 * log(1 - uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }

    /// 0 ..< count in a random order.
    package mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for i in order.indices.dropFirst().reversed() { order.swapAt(i, below(i + 1)) }
        return order
    }

    private static func splitMix(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// First values as in the original project: weights N(0, 0.02), biases 0.
package enum Initialization {
    static let deviation = 0.02

    /// Of the tensor with a key in a network ("G", "F", "DX", "DY").
    package static func values(seed: UInt64, network: String, key: String, shape: [Int]) -> [Float] {
        let count = shape.reduce(1, *)
        guard key.hasSuffix(".weight") else { return [Float](repeating: 0, count: count) }
        var random = SeededGenerator(seed: seed, purpose: "initial \(network).\(key)")
        return (0..<count).map { _ in Float(random.normal() * deviation) }
    }
}
