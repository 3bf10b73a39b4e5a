import CTensorKernels
import Tensors
import XCTest

/// Each kernel by itself against what its comment says, in double precision, on every table that this machine can run.
final class KernelTests: XCTestCase {
    private func onEveryTable(_ body: (ctk_kernels, String) throws -> Void) rethrows {
        for name in Kernels.available { try body(ctk_named(name)!.pointee, name) }
    }

    /// Numbers in -1..<1.
    private func random(_ count: Int, _ seed: Int) -> [Float] {
        var random = SplitMix(seed: UInt64(seed))
        return (0..<count).map { _ in Float(random.uniform()) }
    }

    // MARK: Products

    func testGemm() {
        onEveryTable { kernels, table in
            for (rows, columns, segments, depth, groups) in [
                (1, 1, 1, 1, 1), (5, 7, 1, 3, 1), (6, 16, 2, 8, 1), (13, 17, 3, 5, 2), (7, 33, 1, 20, 3),
                (12, 8, 2, 4, 2),
                (9, 24, 3, 1, 1), (3, 15, 4, 2, 2),
            ] {
                let k = segments * depth, stride = depth + 2, group = rows * stride + depth
                let a = random(segments * 3 + groups * group + depth, rows), b = random(k * columns, columns)
                let bias = random(columns, 7), cStride = columns + 3
                var packed = [Float](repeating: .nan, count: ctk_packed_size(k, columns))
                kernels.pack_b(k, columns, b, &packed)
                for hasBias in [false, true] {
                    let c = UnsafeMutableBufferPointer<Float>.allocate(capacity: groups * (rows * cStride + 5))
                    defer { c.deallocate() }
                    c.initialize(repeating: 2)
                    a.withUnsafeBufferPointer { a in
                        // Each segment begins three floats behind the one before.
                        let starts = (0..<segments).map {
                            UnsafePointer(a.baseAddress! + 3 * $0) as UnsafePointer<Float>?
                        }
                        starts.withUnsafeBufferPointer { starts in
                            bias.withUnsafeBufferPointer { bias in
                                packed.withUnsafeBufferPointer { packed in
                                    var product = ctk_gemm(
                                        rows: rows, columns: columns, segments: segments, segment_columns: depth,
                                        a: starts.baseAddress, a_stride: stride, b: packed.baseAddress,
                                        c: c.baseAddress,
                                        c_stride: cStride, bias: hasBias ? bias.baseAddress : nil, groups: groups,
                                        a_group: group, c_group: rows * cStride + 5, next_a: nil)
                                    kernels.gemm(&product)
                                }
                            }
                        }
                    }
                    var expected = [Double](repeating: 2, count: c.count)
                    for g in 0..<groups {
                        for r in 0..<rows {
                            for j in 0..<columns {
                                var sum = hasBias ? Double(bias[j]) : 0
                                for s in 0..<segments {
                                    for i in 0..<depth {
                                        sum +=
                                            Double(a[3 * s + g * group + r * stride + i])
                                            * Double(b[(s * depth + i) * columns + j])
                                    }
                                }
                                expected[g * (rows * cStride + 5) + r * cStride + j] = sum
                            }
                        }
                    }
                    assertClose(
                        Array(c), expected, 2e-5, "\(table) \(rows)x\(columns), \(segments) of \(depth), \(groups)")
                }
            }
        }
    }

    func testGemmTransposed() {
        let panel = Int(CTK_PANEL)
        onEveryTable { kernels, table in
            for (m, n, k) in [(1, 1, 1), (5, 16, 7), (16, 20, 40), (17, 3, 200), (33, 32, 385)] {
                let (mPanels, nPanels) = ((m + panel - 1) / panel, (n + panel - 1) / panel), rows = k + 2
                let a = random(mPanels * rows * panel, m), b = random(nPanels * rows * panel, n)
                let before = random(nPanels * m * panel, k)
                for accumulates in [0, 1] as [CInt] {
                    var c = before
                    a.withUnsafeBufferPointer { a in
                        b.withUnsafeBufferPointer { b in
                            c.withUnsafeMutableBufferPointer { c in
                                var product = ctk_gemm_transposed(
                                    m: m, n: n, k: k, a: a.baseAddress, b: b.baseAddress, panel_rows: rows,
                                    c: c.baseAddress, accumulates: accumulates)
                                kernels.gemm_transposed(&product)
                            }
                        }
                    }
                    var found: [Float] = [], expected: [Double] = []
                    for i in 0..<m {
                        for j in 0..<n {
                            let place = j / panel * m * panel + i * panel + j % panel
                            var sum = accumulates == 1 ? Double(before[place]) : 0
                            for p in 0..<k {
                                sum +=
                                    Double(a[i / panel * rows * panel + p * panel + i % panel])
                                    * Double(b[j / panel * rows * panel + p * panel + j % panel])
                            }
                            found.append(c[place])
                            expected.append(sum)
                        }
                    }
                    assertClose(found, expected, 2e-5, "\(table) \(m)x\(n)x\(k)")
                }
            }
        }
    }

    // MARK: Minimal filtering

    /// 36 matrices of `size` floats.
    private final class Matrices {
        let size: Int
        let floats: UnsafeMutablePointer<Float>

        init(_ size: Int, _ values: [Float]? = nil) {
            self.size = size
            floats = .allocate(capacity: 36 * size)
            floats.initialize(repeating: 0, count: 36 * size)
            if let values { for i in 0..<36 * size { floats[i] = values[i] } }
        }

        deinit { floats.deallocate() }

        var written: [UnsafeMutablePointer<Float>?] { (0..<36).map { floats + $0 * size } }
        var read: [UnsafePointer<Float>?] { (0..<36).map { UnsafePointer(floats + $0 * size) } }
        var values: [Float] { (0..<36 * size).map { floats[$0] } }
    }

    private let units = ctk_units(step: 1, y: 0, x: 0)

    /// Every tap of a kernel of `side` x `side` in a cell of its own; weights in the order (input, output, tap).
    private func withWindow<R>(_ side: Int, _ outputs: Int, _ body: (UnsafePointer<ctk_window>) -> R) -> R {
        let count = side * side, ones = [CInt](repeating: 1, count: count), taps = (0..<count).map { CInt($0) }
        return ones.withUnsafeBufferPointer { ones in
            taps.withUnsafeBufferPointer { taps in
                var window = ctk_window(
                    cells: count, tap_counts: ones.baseAddress, taps: taps.baseAddress, scale: 1,
                    input_stride: outputs * count, output_stride: count, kernel_taps: count)
                return body(&window)
            }
        }
    }

    private func image(_ values: UnsafePointer<Float>, _ h: Int, _ w: Int, _ c: Int) -> ctk_image {
        ctk_image(data: values, height: h, width: w, channels: c, row_stride: w * c, first_row: 0)
    }

    private func target(_ values: UnsafeMutablePointer<Float>, _ h: Int, _ w: Int, _ c: Int) -> ctk_target {
        ctk_target(data: values, height: h, width: w, channels: c, row_stride: w * c)
    }

    /// The three transforms of a layer with one input channel together are the convolution that they stand for: a
    /// product of each of the 36 numbers is then one of numbers, so that no other kernel takes part.
    func testTransforms_areAConvolution() {
        onEveryTable { kernels, table in
            for side in [3, 4] {
                let (h, w, co) = (11, 9, 5), tile = 7 - side
                let rows = (h + tile - 1) / tile, columns = (w + tile - 1) / tile, count = rows * columns
                let x = random(h * w, side), weight = random(co * side * side, 3)
                let v = Matrices(count), u = Matrices(co), m = Matrices(count * co)
                var tiles = ctk_tiles(window: side, units: units, columns: columns, first: 0, count: count)
                x.withUnsafeBufferPointer {
                    var source = image($0.baseAddress!, h, w, 1)
                    kernels.winograd_input(&tiles, &source, CTK_PADDING_ZERO, nil, v.written, 0)
                }
                withWindow(side, co) { window in
                    var channels = ctk_channels(inputs: 1, outputs: co, first: 0, last: co)
                    let matrices = u.written.map { ctk_matrix(data: $0, rows: 1, first: 0) }
                    kernels.winograd_weights(weight, window, &channels, 0, matrices)
                }
                for xi in 0..<36 {
                    for t in 0..<count {
                        for o in 0..<co {
                            m.floats[xi * count * co + t * co + o] = v.floats[xi * count + t] * u.floats[xi * co + o]
                        }
                    }
                }
                let bias = random(co, 9)
                var y = [Float](repeating: .nan, count: h * w * co), sums = [Double](repeating: 0, count: 2 * co)
                y.withUnsafeMutableBufferPointer {
                    var result = target($0.baseAddress!, h, w, co)
                    kernels.winograd_output(&tiles, m.read, &result, bias, &sums, count)
                }
                var expected: [Double] = []
                for yy in 0..<h {
                    for xx in 0..<w {
                        for o in 0..<co {
                            var sum = Double(bias[o])
                            for a in 0..<side {
                                for b in 0..<side where yy + a < h && xx + b < w {
                                    sum +=
                                        Double(x[(yy + a) * w + xx + b])
                                        * Double(weight[o * side * side + a * side + b])
                                }
                            }
                            expected.append(sum)
                        }
                    }
                }
                assertClose(y, expected, 1e-4, "\(table), window \(side)")
                for o in 0..<co {
                    let values = stride(from: o, to: expected.count, by: co).map { expected[$0] }
                    XCTAssertEqual(sums[o], values.reduce(0, +), accuracy: 1e-2)
                    XCTAssertEqual(sums[co + o], values.reduce(0) { $0 + $1 * $1 }, accuracy: 1e-2)
                }
            }
        }
    }

    private func product(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// <output(m), dy> = <m, adjoint(dy)>.
    func testOutputAdjoint() {
        onEveryTable { kernels, table in
            for side in [3, 4] {
                let (h, w, c) = (10, 13, 19), tile = 7 - side, panel = Int(CTK_PANEL), panels = (c + panel - 1) / panel
                let columns = (w + tile - 1) / tile, count = (h + tile - 1) / tile * columns
                let m = Matrices(count * c, random(36 * count * c, side)), dy = random(h * w * c, 5)
                let dm = Matrices(panels * count * panel)
                var tiles = ctk_tiles(window: side, units: units, columns: columns, first: 0, count: count)
                var y = [Float](repeating: 0, count: h * w * c)
                y.withUnsafeMutableBufferPointer {
                    var result = target($0.baseAddress!, h, w, c)
                    kernels.winograd_output(&tiles, m.read, &result, nil, nil, count)
                }
                dy.withUnsafeBufferPointer {
                    var source = image($0.baseAddress!, h, w, c)
                    kernels.winograd_output_adjoint(&tiles, &source, dm.written, count)
                }
                var other = 0.0
                for xi in 0..<36 {
                    for t in 0..<count {
                        for i in 0..<c {
                            let place = i / panel * count * panel + t * panel + i % panel
                            other +=
                                Double(m.floats[(xi * count + t) * c + i]) * Double(dm.floats[xi * dm.size + place])
                        }
                    }
                }
                XCTAssertEqual(product(y, dy), other, accuracy: 1e-4 * max(1, abs(other)), "\(table), window \(side)")
            }
        }
    }

    /// <weights(w), du> = <w, adjoint(du)>; packed weights are the same numbers in `pack_b`'s places.
    func testWeightsAdjoint_andPacking() {
        onEveryTable { kernels, table in
            for side in [3, 4] {
                let (ci, co) = (6, 21), panel = Int(CTK_PANEL), panels = (co + panel - 1) / panel
                let weight = random(ci * co * side * side, side)
                let u = Matrices(ci * co), packed = Matrices(ctk_packed_size(ci, co))
                let du = Matrices(panels * ci * panel, random(36 * panels * ci * panel, 8))
                var gradient = [Float](repeating: 0, count: weight.count)
                withWindow(side, co) { window in
                    for first in stride(from: 0, to: co, by: panel) {
                        var channels = ctk_channels(inputs: ci, outputs: co, first: first, last: min(co, first + panel))
                        func matrices(_ m: Matrices) -> [ctk_matrix] {
                            m.written.map { ctk_matrix(data: $0, rows: ci, first: 0) }
                        }
                        kernels.winograd_weights(weight, window, &channels, 0, matrices(u))
                        kernels.winograd_weights(weight, window, &channels, 1, matrices(packed))
                        kernels.winograd_weights_adjoint(du.read, window, &channels, &gradient)
                    }
                }
                var other = 0.0
                for xi in 0..<36 {
                    for i in 0..<ci {
                        for o in 0..<co {
                            other +=
                                Double(u.floats[xi * ci * co + i * co + o])
                                * Double(du.floats[xi * du.size + (o / panel * ci + i) * panel + o % panel])
                        }
                    }
                    var expected = [Float](repeating: 0, count: packed.size)
                    kernels.pack_b(ci, co, u.floats + xi * u.size, &expected)
                    XCTAssertEqual(Array(packed.values[xi * packed.size..<(xi + 1) * packed.size]), expected, table)
                }
                XCTAssertEqual(
                    product(weight, gradient), other, accuracy: 1e-4 * max(1, abs(other)), "\(table), window \(side)")
            }
        }
    }

    // MARK: Normalisation and what is done to each number

    func testNormalization_andItsGradient() {
        onEveryTable { kernels, table in
            for c in [1, 3, 8, 21] {
                let rows = 37, x = random(rows * c, c), dy = random(rows * c, 2), residual = random(rows * c, 4)
                let mean = random(c, 5), scale = random(c, 6).map { $0 + 1.5 }, slope: Float = 0.01
                let means = random(2 * c, 9)
                var y = x, dx = x, sums = [Double](repeating: 0, count: 2 * c), statistics = sums
                mean.withUnsafeBufferPointer { mean in
                    scale.withUnsafeBufferPointer { scale in
                        var read = ctk_read(mean: mean.baseAddress, scale: scale.baseAddress, slope: slope)
                        kernels.normalize(rows, c, x, &read, residual, &y)
                        kernels.normalize_gradient_sums(rows, c, x, &read, dy, &sums)
                        kernels.normalize_gradient(rows, c, x, &read, dy, means, &dx)
                    }
                }
                kernels.statistics(rows, c, x, c, &statistics)
                var expected: [Double] = [], expectedGradient: [Double] = []
                var expectedSums = [Double](repeating: 0, count: 2 * c), expectedStatistics = expectedSums
                for (place, value) in x.enumerated() {
                    let j = place % c, v = (Double(value) - Double(mean[j])) * Double(scale[j])
                    let g = Double(dy[place]) * (v > 0 ? 1 : Double(slope))
                    expected.append((v > 0 ? v : Double(slope) * v) + Double(residual[place]))
                    expectedGradient.append(Double(scale[j]) * (g - Double(means[j]) - v * Double(means[c + j])))
                    expectedSums[j] += g
                    expectedSums[c + j] += g * v
                    expectedStatistics[j] += Double(value)
                    expectedStatistics[c + j] += Double(value) * Double(value)
                }
                assertClose(y, expected, 2e-5, "\(table) \(c)")
                assertClose(dx, expectedGradient, 2e-5, "\(table) \(c)")
                assertClose(sums.map { Float($0) }, expectedSums, 1e-4, "\(table) \(c)")
                assertClose(statistics.map { Float($0) }, expectedStatistics, 1e-4, "\(table) \(c)")
            }
        }
    }

    func testStatistics_ofValuesFarFromZero() {
        onEveryTable { kernels, table in
            let values = random(1000, 3).map { $0 * 0.01 + 1000 }
            var sums = [0.0, 0.0]
            kernels.statistics(1000, 1, values, 1, &sums)
            let mean = values.reduce(0) { $0 + Double($1) } / 1000
            let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 1000
            XCTAssertEqual(
                sums[1] / 1000 - sums[0] / 1000 * (sums[0] / 1000), variance, accuracy: 0.01 * variance, table)
        }
    }

    func testPaddedRow() {
        onEveryTable { kernels, table in
            let (h, w, c) = (4, 5, 3), values = random(h * w * c, 1)
            let paddings: [(ctk_padding, (Int, Int) -> Int?)] = [
                (CTK_PADDING_ZERO, { i, n in i < 0 || i >= n ? nil : i }),
                (CTK_PADDING_REFLECT, { i, n in i < 0 ? -i : i >= n ? 2 * n - 2 - i : i }),
                (CTK_PADDING_EDGE, { i, n in min(max(i, 0), n - 1) }),
            ]
            for (padding, place) in paddings {
                for y in -2..<h + 2 {
                    var row = [Float](repeating: .nan, count: (w + 5) * c)
                    values.withUnsafeBufferPointer {
                        var source = image($0.baseAddress!, h, w, c)
                        kernels.padded_row(&source, padding, y, -3, w + 2, nil, &row)
                    }
                    let expected = (-3..<w + 2).flatMap { x in
                        (0..<c).map { channel -> Float in
                            guard let yy = place(y, h), let xx = place(x, w) else { return 0 }
                            return values[(yy * w + xx) * c + channel]
                        }
                    }
                    XCTAssertEqual(row, expected, "\(table), padding \(padding.rawValue), row \(y)")
                }
            }
        }
    }

    func testSumOfTaps() {
        onEveryTable { kernels, table in
            for outputs in [1, 3, 4] {
                let (width, taps) = (9, 7), stride = taps * outputs + 2
                let p = random((width + taps) * stride + 4, outputs), bias = random(outputs, 2)
                var out = [Float](repeating: 0, count: width * outputs + 4)
                kernels.sum_taps(width, taps, outputs, p, stride, bias, &out)
                var expected: [Double] = []
                for x in 0..<width {
                    for o in 0..<outputs {
                        var sum = Double(bias[o])
                        for k in 0..<taps { sum += Double(p[(x + k) * stride + k * outputs + o]) }
                        expected.append(sum)
                    }
                }
                assertClose(Array(out.prefix(width * outputs)), expected, 2e-5, "\(table) \(outputs)")
            }
        }
    }

    func testTanh_add_andAdam() {
        onEveryTable { kernels, table in
            let x = random(1003, 1).map { $0 * 12 } + [0, -0.0, 1e-20, 30, -90, .infinity, -.infinity]
            var y = x
            kernels.tanh(x.count, x, &y)
            assertClose(y, x.map { tanh(Double($0)) }, 4e-7, table)
            var z = [Float](repeating: 0, count: 1)
            kernels.tanh(1, [.nan], &z)
            XCTAssertTrue(z[0].isNaN, table)

            let n = 1001, a = random(n, 2), b = random(n, 3)
            var sum = b
            kernels.add(n, 0.3, a, &sum)
            assertClose(sum, zip(a, b).map { 0.3 * Double($0) + Double($1) }, 2e-5, table)

            var (m, v, parameter) = (random(n, 4), random(n, 5).map(abs), random(n, 6))
            let expected = (0..<n).map { i -> (m: Double, v: Double, p: Double) in
                let g = Double(a[i]), m = 0.5 * Double(m[i]) + 0.5 * g, v = 0.999 * Double(v[i]) + 0.001 * g * g
                return (m, v, Double(parameter[i]) - 0.01 * m / (v.squareRoot() / 0.8 + 1e-8))
            }
            var step = ctk_adam(rate: 0.01, beta1: 0.5, beta2: 0.999, epsilon: 1e-8, second_correction: 0.8)
            kernels.adam(n, &step, a, &m, &v, &parameter)
            assertClose(m, expected.map(\.m), 2e-5, table)
            assertClose(v, expected.map(\.v), 2e-5, table)
            assertClose(parameter, expected.map(\.p), 2e-5, table)
        }
    }

    /// <pack(w), dense> = <w, add(dense)>.
    func testPackingOfTaps_andItsAdjoint() {
        let (ci, co, first, count, panel) = (5, 19, 16, 3, Int(CTK_PANEL))
        let weight = random(ci * co * 9, 1)
        var packed = [Float](repeating: 0, count: 9 * ci * panel), gradient = [Float](repeating: 0, count: weight.count)
        let dense = random(9 * ci * co, 2)
        withWindow(3, co) { window in
            ctk_pack_window(weight, window, ci, first, count, &packed)
            ctk_add_window(dense, window, ci, co, first, count, &gradient)
        }
        var other = 0.0
        // A last panel of at most eight columns is eight wide.
        for row in 0..<9 * ci {
            for o in 0..<count { other += Double(packed[row * 8 + o]) * Double(dense[row * co + first + o]) }
        }
        XCTAssertEqual(product(weight, gradient), other, accuracy: 1e-4 * max(1, abs(other)))
        for tap in 0..<9 {
            for i in 0..<ci {
                for o in 0..<count {
                    XCTAssertEqual(packed[(tap * ci + i) * 8 + o], weight[(i * co + first + o) * 9 + tap])
                }
            }
        }
    }
}
