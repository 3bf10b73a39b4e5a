import ArgumentParser
import CycleGAN
import Foundation
import Networks
import Tensors
import Weights

struct BenchTraining: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training", abstract: "One step of training the hybrid: all losses, both optimizers.")

    @OptionGroup var options: BenchOptions
    @Option(name: .long, help: ArgumentHelp("The side of the square crops.", valueName: "px")) var cropSize = 256
    @Option(name: .long, help: "Channels of the discriminators' first layer.") var discriminatorChannels = 64

    func validate() throws {
        if cropSize % 4 != 0 || !(32...4096).contains(cropSize) {
            throw ValidationError("--crop-size is a multiple of 4 from 32 to 4096.")
        }
        if !(1...1024).contains(discriminatorChannels) {
            throw ValidationError("--discriminator-channels is from 1 to 1024.")
        }
    }

    func run() throws {
        let context = options.context
        var random = SeededRandom(seed: 1)
        func initial(_ key: String, _ shape: [Int]) -> [Float] {
            (0..<shape.reduce(1, *)).map { _ in random.next() * 0.035 }
        }
        let model = CycleGANModel(
            g: TrainableGenerator(options.description, in: context, initial: initial),
            f: TrainableGenerator(options.description, in: context, initial: initial),
            dx: PatchDiscriminator(channels: discriminatorChannels, in: context, initial: initial),
            dy: PatchDiscriminator(channels: discriminatorChannels, in: context, initial: initial),
            features: try Self.randomFeatures(&random, context))
        let shape = Shape(1, cropSize, cropSize, 3), (x, y) = (Tensor(shape, in: context), Tensor(shape, in: context))
        for image in [x, y] { for i in 0..<image.shape.count { image.pointer[i] = random.next() } }
        context.buffers.trim()
        try options.measure("training", size: "\(cropSize)x\(cropSize)", in: context) {
            _ = model.step(x: x, y: y, learningRate: 2e-4)
        }
    }

    /// VGG16 to relu3_3 at its real size: what the numbers are makes no difference to the time.
    private static func randomFeatures(_ random: inout SeededRandom, _ context: ComputeContext) throws -> VGG16 {
        let widths = [
            (0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256), (14, 256, 256),
        ]
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (index, input, output) in widths {
            let deviation = (2 / Float(9 * input)).squareRoot()
            tensors.append(
                (
                    "features.\(index).weight", [output, input, 3, 3],
                    (0..<output * input * 9).map { _ in random.next() * 1.7 * deviation }
                ))
            tensors.append(("features.\(index).bias", [output], [Float](repeating: 0, count: output)))
        }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "vgg16-\(UUID().uuidString).safetensors"
        ).path
        try Safetensors.write(path, tensors: tensors, metadata: [:])
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try VGG16(Safetensors.read(path), tap: .relu3_3, in: context)
    }
}
