import ArgumentParser
import Foundation
import Glibc
import Networks
import Tensors
import Weights

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine's speed, with random weights.",
        subcommands: [BenchInference.self, BenchTraining.self, BenchInception.self, BenchRanks.self])
}

extension GeneratorDescription.Upsampling: ExpressibleByArgument {}

/// WIDTHxHEIGHT.
struct PixelSize: ExpressibleByArgument, CustomStringConvertible {
    var width, height: Int

    init?(argument: String) {
        let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1], (1...65_500).contains(width),
            (1...65_500).contains(height)
        else { return nil }
        (self.width, self.height) = (width, height)
    }

    var description: String { "\(width)x\(height)" }
}

/// What the measurements of inference and training have in common.
struct BenchOptions: ParsableArguments {
    @Option(name: .long, help: "Channels of the generator's first layer.") var baseChannels = 64
    @Option(name: .long, help: "Residual blocks.") var residualBlocks = 9
    @Option(name: .long, help: "transposed or resize.") var upsampling = GeneratorDescription.Upsampling.transposed
    @Option(name: .long, help: "Threads (default: as many processors as we may use).") var threads: Int?
    @Option(name: .long, help: "Measured runs, after one to warm up.") var `repeat` = 5
    @Flag(name: .long, help: "Print JSON.") var json = false

    /// What is measured.
    var context: ComputeContext { .with(threads: threads) }

    var description: GeneratorDescription {
        GeneratorDescription(
            baseChannels: baseChannels, residualBlocks: residualBlocks, activation: .leakyReLU(slope: 0.01),
            upsampling: upsampling)
    }

    func validate() throws {
        if !GeneratorDescription.baseChannelsRange.contains(baseChannels) {
            throw ValidationError("--base-channels is from 1 to 1024.")
        }
        if !GeneratorDescription.residualBlocksRange.contains(residualBlocks) {
            throw ValidationError("--residual-blocks is from 0 to 256.")
        }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
        if `repeat` < 1 { throw ValidationError("--repeat is at least 1.") }
    }

    /// Times `body` after one run to warm up, and prints the figures.
    func measure(
        _ what: String, size: String, in context: ComputeContext, _ body: () throws -> Void
    ) throws {
        try body()
        let clock = ContinuousClock()
        var seconds: [Double] = []
        for _ in 0..<`repeat` {
            let time = try clock.measure { try body() }
            seconds.append(Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18)
        }
        seconds.sort()
        var usage = rusage()
        getrusage(.init(RUSAGE_SELF.rawValue), &usage)
        let result = BenchResult(
            what: what, baseChannels: baseChannels, residualBlocks: residualBlocks, upsampling: upsampling.rawValue,
            size: size,
            threads: context.threads.count, repeats: `repeat`, bestSeconds: seconds[0],
            medianSeconds: median(seconds),
            peakRSSBytes: usage.ru_maxrss * 1024, kernels: context.kernels.name)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(result), as: UTF8.self))
        } else {
            print(
                "\(what), \(baseChannels) channels, \(residualBlocks) blocks, \(upsampling.rawValue), \(size), "
                    + "\(result.threads) threads, \(result.kernels): best \(rounded(result.bestSeconds)) s, "
                    + "median \(rounded(result.medianSeconds)) s, peak \(result.peakRSSBytes >> 20) MiB")
        }
    }

    private func median(_ sorted: [Double]) -> Double {
        (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    private func rounded(_ seconds: Double) -> String { String(format: "%.4f", seconds) }
}

struct BenchResult: Encodable {
    var what: String
    var baseChannels, residualBlocks: Int
    var upsampling, size: String
    var threads, repeats: Int
    var bestSeconds, medianSeconds: Double
    var peakRSSBytes: Int
    var kernels: String

    enum CodingKeys: String, CodingKey {
        case what, upsampling, size, threads, kernels
        case baseChannels = "base-channels", residualBlocks = "residual-blocks", repeats = "repeat"
        case bestSeconds = "best-seconds", medianSeconds = "median-seconds", peakRSSBytes = "peak-rss-bytes"
    }
}

struct BenchInference: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inference", abstract: "One image through a generator.")

    @OptionGroup var options: BenchOptions
    @Option(name: .long, help: ArgumentHelp("The image's size.", valueName: "wxh")) var size = PixelSize(
        argument: "256x256")!
    @Option(
        name: .long, help: "A generator's file instead of random weights; it says the channels, blocks and upsampling.")
    var model: String?
    @Option(
        name: .long,
        help: "A safetensors file with the image as \"input\", (1, 3, H, W) in [-1, 1], instead of a random one.")
    var input: String?
    @Option(name: .long, help: "Write the result as \"output\", (1, 3, H, W), to this safetensors file.") var output:
        String?

    func run() throws {
        let context = options.context
        var random = SeededRandom(seed: 1)
        var options = options
        let generator: ResNetGenerator
        if let model {
            let file = try Safetensors.read(model)
            generator = try ResNetGenerator(file, in: context)
            options.baseChannels = generator.description.baseChannels
            options.residualBlocks = generator.description.residualBlocks
            options.upsampling = generator.description.upsampling
        } else {
            let shapes = Dictionary(uniqueKeysWithValues: options.description.tensorShapes.map { ($0.key, $0.shape) })
            generator = ResNetGenerator(options.description, in: context) { key in
                (0..<shapes[key]!.reduce(1, *)).map { _ in random.next() * 0.05 }
            }
        }
        context.buffers.trim()
        let x: Tensor
        if let input {
            x = try image(input, context)
        } else {
            x = Tensor(Shape(1, size.height, size.width, 3), in: context)
            for i in 0..<x.shape.count { x.pointer[i] = random.next() }
        }
        var y = x
        try options.measure("inference", size: "\(x.shape.w)x\(x.shape.h)", in: context) { y = generator(x) }
        if let output {
            let (h, w) = (y.shape.h, y.shape.w), values = y.values
            let planes = (0..<3).flatMap { c in (0..<h * w).map { values[$0 * 3 + c] } }
            try Safetensors.write(
                output, tensors: [(name: "output", shape: [1, 3, h, w], values: planes)], metadata: [:])
        }
    }

    private func image(_ path: String, _ context: ComputeContext) throws -> Tensor {
        guard let stored = try Safetensors.read(path).tensors["input"], stored.shape.count == 4, stored.shape[0] == 1,
            stored.shape[1] == 3, stored.shape[2] > 0, stored.shape[3] > 0
        else { throw ValidationError("\(path) has no tensor \"input\" of shape (1, 3, height, width).") }
        let (h, w) = (stored.shape[2], stored.shape[3]), values = try stored.floats()
        return Tensor(
            Shape(1, h, w, 3), values: (0..<h * w * 3).map { values[$0 % 3 * h * w + $0 / 3] }, in: context)
    }
}

/// -1..<1, the same numbers in every run.
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / Float(1 << 23) - 1
    }
}
