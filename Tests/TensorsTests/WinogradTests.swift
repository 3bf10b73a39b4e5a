import XCTest

@testable import Tensors

/// Winograd's algorithm in all its tile sizes, on every kernel table of the machine.
final class WinogradTests: XCTestCase {
    private static let tiles = [(kernelSize: 3, tile: 4), (3, 6), (4, 3)]
    private static let sizes = [(1, 1), (2, 3), (6, 6), (7, 5), (4, 13), (14, 12)]

    private func each(_ body: (Int, Int, (Int, Int), (ci: Int, co: Int), Padding, String) -> Void) {
        for (kernelSize, tile) in Self.tiles {
            for size in Self.sizes where min(size.0, size.1) + 2 >= kernelSize {
                for channels in [(ci: 1, co: 1), (8, 16), (9, 17), (33, 5)] {
                    for padding in [Padding.zero, .reflection, .edge] {
                        for table in Kernels.available {
                            let name = "F(\(tile),\(kernelSize)) \(size) \(channels) \(padding) \(table)"
                            Kernels.with(table) { body(kernelSize, tile, size, channels, padding, name) }
                        }
                    }
                }
            }
        }
    }

    func testMatchesTheReference_withItsStatistics() {
        each { kernelSize, tile, size, channels, padding, name in
            let operation = Convolution2D(
                .strided(kernelSize: kernelSize, padding: padding, pad: 1), inputChannels: channels.ci,
                outputChannels: channels.co)
            let inputs = random([Shape(1, size.0, size.1, channels.ci), operation.weightShape, Shape(1, 1, 1, channels.co)])
            let (weight, bias) = (inputs[1].tensor.values, inputs[2].tensor.values)
            let convolution = WinogradConvolution(
                weight: weight, bias: bias, inputChannels: channels.ci,
                outputChannels: channels.co, kernelSize: kernelSize, tile: tile, padding: padding)
            let expected = operation.reference(inputs)
            let y = convolution(inputs[0].tensor, normalizedWithSlope: 0.2)
            assertClose(y.values, expected.values, 2e-5, name)
            let pixels = expected.shape.h * expected.shape.w
            for c in 0..<channels.co {
                let values = (0..<pixels).map { expected.values[$0 * channels.co + c] }
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
        each { kernelSize, tile, size, channels, padding, name in
            let inputs = random([
                Shape(1, size.0, size.1, channels.ci), Shape(channels.co, channels.ci, kernelSize, kernelSize),
            ])
            let x = inputs[0].tensor
            let weight = inputs[1].tensor.values
            let convolution = WinogradConvolution(
                weight: weight, inputChannels: channels.ci, outputChannels: channels.co,
                kernelSize: kernelSize, tile: tile, padding: padding)
            let whole = convolution(x), height = whole.shape.h, row = whole.shape.w * channels.co
            let banded = Tensor(whole.shape)
            for y in stride(from: 0, to: height, by: convolution.rowAlignment) {
                let rows = y..<min(height, y + convolution.rowAlignment)
                // Only the rows that the band says it reads.
                let read = convolution.inputRows(for: rows, height: size.0)
                let part = Array(x.values[read.lowerBound * size.1 * channels.ci..<read.upperBound * size.1 * channels.ci])
                part.withUnsafeBufferPointer { part in
                    let band = Band(
                        data: part.baseAddress!, firstRow: read.lowerBound, height: size.0, width: size.1,
                        channels: channels.ci, reading: nil)
                    convolution.compute(band, rows: rows, into: banded.pointer + y * row, sums: nil)
                }
            }
            // OpenBLAS sums in another order where there are fewer rows.
            assertClose(banded.values, whole.values.map(Double.init), 1e-5, name)
        }
    }
}
