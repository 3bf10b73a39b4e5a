import XCTest

@testable import Tensors

/// A small generator of random numbers with a seed (Steele et al. 2014, SplitMix64).
struct SplitMix {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// -1..<1
    mutating func uniform() -> Double { Double(next() >> 11) / Double(1 << 52) - 1 }
}

/// Random values, exactly representable in single precision; weights are scaled down by their fan-in.
func random(_ shapes: [Shape], seed: UInt64 = 1) -> [ReferenceTensor] {
    var random = SplitMix(seed: seed)
    return shapes.enumerated().map { i, shape in
        let scale =
            i == 1 && shapes.count >= 2 && shape != shapes[0] ? (Double(shape.h * shape.w * shape.c)).squareRoot() : 1
        return ReferenceTensor(
            shape, values: (0..<shape.count).map { _ in Double(Float(random.uniform() * 1.7 / scale)) })
    }
}

extension ReferenceTensor {
    var tensor: Tensor { tensor(in: .default) }

    func tensor(in context: ComputeContext) -> Tensor { Tensor(shape, values: values.map(Float.init), in: context) }
}

/// A context for every kernel table of the machine.
let everyTable = Kernels.available.map { ComputeContext(kernels: Kernels(named: $0)!) }

/// Every difference is at most `tolerance` times the largest value (at least 1e-3).
func assertClose(_ got: [Float], _ expected: [Double], _ tolerance: Double, _ message: String, line: UInt = #line) {
    XCTAssertEqual(got.count, expected.count, message, line: line)
    let size = max(1e-3, expected.map(abs).max() ?? 0)
    let worst = zip(got, expected).map { abs(Double($0) - $1) }.max() ?? 0
    XCTAssertTrue(worst <= tolerance * size, "\(message): off by \(worst), largest value \(size)", line: line)
}
