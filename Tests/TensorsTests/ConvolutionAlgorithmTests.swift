import XCTest

@testable import Tensors

/// Each algorithm by itself, forward and both gradients, against the slow reference, on every kernel table of the
/// machine.
final class ConvolutionAlgorithmTests: XCTestCase {
    private static let kinds: [Convolution2D.Kind] =
        [Padding.zero, .reflection, .edge].flatMap { padding -> [Convolution2D.Kind] in
            [
                .strided(kernelSize: 3, padding: padding, pad: 1), .strided(kernelSize: 7, padding: padding, pad: 3),
                .strided(kernelSize: 3, stride: 2, padding: padding, pad: 1),
            ]
        } + [
            .strided(kernelSize: 4, padding: .zero, pad: 1), .strided(kernelSize: 4, stride: 2, padding: .zero, pad: 1),
            .transposed, .doubling, .bilinearDoubling,
        ]

    /// The algorithms that can compute a form, whether they are the fastest or not.
    private func algorithms(_ form: ConvolutionForm) -> [ConvolutionAlgorithm] {
        let isPlain = form.geometry.stride == 1 && form.geometry.upscale == 1
        return [.direct] + (form.plan == nil ? [] : [.winograd])
            + (isPlain && form.outputChannels <= 4 ? [.narrow] : [])
    }

    private func each(_ body: (Convolution2D, [ReferenceTensor], ComputeContext, String) -> Void) {
        for kind in Self.kinds {
            for (ci, co) in [(1, 1), (9, 3), (8, 17)] {
                let operation = Convolution2D(kind, inputChannels: ci, outputChannels: co)
                let inputs = random([Shape(2, 9, 12, ci), operation.weightShape])
                for context in everyTable { body(operation, inputs, context, "\(kind) \(ci)->\(co)") }
            }
        }
    }

    func testForward() {
        each { operation, inputs, context, name in
            let expected = ReferenceConvolution(operation).forward(inputs[0], weight: inputs[1], bias: nil)
            for algorithm in algorithms(operation.form) {
                let convolution = operation.form.packed(
                    by: algorithm, weight: inputs[1].tensor.pointer, bias: nil, in: context)
                let y = convolution(inputs[0].tensor(in: context))
                assertClose(y.values, expected.values, 2e-5, "\(name) \(algorithm) \(context.kernels.name)")
            }
        }
    }

    func testWeightGradient() {
        each { operation, inputs, context, name in
            let reference = ReferenceConvolution(operation)
            let gradient = random([reference.forward(inputs[0], weight: inputs[1], bias: nil).shape], seed: 3)[0]
            let expected = reference.weightGradient(inputs[0], gradient: gradient)
            for algorithm in algorithms(operation.form) {
                let found = operation.form.weightGradient(
                    by: algorithm, inputs[0].tensor(in: context), gradient.tensor(in: context))
                assertClose(found.values, expected.values, 2e-5, "\(name) \(algorithm) \(context.kernels.name)")
            }
        }
    }

    func testInputGradient() {
        each { operation, inputs, context, name in
            let reference = ReferenceConvolution(operation)
            let gradient = random([reference.forward(inputs[0], weight: inputs[1], bias: nil).shape], seed: 3)[0]
            let expected = reference.inputGradient(inputs[0].shape, weight: inputs[1], gradient: gradient)
            let found = operation.backward(
                inputs.map { $0.tensor(in: context) }, output: gradient.tensor(in: context),
                gradient: gradient.tensor(in: context), needed: [true, false])[0]
            assertClose(found!.values, expected.values, 2e-5, "\(name) \(context.kernels.name)")
        }
    }
}
