import Foundation
import Networks
import Weights
import XCTest

@testable import CycleGAN
@testable import Tensors

/// Ten steps of a tiny hybrid CycleGAN against the same steps in PyTorch, double precision
/// (Tests/Golden/make_golden.py).
final class TraceTests: XCTestCase {
    private static let beyondThePaper: [LossTerm] = [
        .style, .colour, .spot, .spike, .lattice, .content, .adversarialV, .discriminatorV,
    ]

    static func trace() throws -> WeightsFile {
        let folder = try XCTUnwrap(Bundle.module.url(forResource: "golden", withExtension: nil))
        return try Safetensors.read(folder.appendingPathComponent("trace.safetensors").path)
    }

    func testTenStepsMatchPyTorch_everyKernelTable() throws { try compare(Tuning()) }

    /// The trace's images are too small for minimal filtering in phases, unless it is asked for.
    func testTenStepsMatchPyTorch_allByMinimalFiltering() throws {
        var tuning = Tuning()
        tuning.leastPhaseTiles = 1
        try compare(tuning)
    }

    private func compare(_ tuning: Tuning) throws {
        let file = try Self.trace()
        let description = GeneratorDescription(
            baseChannels: Int(file.metadata["base-channels"]!)!,
            residualBlocks: Int(file.metadata["residual-blocks"]!)!,
            activation: .leakyReLU(slope: 0.01), upsampling: .resize)
        let channels = Int(file.metadata["discriminator-channels"]!)!
        func initial(_ network: String) -> (String, [Int]) throws -> [Float] {
            { key, shape in
                let tensor = try XCTUnwrap(file.tensors["initial.\(network).\(key)"], key)
                XCTAssertEqual(tensor.shape, shape)
                return try tensor.floats()
            }
        }
        func image(_ key: String, _ context: ComputeContext) throws -> Tensor {
            let t = try XCTUnwrap(file.tensors[key]), (h, w) = (t.shape[2], t.shape[3]), values = try t.floats()
            return Tensor(
                Shape(1, h, w, 3), values: (0..<values.count).map { values[$0 % 3 * h * w + $0 / 3] }, in: context)
        }
        for table in Kernels.available {
            let context = ComputeContext(kernels: Kernels(named: table)!, tuning: tuning)
            let model = CycleGANModel(
                g: try TrainableGenerator(description, in: context, initial: initial("G")),
                f: try TrainableGenerator(description, in: context, initial: initial("F")),
                dx: try PatchDiscriminator(channels: channels, in: context, initial: initial("DX")),
                dy: try PatchDiscriminator(channels: channels, in: context, initial: initial("DY")),
                features: try VGG16(file, prefix: "V.", stages: [2, 2], scaling: .torchvision, in: context),
                weights: LossWeights(cycle: 10, identity: 0.5, semantic: 1))
            for step in 0..<10 {
                let (losses, _) = model.step(
                    x: try image("x.\(step)", context), y: try image("y.\(step)", context), learningRate: 2e-4)
                for (term, value) in losses.all where !Self.beyondThePaper.contains(term) {
                    let expected = Double(
                        try XCTUnwrap(file.tensors["loss.\(term.name)"], term.name).floats()[step])
                    XCTAssertEqual(
                        value, expected, accuracy: 1e-4 * abs(expected), "step \(step), \(term.name), \(table)")
                }
                for term in Self.beyondThePaper { XCTAssertEqual(losses[term], 0, term.name) }
            }
            let networks: [(String, any TrainableNetwork)] = [
                ("G", model.g), ("F", model.f), ("DX", model.dx), ("DY", model.dy),
            ]
            for (name, network) in networks {
                var moved = 0
                for parameter in network.parameters {
                    let expected = try XCTUnwrap(file.tensors["final.\(name).\(parameter.name)"]).floats()
                    let start = try XCTUnwrap(file.tensors["initial.\(name).\(parameter.name)"]).floats()
                    let used = parameter.name.hasSuffix(".weight") || parameter.value.values != start
                    // Biases that a normalisation cancels have no gradient but rounding noise.
                    guard used else { continue }
                    moved += 1
                    let worst = zip(parameter.value.values, expected).map { abs($0 - $1) }.max()!
                    XCTAssertLessThan(worst, 1e-3, "\(name).\(parameter.name) \(table)")
                    XCTAssertNotEqual(parameter.value.values, start, "\(name).\(parameter.name) was not trained")
                }
                XCTAssertGreaterThanOrEqual(moved, name.hasPrefix("D") ? 7 : 11, name)
            }
        }
    }
}
