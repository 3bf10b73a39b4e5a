import ArgumentParser
import Foundation
import Glibc
import Networks
import Tensors
import Weights

struct BenchInception: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inception",
        abstract: "A 299x299 image through the Inception network of the FID, to the deepest features of a file.")

    @Option(name: .long, help: ArgumentHelp("The network's weights, as for evaluate.", valueName: "file")) var features:
        String
    @Option(
        name: .long,
        help: "A safetensors file with the image as \"input\", (1, 299, 299, 3) in [-1, 1], instead of a random one.")
    var input: String?
    @Option(name: .long, help: "Write the features as \"output\" to this safetensors file.") var output: String?
    @Option(name: .long, help: "Threads (default: as many processors as we may use).") var threads: Int?
    @Option(name: .long, help: "Measured runs, after two to warm up.") var `repeat` = 5
    @Flag(name: .long, help: "Print JSON.") var json = false

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
        if `repeat` < 1 { throw ValidationError("--repeat is at least 1.") }
    }

    func run() throws {
        try reporting {
            let context = ComputeContext.with(threads: threads)
            let file = try WeightsFile.read(features)
            let network = try InceptionV3(
                file, tap: try InceptionV3Layers.deepestTap(file) ?? .mixed7c, in: context)
            let side = InceptionV3.side
            var random = SeededRandom(seed: 1)
            let values = try input.map { try Safetensors.read($0).floats("input", shape: [1, side, side, 3]) }
            let x = Tensor(
                Shape(1, side, side, 3), values: values ?? (0..<side * side * 3).map { _ in random.next() }, in: context
            )
            let clock = ContinuousClock()
            var row: [Float] = [], seconds: [Double] = []
            for run in 0..<`repeat` + 2 {
                let time = clock.measure { row = network(x)[0] }
                if run >= 2 {
                    seconds.append(Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18)
                }
            }
            if let output { try Safetensors.write(output, tensors: [("output", [1, row.count], row)], metadata: [:]) }
            var usage = rusage()
            getrusage(.init(RUSAGE_SELF.rawValue), &usage)
            seconds.sort()
            if json {
                let facts: [String: Any] = [
                    "what": "inception", "dims": row.count, "threads": context.threads.count,
                    "kernels": context.kernels.name, "seconds": seconds,
                    "peak-rss-bytes": usage.ru_maxrss * 1024,
                ]
                let data = try JSONSerialization.data(
                    withJSONObject: facts, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
                print(String(decoding: data, as: UTF8.self))
            } else {
                let times = String(format: "best %.4f s, median %.4f s", seconds[0], seconds[seconds.count / 2])
                print(
                    "inception, \(row.count) features, \(context.threads.count) threads, \(context.kernels.name): "
                        + "\(times), "
                        + "peak \(usage.ru_maxrss >> 10) MiB")
            }
        }
    }
}
