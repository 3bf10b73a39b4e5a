import Networks
import Tensors
import Weights
import XCTest

@testable import CycleGAN

final class StepTests: XCTestCase {
    func model(
        features: VGG16? = nil, weights: LossWeights = LossWeights(), in context: ComputeContext = .default
    ) -> CycleGANModel {
        var state: UInt64 = 4
        func initial(_ key: String, _ shape: [Int]) -> [Float] {
            (0..<shape.reduce(1, *)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(state >> 40) / Float(1 << 24) * 0.1 - 0.05
            }
        }
        // 32 channels in the residual blocks: Winograd's algorithm takes part.
        let description = GeneratorDescription(
            baseChannels: 8, residualBlocks: 2, activation: .leakyReLU(slope: 0.01), upsampling: .resize)
        return CycleGANModel(
            g: TrainableGenerator(description, in: context, initial: initial),
            f: TrainableGenerator(description, in: context, initial: initial),
            dx: PatchDiscriminator(channels: 8, in: context, initial: initial),
            dy: PatchDiscriminator(channels: 8, in: context, initial: initial),
            features: features, semanticTap: .relu1_2, weights: weights)
    }

    func image(_ seed: Int, in context: ComputeContext = .default) -> Tensor {
        Tensor(
            Shape(1, 48, 40, 3), values: (0..<48 * 40 * 3).map { Float(($0 + seed) * 7919 % 255) / 127.5 - 1 },
            in: context)
    }

    func testSameSeedAndThreads_sameBits() {
        let (a, b) = (model(), model())
        for step in 0..<3 {
            let (x, y) = (image(step), image(step + 50))
            let first = a.step(x: x, y: y, learningRate: 2e-4).losses,
                second = b.step(x: x, y: y, learningRate: 2e-4).losses
            XCTAssertEqual(first, second)
        }
        for (p, q) in zip(a.g.parameters + a.dy.parameters, b.g.parameters + b.dy.parameters) {
            XCTAssertEqual(p.value.values, q.value.values, p.name)
        }
    }

    func testStepAllocatesNothing_afterWarmUp() {
        // With several threads the peak number of buffers in use at once varies from run to run.
        let context = ComputeContext(threads: 1)
        let model = model(in: context), (x, y) = (image(1, in: context), image(2, in: context))
        for _ in 0..<3 { _ = model.step(x: x, y: y, learningRate: 2e-4) }
        let warm = context.buffers.statistics.systemAllocations
        for _ in 0..<3 { _ = model.step(x: x, y: y, learningRate: 2e-4) }
        XCTAssertEqual(context.buffers.statistics.systemAllocations, warm)
    }

    /// Whoever is given a context computes there and nowhere else.
    func testStepLeavesTheDefaultContextAlone() {
        let context = ComputeContext(threads: 2), model = model(in: context)
        let (x, y) = (image(1, in: context), image(2, in: context))
        ComputeContext.default.buffers.trim()
        let before = ComputeContext.default.buffers.statistics.systemAllocations
        _ = model.step(x: x, y: y, learningRate: 2e-4)
        XCTAssertEqual(ComputeContext.default.buffers.statistics.systemAllocations, before)
    }

    /// What the spike loss looks at: what every residual block adds, with mean 0 and deviation 1 in each channel.
    func testResidualBranchesAreSeenNormalised() {
        let g = model().g
        var seen: [Tensor] = []
        _ = g(image(5), Tape()) { if $0 == .residual { seen.append($1.applied()) } }
        XCTAssertEqual(seen.count, g.description.residualBlocks)
        for x in seen {
            let pixels = x.shape.h * x.shape.w,
                values = stride(from: 0, to: x.shape.count, by: x.shape.c).map { Double(x.pointer[$0]) }
            let mean = values.reduce(0, +) / Double(pixels), square = values.reduce(0) { $0 + $1 * $1 } / Double(pixels)
            XCTAssertEqual(mean, 0, accuracy: 1e-4)
            XCTAssertEqual(square, 1, accuracy: 1e-2)
        }
    }

    /// The generator that is trained and the one that translates are the same network.
    func testTrainableGeneratorIsTheGenerator() throws {
        for upsampling in GeneratorDescription.Upsampling.allCases {
            var description = model().g.description
            description.upsampling = upsampling
            // What came with it goes with it: every setting that a file may name is computed alike.
            if upsampling == .bilinear { (description.downsamplingPadding, description.skip) = (.reflection, .colours) }
            var state: UInt64 = 11
            let trainable = TrainableGenerator(description) { _, shape in
                (0..<shape.reduce(1, *)).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Float(state >> 40) / Float(1 << 24) * 0.2 - 0.1
                }
            }
            let values = Dictionary(uniqueKeysWithValues: trainable.parameters.map { ($0.name, $0.value.values) })
            let generator = ResNetGenerator(description) { values[$0]! }
            let x = image(3)
            let worst = zip(trainable(x, Tape()).values, generator(x).values).map { abs($0 - $1) }.max()!
            XCTAssertLessThan(worst, 1e-4, "\(upsampling)")
        }
    }

    func testContentLoss_isThePartOfThePhotosFeaturesThatIsGone() throws {
        let place = try RunDirectory()
        let file = try WeightsFile.read(place.featureWeights(convolutions: [0, 2, 5, 7, 10, 12, 14]))
        let features = try VGG16(file, tap: .relu3_3)
        var weights = LossWeights()
        (weights.content, weights.semantic) = (3, 0)
        let (x, y) = (image(1), image(2))
        let (with, made) = model(features: features, weights: weights).step(x: x, y: y, learningRate: 2e-4)
        let (photo, picture) = (features(x, Tape()).applied(), features(made.fakeY, Tape()).applied())
        let difference = zip(photo.values, picture.values).reduce(0.0) { $0 + Double(abs($1.0 - $1.1)) }
        let expected = difference / photo.values.reduce(0.0) { $0 + Double(abs($1)) }
        XCTAssertGreaterThan(expected, 0)
        XCTAssertEqual(with[.content], expected, accuracy: 1e-4 * expected)
        weights.content = 0
        let without = model(features: features, weights: weights).step(x: x, y: y, learningRate: 2e-4).losses
        XCTAssertEqual(without[.content], 0)
        XCTAssertEqual(with[.generators] - without[.generators], 3 * expected, accuracy: 1e-3 * expected)
    }
}
