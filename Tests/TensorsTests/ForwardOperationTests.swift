import XCTest

@testable import Tensors

/// Operations that only run forward, on every kernel table of the machine, against their slow references.
final class ForwardOperationTests: XCTestCase {
    func testRectifiedConvolutionMatchesTheReference() {
        typealias Kernel = RectifiedConvolution.Kernel
        let (across, down) = (Kernel(height: 1, width: 7, padWidth: 3), Kernel(height: 7, width: 1, padHeight: 3))
        let cases: [(Kernel, ci: Int, co: Int, h: Int, w: Int)] = [
            (Kernel(1), 5, 7, 4, 3), (Kernel(1), 40, 33, 9, 11), (Kernel(3), 3, 8, 9, 7), (Kernel(3), 9, 17, 20, 21),
            (Kernel(3, pad: 1), 8, 24, 17, 18), (Kernel(3, pad: 1), 8, 24, 2, 1), (Kernel(3, stride: 2), 3, 32, 21, 22),
            (Kernel(3, stride: 2), 12, 20, 9, 9), (Kernel(5, pad: 2), 6, 10, 9, 8), (Kernel(5, pad: 2), 6, 10, 1, 2),
            (across, 8, 19, 6, 17),
            (down, 8, 19, 17, 6), (across, 3, 4, 2, 2), (down, 3, 4, 2, 2),
            (Kernel(height: 1, width: 3, padWidth: 1), 16, 16, 8, 8),
            (Kernel(height: 3, width: 1, padHeight: 1), 16, 16, 8, 8), (Kernel(1), 300, 90, 40, 35),
        ]
        for (kernel, ci, co, h, w) in cases {
            let inputs = random([Shape(2, h, w, ci), Shape(co, ci, kernel.height, kernel.width), Shape(1, 1, 1, co)])
            let expected = RectifiedConvolution.reference(
                kernel, inputs[0], weight: inputs[1].values, bias: inputs[2].values)
            XCTAssertTrue(expected.values.contains(0) && expected.values.contains { $0 > 0 })
            for context in everyTable {
                let table = context.kernels.name
                for minimal in [true, false] {
                    let convolution = RectifiedConvolution(
                        kernel, inputChannels: ci, outputChannels: co, weight: inputs[1].values.map { Float($0) },
                        bias: inputs[2].values.map { Float($0) }, winograd: minimal, in: context)
                    let name = "\(kernel) \(ci)->\(co) \(h)x\(w) \(table)",
                        y = convolution(inputs[0].tensor(in: context))
                    XCTAssertEqual(y.shape, expected.shape, name)
                    assertClose(y.values, expected.values, 2e-5, name)
                    // As a part of a wider output, and nothing beside it touched.
                    let wide = Tensor.zeros(Shape(2, y.shape.h, y.shape.w, co + 5), in: context)
                    for i in 0..<wide.shape.count { wide.pointer[i] = -9 }
                    convolution(inputs[0].tensor(in: context), into: ChannelSlice(wide, channels: 2..<co + 2))
                    for pixel in 0..<2 * y.shape.h * y.shape.w {
                        for c in 0..<co + 5 {
                            let value = wide.pointer[pixel * (co + 5) + c]
                            XCTAssertEqual(value, (2..<co + 2).contains(c) ? y.pointer[pixel * co + c - 2] : -9)
                        }
                    }
                }
            }
        }
    }

    func testSameBits_whateverTheThreads() {
        let kernel = RectifiedConvolution.Kernel(height: 1, width: 7, padWidth: 3)
        let inputs = random([Shape(1, 17, 17, 64), Shape(40, 64, 1, 7)])
        let results = [1, 2, 5].map { threads -> [Float] in
            let context = ComputeContext(threads: threads)
            let convolution = RectifiedConvolution(
                kernel, inputChannels: 64, outputChannels: 40, weight: inputs[1].values.map { Float($0) },
                bias: [Float](repeating: 0.1, count: 40), in: context)
            return convolution(inputs[0].tensor(in: context)).values
        }
        XCTAssertTrue(results[0] == results[1] && results[0] == results[2])
    }

    func testPoolingsMatchTheirReferences() {
        for (h, w, c) in [(3, 3, 1), (7, 8, 5), (17, 12, 33)] {
            let x = random([Shape(2, h, w, c)])[0]
            for (stride, pad) in [(2, 0), (1, 1), (2, 1), (1, 0)] {
                let pooling = OverlappingMaxPooling(stride: stride, pad: pad)
                assertClose(
                    pooling(x.tensor).values, pooling.reference(x).values, 0,
                    "max \(h)x\(w)x\(c), stride \(stride), pad \(pad)")
            }
            assertClose(
                AveragePooling()(x.tensor).values, AveragePooling().reference(x).values, 1e-6, "average \(h)x\(w)x\(c)")
        }
        for (h, w) in [(1, 1), (1, 4), (2, 2), (2, 1)] {
            let x = random([Shape(1, h, w, 9)])[0]
            assertClose(
                AveragePooling()(x.tensor).values, AveragePooling().reference(x).values, 1e-6, "average \(h)x\(w)")
            if min(h, w) + 2 >= 3 {
                let pooling = OverlappingMaxPooling(stride: 1, pad: 1)
                assertClose(pooling(x.tensor).values, pooling.reference(x).values, 0, "max \(h)x\(w)")
            }
        }
    }

    func testChannelMomentsMatchTheReference() {
        for shape in [Shape(2, 40, 31, 13), Shape(1, 1, 1, 3), Shape(1, 64, 48, 64)] {
            let x = random([shape])[0]
            for context in everyTable {
                let table = context.kernels.name
                for n in 0..<shape.n {
                    let moments = ChannelMoments(x.tensor(in: context), image: n),
                        expected = ChannelMoments.reference(x, image: n)
                    for c in 0..<shape.c {
                        XCTAssertEqual(moments.means[c], expected.means[c], accuracy: 1e-6, table)
                        XCTAssertEqual(moments.deviations[c], expected.deviations[c], accuracy: 1e-5, table)
                    }
                }
            }
        }
        // Read through an activation.
        let x = random([Shape(1, 9, 7, 5)])[0], active = LeakyReLU(slope: 0).forward([x.tensor])
        let expected = ChannelMoments.reference(LeakyReLU(slope: 0).reference([x]), image: 0)
        for c in 0..<5 { XCTAssertEqual(ChannelMoments(active).means[c], expected.means[c], accuracy: 1e-6) }
    }
}
