import Digests

/// Random numbers that follow from a seed and a purpose alone (SplitMix64; Steele et al. 2014).
package struct EvaluationRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64, purpose: String, number: Int = 0) {
        state = Self.mixed(Self.mixed(seed ^ FNV1a.hash(purpose.utf8)) &+ UInt64(bitPattern: Int64(number)))
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< bound, each as likely as the others.
    package mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// `count` of 0 ..< total without repetition, in ascending order.
    package mutating func chosen(_ count: Int, of total: Int) -> [Int] {
        var order = Array(0..<total)
        for i in 0..<count { order.swapAt(i, i + below(total - i)) }
        return order[..<count].sorted()
    }
}
