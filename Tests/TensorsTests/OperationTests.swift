import XCTest

@testable import Tensors

/// Every operation, on every kernel table of the machine: forward against the slow reference, gradients against central
/// finite differences of the reference in double precision.
final class OperationTests: XCTestCase {
    struct Row {
        var name: String
        var operation: any DifferentiableOperation
        var shapes: [Shape]
    }

    /// One row an operation and shape. The inputs are random.
    static let tests: [Row] =
        convolutions + [
            Row(name: "instance norm", operation: InstanceNormalization(slope: 0.01), shapes: [Shape(1, 7, 9, 5)]),
            Row(name: "instance norm, batch", operation: InstanceNormalization(slope: 0), shapes: [Shape(2, 9, 7, 19)]),
            Row(
                name: "instance norm, one pixel", operation: InstanceNormalization(slope: 0.2),
                shapes: [Shape(1, 1, 1, 3)]),
            Row(
                name: "instance norm, 513 channels", operation: InstanceNormalization(slope: 1),
                shapes: [Shape(1, 2, 3, 513)]),
            Row(name: "leaky ReLU", operation: LeakyReLU(slope: 0.2), shapes: [Shape(2, 5, 3, 9)]),
            Row(
                name: "channel normalization",
                operation: ChannelNormalization(mean: [0.1, -2, 3], scale: [0.5, 4, -1]), shapes: [Shape(2, 5, 3, 3)]),
            Row(name: "root compression", operation: RootCompression(scale: 4), shapes: [Shape(2, 5, 3, 9)]),
            Row(name: "tanh", operation: Tanh(), shapes: [Shape(1, 40, 33, 3)]),
            Row(name: "addition", operation: Addition(), shapes: [Shape(1, 6, 7, 12), Shape(1, 6, 7, 12)]),
            Row(name: "max pooling", operation: MaxPooling(), shapes: [Shape(2, 7, 6, 5)]),
            Row(name: "max pooling, smallest", operation: MaxPooling(), shapes: [Shape(1, 2, 2, 1)]),
            Row(
                name: "colour jitter",
                operation: ColourJitter([
                    .init(brightness: 0.3, saturation: 1.7, contrast: 0.6),
                    .init(brightness: -0.4, saturation: 0.2, contrast: 1.4),
                ]), shapes: [Shape(2, 5, 7, 3)]),
            Row(name: "translation", operation: Translation([(2, -1), (-3, 4), (0, 0)]), shapes: [Shape(3, 6, 7, 3)]),
            Row(
                name: "translation out of sight", operation: Translation([(7, 0), (1, -9)]), shapes: [Shape(2, 6, 7, 3)]
            ),
            Row(name: "cutout", operation: Cutout([(2..<5, -2..<3), (6..<11, 4..<9)]), shapes: [Shape(2, 8, 9, 3)]),
            Row(name: "blur pooling", operation: BlurPooling(), shapes: [Shape(2, 7, 6, 5)]),
            Row(name: "blur pooling, smallest", operation: BlurPooling(), shapes: [Shape(1, 2, 3, 2)]),
            Row(name: "spectral normalization", operation: SpectralNormalization(), shapes: [Shape(5, 4, 4, 4)]),
            Row(name: "Gram matrix", operation: GramMatrix(), shapes: [Shape(2, 5, 7, 9)]),
            Row(name: "Gram matrix, 130 channels", operation: GramMatrix(), shapes: [Shape(1, 3, 4, 130)]),
            Row(name: "Gram matrix, 1100 pixels", operation: GramMatrix(), shapes: [Shape(1, 50, 22, 3)]),
            Row(
                name: "relative squared error", operation: RelativeSquaredError(),
                shapes: [Shape(2, 5, 4, 3), Shape(2, 5, 4, 3)]),
            Row(name: "block means", operation: BlockMeans(size: 4), shapes: [Shape(2, 8, 11, 3)]),
            Row(name: "block means, one block", operation: BlockMeans(size: 16), shapes: [Shape(1, 5, 7, 3)]),
            Row(
                name: "bilinear enlargement", operation: BilinearEnlargement(size: 4, height: 11, width: 8),
                shapes: [Shape(2, 3, 2, 3)]),
            Row(
                name: "bilinear enlargement, one value", operation: BilinearEnlargement(size: 16, height: 5, width: 7),
                shapes: [Shape(1, 1, 1, 3)]),
            Row(
                name: "phase deviation", operation: PhaseDeviation(period: 4, window: 8),
                shapes: [Shape(2, 17, 26, 3)]),
            Row(name: "phase deviation, small", operation: PhaseDeviation(period: 4), shapes: [Shape(1, 9, 6, 3)]),
            Row(
                name: "grain", operation: Grain(deviation: 0.3, places: [(0, 0), (-7, 1_000_000)]),
                shapes: [Shape(2, 37, 9, 3)]),
            Row(
                name: "excess squared error", operation: ExcessSquaredError(allowed: 0.4),
                shapes: [Shape(2, 5, 4, 3), Shape(2, 5, 4, 3)]),
            Row(name: "L1", operation: L1Loss(), shapes: [Shape(1, 70, 80, 3), Shape(1, 70, 80, 3)]),
            Row(name: "MSE", operation: MSELoss(), shapes: [Shape(1, 5, 4, 3), Shape(1, 5, 4, 3)]),
            Row(name: "squared error", operation: SquaredErrorToConstant(target: 1), shapes: [Shape(1, 30, 30, 1)]),
        ]

    static let convolutions: [Row] = {
        var rows: [Row] = []
        func add(_ kind: Convolution2D.Kind, _ ci: Int, _ co: Int, _ h: Int, _ w: Int, n: Int = 1, bias: Bool = true) {
            let operation = Convolution2D(kind, inputChannels: ci, outputChannels: co)
            rows.append(
                Row(
                    name: "\(kind) \(ci)->\(co) \(n)x\(h)x\(w)", operation: operation,
                    shapes: [Shape(n, h, w, ci), operation.weightShape] + (bias ? [Shape(1, 1, 1, co)] : [])))
        }
        for padding in [Padding.zero, .reflection, .edge] {
            let k3 = Convolution2D.Kind.strided(kernelSize: 3, padding: padding, pad: 1)
            add(k3, 8, 8, 2, 2)
            add(k3, 9, 17, 5, 7)
            // From 8 channels on Winograd's algorithm is used.
            add(k3, 32, 35, 2, 2)
            add(k3, 7, 8, 6, 5)
            add(k3, 33, 40, 13, 10, n: 2)
            add(k3, 1, 1, 3, 4)
            add(k3, 3, 64, 6, 5)
            add(.strided(kernelSize: 7, padding: padding, pad: 3), 3, 5, 4, 9)
            add(.strided(kernelSize: 7, padding: padding, pad: 3), 12, 3, 11, 4)
        }
        add(.strided(kernelSize: 3, padding: .zero, pad: 1), 32, 32, 1, 1)
        // More tiles than the products of the weight gradient take at a time.
        add(.strided(kernelSize: 3, padding: .zero, pad: 1), 8, 8, 60, 60)
        add(.strided(kernelSize: 3, padding: .reflection, pad: 1), 513, 32, 4, 4, bias: false)
        add(.strided(kernelSize: 3, padding: .reflection, pad: 1), 32, 513, 3, 2, bias: false)
        for (ci, co, h, w) in [(1, 1, 1, 1), (3, 8, 5, 6), (8, 40, 9, 12), (9, 17, 9, 12), (33, 3, 2, 7)] {
            add(.strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1), ci, co, h, w)
            add(.strided(kernelSize: 4, stride: 2, padding: .zero, pad: 1), ci, co, h + 1, w + 1)
            add(.strided(kernelSize: 4, padding: .zero, pad: 1), ci, co, h + 1, w + 2)
            add(.transposed, ci, co, h, w)
            add(.doubling, ci, co, h, w, n: 2)
            add(.bilinearDoubling, ci, co, h, w, n: 2)
            if h > 1 { add(.strided(kernelSize: 3, stride: 2, padding: .reflection, pad: 1), ci, co, h, w) }
        }
        add(.strided(kernelSize: 4, padding: .zero, pad: 1), 64, 1, 7, 6)
        add(.strided(kernelSize: 4, padding: .zero, pad: 1), 8, 9, 2, 3)
        add(.strided(kernelSize: 4, padding: .zero, pad: 1), 33, 40, 12, 9, n: 2)
        return rows
    }()

    func testForwardMatchesTheReference() {
        for row in Self.tests {
            let inputs = random(row.shapes)
            let expected = row.operation.reference(inputs)
            onEveryWay(row) { context, table in
                let output = row.operation.forward(inputs.map { $0.tensor(in: context) }).applied()
                XCTAssertEqual(output.shape, expected.shape, row.name)
                XCTAssertTrue(output.context === context, row.name)
                assertClose(output.values, expected.values, 2e-5, "\(row.name) \(table)")
            }
        }
    }

    func testGradientsMatchFiniteDifferences() {
        for row in Self.tests {
            var inputs = random(row.shapes)
            // Kinks: values this near one another would give a difference across the kink.
            for i in inputs.indices { inputs[i].values = inputs[i].values.map { abs($0) < 1e-4 ? $0 + 1e-3 : $0 } }
            let outputShape = row.operation.reference(inputs).shape
            let weights = random([outputShape])[0]
            onEveryWay(row) { context, table in
                let tensors = inputs.map { $0.tensor(in: context) }
                let output = row.operation.forward(tensors)
                let gradients = row.operation.backward(
                    tensors, output: output, gradient: weights.tensor(in: context), needed: inputs.map { _ in true })
                for (i, gradient) in gradients.enumerated() {
                    guard let gradient else { XCTFail("\(row.name): no gradient \(i)"); continue }
                    XCTAssertEqual(gradient.shape, inputs[i].shape, row.name)
                    XCTAssertTrue(gradient.context === context, row.name)
                    for seed in 0..<3 {
                        let direction = self.direction(inputs[i].shape.count, seed: UInt64(seed))
                        let expected = self.derivative(row.operation, inputs, i, direction, weights)
                        let got = zip(gradient.values, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
                        let size = zip(gradient.values, direction).reduce(0) { $0 + abs(Double($1.0) * $1.1) }
                        XCTAssertEqual(got, expected, accuracy: 1e-5 + 2e-5 * size, "\(row.name), input \(i), \(table)")
                    }
                }
            }
        }
    }

    /// Calls `body` on every kernel table; for convolutions also with minimal filtering wherever there is a plan for
    /// it.
    private func onEveryWay(_ row: Row, _ body: (ComputeContext, String) -> Void) {
        for context in everyTable { body(context, context.kernels.name) }
        guard row.operation is Convolution2D else { return }
        for context in Self.allMinimal { body(context, context.kernels.name + ", all by minimal filtering") }
    }

    private static let allMinimal = everyTable.map { context in
        var tuning = Tuning()
        tuning.leastPhaseTiles = 1
        return ComputeContext(kernels: context.kernels, tuning: tuning)
    }

    /// Every operation reads a normalised input as such; the gradient is the same as for the values written out.
    func testReadsThroughANormalisation() {
        // Those that stop at a reading cannot overlook one.
        func stops(_ operation: any DifferentiableOperation) -> Bool {
            operation is InstanceNormalization || operation is LeakyReLU || operation is ChannelNormalization
                || operation is SpectralNormalization
        }
        for row in Self.tests where !stops(row.operation) {
            let inputs = random(row.shapes).map(\.tensor)
            let lazy = InstanceNormalization(slope: 0.3).forward([inputs[0]])
            let plain = lazy.applied()
            let rest = Array(inputs.dropFirst())
            let a = row.operation.forward([lazy] + rest), b = row.operation.forward([plain] + rest)
            assertClose(a.applied().values, b.applied().values.map(Double.init), 1e-6, row.name)
            let gradient = random([a.shape])[0].tensor
            let needed = inputs.map { _ in true }
            let da = row.operation.backward([lazy] + rest, output: a, gradient: gradient, needed: needed)
            let db = row.operation.backward([plain] + rest, output: b, gradient: gradient, needed: needed)
            for (x, y) in zip(da, db) { assertClose(x!.values, y!.values.map(Double.init), 1e-6, row.name) }
        }
    }

    /// What was packed from a parameter must not outlive its values, nor serve another parameter at its place in
    /// memory.
    func testPreparedWeightsFollowTheParameter() {
        let kind = Convolution2D.Kind.strided(kernelSize: 3, padding: .zero, pad: 1)
        let kept = Convolution2D(kind, inputChannels: 3, outputChannels: 4)
        let x = random([Shape(1, 6, 5, 3)])[0].tensor
        for seed in 0..<50 {
            let weight = random([kept.weightShape], seed: UInt64(seed))[0].tensor
            XCTAssertEqual(
                kept.forward([x, weight]).values,
                Convolution2D(kind, inputChannels: 3, outputChannels: 4).forward([x, weight]).values)
        }
        let weight = random([kept.weightShape])[0].tensor
        let before = kept.forward([x, weight]).values
        weight.pointer[0] += 1
        weight.markChanged()
        XCTAssertNotEqual(kept.forward([x, weight]).values, before)
    }

    /// d/de of sum(weights * operation(inputs + e * direction)) at 0, by central differences.
    func derivative(
        _ operation: any DifferentiableOperation, _ inputs: [ReferenceTensor], _ i: Int, _ direction: [Double],
        _ weights: ReferenceTensor
    ) -> Double {
        let e = 1e-6
        func value(_ e: Double) -> Double {
            var moved = inputs
            for j in direction.indices { moved[i].values[j] += e * direction[j] }
            return zip(operation.reference(moved).values, weights.values).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return (value(e) - value(-e)) / (2 * e)
    }

    /// A few elements only, so that an error in one is not lost among all.
    func direction(_ count: Int, seed: UInt64) -> [Double] {
        var random = SplitMix(seed: seed &+ 77)
        var d = [Double](repeating: 0, count: count)
        for _ in 0..<max(1, min(count, seed == 0 ? count : 12)) {
            d[Int(random.next() % UInt64(count))] = random.uniform()
        }
        return d
    }
}
