import Foundation
import Tensors
import Weights
import XCTest

@testable import Networks

/// The generator against PyTorch's output, and its ways of saving memory against each other.
final class ResNetGeneratorTests: XCTestCase {
    func goldenFiles() throws -> [String] {
        let folder = try XCTUnwrap(Bundle.module.url(forResource: "golden", withExtension: nil))
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("generator-") }
            .sorted()
            .map { folder.appendingPathComponent($0).path }
    }

    /// The golden file's generator, input and output, channels last.
    func load(_ path: String, in context: ComputeContext) throws -> (ResNetGenerator, Tensor, [Float]) {
        let file = try Safetensors.read(path)
        let input = try XCTUnwrap(file.tensors["input"]), output = try XCTUnwrap(file.tensors["output"])
        let (h, w) = (input.shape[2], input.shape[3])
        let x = Tensor(Shape(1, h, w, 3), values: channelsLast(try input.floats(), channels: 3), in: context)
        return (try ResNetGenerator(file, in: context), x, channelsLast(try output.floats(), channels: 3))
    }

    func testMatchesPyTorch_everyKernelTableAndStorage() throws {
        let files = try goldenFiles()
        XCTAssertGreaterThanOrEqual(files.count, 10)
        for path in files {
            for table in Kernels.available {
                let context = ComputeContext(kernels: Kernels(named: table)!)
                let (generator, x, expected) = try load(path, in: context)
                for storage in ResNetGenerator.Storage.allCases {
                    let y = generator(x, storage: storage)
                    let difference = zip(y.values, expected).map { abs($0 - $1) }.max()!
                    XCTAssertLessThan(difference, 1e-3, "\(path) \(table) \(storage)")
                    XCTAssertTrue(y.values.allSatisfy(\.isFinite))
                }
            }
        }
    }

    /// Bands much smaller than the image: the statistics and the values must not notice them.
    func testBandsAreSeamless() throws {
        let description = GeneratorDescription(
            baseChannels: 8, residualBlocks: 2, activation: .leakyReLU(slope: 0.01), upsampling: .resize)
        for upsampling in GeneratorDescription.Upsampling.allCases {
            var description = description
            description.upsampling = upsampling
            if upsampling == .bilinear {
                (description.downsamplingPadding, description.skip, description.grain) = (.reflection, .colours, 0.1)
            }
            let generator = randomGenerator(description, seed: 3)
            let inBands = randomGenerator(description, seed: 3, in: Self.lowBands())
            let (h, w) = (301, 1030)
            let x = Tensor(
                Shape(1, h, w, 3),
                values: (0..<h * w * 3).map { i in
                    sinf(Float(i / 3 % w) * 0.05) * cosf(Float(i / 3 / w) * 0.07) + (i % 3 == 1 ? 0.2 : -0.1)
                })
            let whole = generator(x).values
            for storage in [ResNetGenerator.Storage.halfResolution, .quarterResolution] {
                let banded = inBands(x, storage: storage).values
                XCTAssertLessThan(zip(whole, banded).map { abs($0 - $1) }.max()!, 1e-4, "\(upsampling) \(storage)")
            }
        }
    }

    /// Where bands are much lower than memory asks for.
    private static func lowBands(threads: Int? = nil) -> ComputeContext {
        var tuning = Tuning()
        tuning.bandRows = 32
        return ComputeContext(threads: threads, tuning: tuning)
    }

    func testSameBits_whateverTheThreads() throws {
        // Few channels, whose blocks of tiles stay in the cache, and many, whose blocks depend on the threads.
        for (channels, height, width) in [(16, 70, 93), (64, 132, 150)] {
            let description = GeneratorDescription(
                baseChannels: channels, residualBlocks: 1, activation: .relu, upsampling: .transposed)
            let values = (0..<height * width * 3).map { Float($0 * 7919 % 255) / 127.5 - 1 }
            let x = Tensor(Shape(1, height, width, 3), values: values)
            let results = [1, 2, 3, 5].map { threads -> [Float] in
                randomGenerator(description, seed: 5, in: ComputeContext(threads: threads))(x).values
            }
            for other in results.dropFirst() { XCTAssertTrue(results[0] == other, "\(channels) channels") }
        }
    }

    func testFlatImageGivesFiniteValues() throws {
        for table in Kernels.available {
            let generator = randomGenerator(
                GeneratorDescription(baseChannels: 4, residualBlocks: 3, activation: .relu, upsampling: .resize),
                seed: 1, in: ComputeContext(kernels: Kernels(named: table)!))
            for value: Float in [-1, 0, 0.37, 1] {
                let x = Tensor(Shape(1, 40, 24, 3), values: [Float](repeating: value, count: 40 * 24 * 3))
                XCTAssertTrue(generator(x).values.allSatisfy { $0.isFinite && abs($0) <= 1 })
            }
        }
    }

    /// What a memory budget counts on.
    func testTakesNoMoreThanItSays_inEveryStorage() {
        for (channels, height, width, threads) in [(16, 1024, 960, Int?.none), (64, 256, 240, 5)] {
            let description = GeneratorDescription(
                baseChannels: channels, residualBlocks: 2, activation: .relu, upsampling: .transposed)
            let shapes = Dictionary(uniqueKeysWithValues: description.tensorShapes.map { ($0.key, $0.shape) })
            // Low bands, so that they do not hide what is kept whole.
            let context = Self.lowBands(threads: threads), buffers = context.buffers
            let generator = ResNetGenerator(description, in: context) { key in
                [Float](repeating: 0.01, count: shapes[key]!.reduce(1, *))
            }
            let x = Tensor.zeros(Shape(1, height, width, 3), in: context), y = Tensor(x.shape, in: context)
            for storage in ResNetGenerator.Storage.allCases {
                buffers.trim()
                buffers.resetPeak()
                let held = buffers.statistics.bytesHeld
                try! generator.translate(height: height, width: width, storage: storage, progress: nil) {
                    rows, target in
                    target.update(from: x.pointer + rows.lowerBound * width * 3, count: rows.count * width * 3)
                } output: { rows, values in
                    (y.pointer + rows.lowerBound * width * 3).update(from: values, count: rows.count * width * 3)
                }
                let taken = buffers.statistics.peakBytesHeld - held
                let said =
                    generator.activationBytes(height: height, width: width, storage: storage) + generator.scratchBytes
                // Rows of the image in bands of several heights, and sums.
                XCTAssertLessThan(taken, said + (12 << 20), "\(channels) channels, \(storage)")
            }
        }
    }

    func testAllocatesNothing_afterWarmUp() throws {
        // With several threads the peak number of buffers in use at once varies from run to run.
        let context = ComputeContext(threads: 1)
        let generator = randomGenerator(
            GeneratorDescription(baseChannels: 16, residualBlocks: 2, activation: .relu, upsampling: .resize), seed: 2,
            in: context)
        let x = Tensor(Shape(1, 96, 128, 3), values: [Float](repeating: 0.1, count: 96 * 128 * 3), in: context)
        _ = generator(x)
        let warm = context.buffers.statistics.systemAllocations
        for _ in 0..<3 { _ = generator(x) }
        XCTAssertEqual(context.buffers.statistics.systemAllocations, warm)
    }

    func testProgressAbandons() throws {
        let generator = randomGenerator(
            GeneratorDescription(baseChannels: 4, residualBlocks: 2, activation: .relu, upsampling: .resize), seed: 2)
        var reports: [Double] = []
        try generator.translate(
            height: 64, width: 64, storage: .all,
            progress: {
                reports.append($0); return true
            }
        ) {
            $1.update(repeating: 0, count: $0.count * 64 * 3)
        } output: { _, _ in
        }
        XCTAssertEqual(reports, reports.sorted())
        XCTAssertEqual(try XCTUnwrap(reports.last), 1, accuracy: 1e-6)
        XCTAssertThrowsError(
            try generator.translate(height: 64, width: 64, storage: .all, progress: { $0 < 0.5 }) {
                $1.update(repeating: 0, count: $0.count * 64 * 3)
            } output: { _, _ in
            })
    }
}

/// (1, C, H, W) to (1, H, W, C).
func channelsLast(_ values: [Float], channels: Int) -> [Float] {
    let pixels = values.count / channels
    return (0..<values.count).map { values[$0 % channels * pixels + $0 / channels] }
}

/// A generator with small random weights from a seed.
func randomGenerator(
    _ description: GeneratorDescription, seed: UInt64, in context: ComputeContext = .default
) -> ResNetGenerator {
    var state = seed
    let shapes = Dictionary(uniqueKeysWithValues: description.tensorShapes.map { ($0.key, $0.shape) })
    return ResNetGenerator(description, in: context) { key in
        (0..<shapes[key]!.reduce(1, *)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24) * 0.2 - 0.1
        }
    }
}
