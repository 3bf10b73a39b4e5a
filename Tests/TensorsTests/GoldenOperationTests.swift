import Foundation
import Weights
import XCTest

@testable import Tensors

/// Every operation and its gradients against PyTorch's values (written by Tests/Golden/make_golden.py).
final class GoldenOperationTests: XCTestCase {
    static func file(_ name: String) throws -> WeightsFile {
        let folder = try XCTUnwrap(Bundle.module.url(forResource: "golden", withExtension: nil))
        return try Safetensors.read(folder.appendingPathComponent(name).path)
    }

    func testOperationsMatchPyTorch() throws {
        XCTAssertEqual(
            try compare("ops.safetensors"),
            [
                "conv2d", "conv_transpose2d", "resize_conv2d", "instance_norm", "instance_norm_add", "leaky_relu",
                "tanh", "max_pool2d",
                "l1_loss", "mse_loss",
            ])
        XCTAssertEqual(
            try compare("painterly.safetensors"),
            [
                "gram", "relative_squared_error", "excess_squared_error", "root_compression", "block_means",
                "bilinear_enlargement", "phase_deviation", "grain", "bilinear_conv2d", "conv2d",
            ])
    }

    /// Every operation of a file; gives their names.
    private func compare(_ fileName: String) throws -> Set<String> {
        let file = try Self.file(fileName)
        var seen: Set<String> = []
        for (name, description) in file.metadata where description.hasPrefix("op=") {
            let fields = Dictionary(
                uniqueKeysWithValues: description.split(separator: " ").map { field in
                    let parts = field.split(separator: "=", maxSplits: 1)
                    return (String(parts[0]), String(parts[1]))
                })
            let op = fields["op"]!
            if op == "adam" { continue }
            seen.insert(op)
            func stored(_ key: String, _ context: ComputeContext) throws -> Tensor? {
                guard let tensor = file.tensors["\(name)/\(key)"] else { return nil }
                let values = try tensor.floats(), s = tensor.shape
                switch (key.hasPrefix("d") ? String(key.dropFirst()) : key, s.count) {
                case ("weight", _): return Tensor(Shape(s[0], s[1], s[2], s[3]), values: values, in: context)
                case (_, 4): return Tensor(Shape(s[0], s[2], s[3], s[1]), values: nhwc(values, s), in: context)
                case (_, 1): return Tensor(Shape(1, 1, 1, s[0]), values: values, in: context)
                default: return Tensor(Shape(1, 1, 1, 1), values: values, in: context)
                }
            }
            func int(_ key: String) -> Int { Int(fields[key]!)! }
            let operation: any DifferentiableOperation
            var inputKeys = ["input"]
            switch op {
            case "conv2d":
                operation = Convolution2D(
                    .strided(
                        kernelSize: int("kernel"), stride: int("stride"),
                        padding: fields["mode"] == "zero" ? .zero : .reflection,
                        pad: int("padding")), inputChannels: int("input"), outputChannels: int("output"))
                inputKeys += ["weight", "bias"]
            case "conv_transpose2d", "resize_conv2d":
                operation = Convolution2D(
                    op == "resize_conv2d" ? .doubling : .transposed, inputChannels: int("input"),
                    outputChannels: int("output"))
                inputKeys += ["weight", "bias"]
            case "instance_norm", "instance_norm_add":
                operation = InstanceNormalization(slope: Float(fields["slope"]!)!)
            case "leaky_relu": operation = LeakyReLU(slope: Float(fields["slope"]!)!)
            case "tanh": operation = Tanh()
            case "max_pool2d": operation = MaxPooling()
            case "gram": operation = GramMatrix()
            case "block_means": operation = BlockMeans(size: int("size"))
            case "bilinear_enlargement":
                operation = BilinearEnlargement(size: int("size"), height: int("height"), width: int("width"))
            case "phase_deviation": operation = PhaseDeviation(period: int("period"), window: int("window"))
            case "grain":
                operation = Grain(deviation: Float(fields["deviation"]!)!, places: [(int("row"), int("column"))])
            case "root_compression": operation = RootCompression(scale: Float(fields["scale"]!)!)
            case "excess_squared_error":
                operation = ExcessSquaredError(allowed: Float(fields["allowed"]!)!)
                inputKeys.append("target")
            case "relative_squared_error":
                operation = RelativeSquaredError()
                inputKeys.append("target")
            case "bilinear_conv2d":
                operation = Convolution2D(.bilinearDoubling, inputChannels: int("input"), outputChannels: int("output"))
                inputKeys += ["weight", "bias"]
            case "l1_loss", "mse_loss":
                operation = op == "l1_loss" ? L1Loss() as any DifferentiableOperation : MSELoss()
                inputKeys.append("target")
            default: XCTFail("no operation \(op)"); continue
            }
            for context in everyTable {
                let table = context.kernels.name
                let inputs = try inputKeys.map { try XCTUnwrap(stored($0, context), "\(name) \($0)") }
                let expected = try XCTUnwrap(stored("output", context))
                let gradient = try XCTUnwrap(stored("doutput", context))
                let tape = Tape()
                inputs.forEach(tape.watch)
                let skip = op == "instance_norm_add" ? try XCTUnwrap(stored("skip", context)) : nil
                var output = operation.forward(inputs)
                var gradients = operation.backward(
                    inputs, output: output, gradient: gradient, needed: inputs.map { _ in true })
                if let skip {
                    output = Addition().forward([skip, output])
                    gradients = operation.backward(
                        inputs, output: operation.forward(inputs), gradient: gradient, needed: [true])
                }
                assertClose(output.applied().values, expected.values.map(Double.init), 1e-5, "\(name) \(table)")
                for (key, value) in zip(inputKeys, gradients) {
                    let expected = try XCTUnwrap(stored("d\(key)", context), "\(name) d\(key)")
                    assertClose(
                        try XCTUnwrap(value).values, expected.values.map(Double.init), 3e-5,
                        "\(name) d\(key) \(table)")
                }
            }
        }
        return seen
    }

    func testAdamMatchesPyTorch() throws {
        let file = try Self.file("ops.safetensors")
        let names = file.metadata.filter { $0.value.hasPrefix("op=adam") }.map(\.key)
        XCTAssertGreaterThan(names.count, 1)
        for name in names {
            func values(_ key: String) throws -> [Float] { try XCTUnwrap(file.tensors["\(name)/\(key)"]).floats() }
            let start = try values("parameter0")
            let parameter = Parameter(name: name, value: Tensor(Shape(1, 1, 1, start.count), values: start))
            var adam = Adam(beta1: 0.5, beta2: 0.999)
            for step in 1...5 {
                let gradient = Tensor(parameter.value.shape, values: try values("gradient\(step)"))
                adam.step(learningRate: 2e-4, [parameter]) { _ in gradient }
                let expected = try values("parameter\(step)")
                for (a, b) in zip(parameter.value.values, expected) {
                    XCTAssertEqual(a, b, accuracy: 2e-8 + 1e-6 * abs(b), name)
                }
            }
        }
    }

    /// (N, C, H, W) to (N, H, W, C).
    func nhwc(_ values: [Float], _ s: [Int]) -> [Float] {
        let (n, c, h, w) = (s[0], s[1], s[2], s[3])
        var result = [Float](repeating: 0, count: values.count)
        for i in 0..<n {
            for j in 0..<c { for p in 0..<h * w { result[(i * h * w + p) * c + j] = values[(i * c + j) * h * w + p] } }
        }
        return result
    }
}
