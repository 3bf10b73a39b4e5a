import XCTest

@testable import Tensors

/// Winograd's minimal filtering for every kind of convolution that there is a plan for, on every kernel table of the
/// machine.
final class WinogradTests: XCTestCase {
    private static let sizes = [(1, 1), (2, 3), (6, 6), (7, 5), (4, 13), (14, 12)]
    private static let kinds: [Convolution2D.Kind] =
        [3, 4].flatMap { k in [Padding.zero, .reflection, .edge].map { .strided(kernelSize: k, padding: $0, pad: 1) } }
        + [3, 4].map { .strided(kernelSize: $0, stride: 2, padding: .zero, pad: 1) } + [
            .transposed, .doubling, .bilinearDoubling,
        ]

    private func each(_ body: (Convolution2D, (Int, Int), ComputeContext, String) -> Void) {
        for kind in Self.kinds {
            for (ci, co) in [(1, 1), (8, 16), (9, 17), (33, 5)] {
                let operation = Convolution2D(kind, inputChannels: ci, outputChannels: co)
                for size in Self.sizes where min(size.0, size.1) + 2 >= operation.form.geometry.kernelSize {
                    for context in everyTable {
                        body(operation, size, context, "\(kind) \(size) \(ci) to \(co) \(context.kernels.name)")
                    }
                }
            }
        }
    }

    private func convolution(
        _ operation: Convolution2D, _ weight: [Float], _ bias: [Float], in context: ComputeContext = .default
    ) -> WinogradConvolution {
        WinogradConvolution(operation.form, operation.form.plan!, weight: weight, bias: bias, in: context)
    }

    /// Of each pair of phases only the elements that do not vanish are multiplied.
    func testLeavesOutWhatVanishes() {
        func products(_ geometry: ConvolutionGeometry) -> Int { WinogradPlan(geometry)!.products.count }
        XCTAssertEqual(products(.strided(kernelSize: 3, stride: 1, padding: .zero, pad: 1)), 36)
        XCTAssertEqual(products(.strided(kernelSize: 4, stride: 1, padding: .zero, pad: 1)), 36)
        XCTAssertEqual(products(.strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1)), 81)
        XCTAssertEqual(products(.transposed(kernelSize: 3, pad: 1)), 81)
        XCTAssertEqual(products(.strided(kernelSize: 4, stride: 2, padding: .zero, pad: 1)), 100)
        XCTAssertEqual(products(.transposed(kernelSize: 4, pad: 1)), 100)
        XCTAssertEqual(products(.doubling), 100)
        XCTAssertEqual(products(.doublingAdjoint), 100)
        // Every phase of the bilinear one reads all nine pixels.
        XCTAssertEqual(products(.bilinearDoubling), 144)
        XCTAssertEqual(products(.bilinearDoublingAdjoint), 144)
        XCTAssertNil(WinogradPlan(.strided(kernelSize: 7, stride: 1, padding: .zero, pad: 3)))
        XCTAssertNil(WinogradPlan(.strided(kernelSize: 1, stride: 1, padding: .zero, pad: 0)))
    }

    func testMatchesTheReference_withItsStatistics() {
        each { operation, size, context, name in
            let (ci, co) = (operation.inputChannels, operation.outputChannels)
            let inputs = random([Shape(1, size.0, size.1, ci), operation.weightShape, Shape(1, 1, 1, co)])
            let convolution = self.convolution(
                operation, inputs[1].tensor.values, inputs[2].tensor.values, in: context)
            let expected = operation.reference(inputs)
            let y = convolution(inputs[0].tensor(in: context), normalizedWithSlope: 0.2)
            assertClose(y.values, expected.values, 2e-5, name)
            let pixels = expected.shape.h * expected.shape.w
            for c in 0..<co {
                let values = (0..<pixels).map { expected.values[$0 * co + c] }
                let mean = values.reduce(0, +) / Double(pixels)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pixels)
                XCTAssertEqual(Double(y.reading!.mean[c]), mean, accuracy: 2e-5, name)
                if pixels > 4 {
                    let scale = 1 / (variance + 1e-5).squareRoot()
                    XCTAssertEqual(Double(y.reading!.scale[c]), scale, accuracy: 1e-3 * scale, name)
                }
            }
        }
    }

    /// Bands that start at a multiple of the row alignment give the whole, and read no other rows than they say.
    func testBandsGiveTheWhole() {
        each { operation, size, context, name in
            let (ci, co) = (operation.inputChannels, operation.outputChannels)
            let inputs = random([Shape(1, size.0, size.1, ci), operation.weightShape])
            let x = inputs[0].tensor(in: context)
            let convolution = self.convolution(
                operation, inputs[1].tensor.values, [Float](repeating: 0.5, count: co), in: context)
            let whole = convolution(x), height = whole.shape.h, row = whole.shape.w * co
            let banded = Tensor(whole.shape, in: context)
            for y in stride(from: 0, to: height, by: convolution.rowAlignment) {
                let rows = y..<min(height, y + convolution.rowAlignment)
                // Only the rows that the band says it reads.
                let read = convolution.inputRows(for: rows, height: size.0)
                let part = Array(x.values[read.lowerBound * size.1 * ci..<read.upperBound * size.1 * ci])
                part.withUnsafeBufferPointer { part in
                    let band = Band(
                        data: part.baseAddress!, firstRow: read.lowerBound, height: size.0, width: size.1,
                        channels: ci, reading: nil)
                    convolution.compute(band, rows: rows, into: banded.pointer + y * row, sums: nil)
                }
            }
            // OpenBLAS sums in another order where there are fewer rows.
            assertClose(banded.values, whole.values.map(Double.init), 1e-5, name)
        }
    }

    /// Large enough for the next product's operands to be prefetched, several input phases a product.
    func testManyChannelsInPhases() {
        for kind in [Convolution2D.Kind.strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1), .transposed] {
            let operation = Convolution2D(kind, inputChannels: 96, outputChannels: 17)
            let inputs = random([Shape(1, 42, 46, 96), operation.weightShape])
            let convolution = self.convolution(operation, inputs[1].tensor.values, [Float](repeating: 0, count: 17))
            assertClose(convolution(inputs[0].tensor).values, operation.reference(inputs).values, 2e-5, "\(kind)")
        }
    }

    /// Weight gradients put together from several parts of the tiles.
    func testWeightGradientInParts() {
        var tuning = Tuning()
        tuning.mostFloatsOfTiles = 1
        let inParts = ComputeContext(tuning: tuning)
        for kind in Self.kinds {
            let operation = Convolution2D(kind, inputChannels: 9, outputChannels: 17)
            let inputs = random([Shape(2, 22, 26, 9), operation.weightShape])
            let gradient = random([operation.forward(inputs.map(\.tensor)).shape])[0]
            let form = operation.form
            let whole = form.weightGradient(by: .winograd, inputs[0].tensor, gradient.tensor)
            let parts = form.weightGradient(
                by: .winograd, inputs[0].tensor(in: inParts), gradient.tensor(in: inParts))
            let direct = form.weightGradient(by: .direct, inputs[0].tensor, gradient.tensor)
            assertClose(parts.values, whole.values.map(Double.init), 1e-5, "\(kind)")
            assertClose(whole.values, direct.values.map(Double.init), 1e-5, "\(kind)")
        }
    }

    /// Many channels, whose blocks of tiles depend on the threads: their statistics do not, to the last bit of the
    /// sums.
    func testSameSums_whateverTheThreads() {
        let operation = Convolution2D(
            .strided(kernelSize: 3, padding: .zero, pad: 1), inputChannels: 160, outputChannels: 160)
        let inputs = random([Shape(1, 50, 54, 160), operation.weightShape])
        let sums = [1, 2, 3, 5].map { threads -> [Double] in
            let context = ComputeContext(threads: threads)
            let convolution = self.convolution(
                operation, inputs[1].tensor.values, [Float](repeating: 0, count: 160), in: context)
            let x = inputs[0].tensor(in: context), y = Tensor(x.shape, in: context)
            let sums = ChannelSums(channels: 160, in: context)
            convolution.compute(Band(x), rows: 0..<50, into: y.pointer, sums: sums)
            return sums.totals
        }
        for other in sums.dropFirst() { XCTAssertTrue(sums[0] == other) }
    }
}
