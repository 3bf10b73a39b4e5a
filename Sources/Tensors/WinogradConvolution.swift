import COpenBLAS
import CTensorKernels

/// Convolutions by minimal filtering (Lavin and Gray 2015, as `WinogradPlan` says): for each element of a tile a product of
/// (tiles x inputChannels) by (inputChannels x outputChannels), summed over the input's phases.
public final class WinogradConvolution: ResizableConvolution {
    public let inputChannels, outputChannels: Int
    public var rowAlignment: Int { plan.tile * plan.upscale }
    public var weightBytes: Int { 4 * u.count }
    public var multiplications: Double {
        let outputs = plan.tile * plan.tile * plan.upscale * plan.upscale
        // The transforms take as long as about a sixth of the products.
        return 1.2 * Double(products.joined().reduce(0) { $0 + $1.inputs.count }) / Double(outputs)
    }
    private let geometry: ConvolutionGeometry
    private let plan: WinogradPlan
    private let fixedSize: (height: Int, width: Int)?
    private let bias: Buffer?

    /// One element of an output phase's tiles.
    private struct Product {
        var xi: Int
        /// The input phases that have a part in it.
        var inputs: [Int]
        /// Where its weights begin in u.
        var weights: Int
    }
    /// For each output phase.
    private let products: [[Product]]
    /// The place of an input phase's element among the matrices of a block, at phase * 36 + xi; nil where no product has it.
    private let places: [Int?]
    /// Transformed weights: packed for our own kernel, or row-major for OpenBLAS.
    private let u: Buffer
    private let usesOpenBLAS: Bool

    /// - Parameters:
    ///   - weight: laid out as `layout` says.
    ///   - bias: outputChannels values; leave it out before an instance normalisation, which cancels it.
    init(
        weight: UnsafePointer<Float>, layout: WeightLayout, bias: UnsafePointer<Float>? = nil, inputChannels ci: Int,
        outputChannels co: Int, geometry: ConvolutionGeometry, plan: WinogradPlan
    ) {
        (inputChannels, outputChannels, self.geometry, self.plan, fixedSize) = (ci, co, geometry, plan, nil)
        self.bias = bias.map { copy($0, count: co) }
        let kernels = Kernels.current.pointee
        // Without wide registers of our own, OpenBLAS's kernels for the processor at hand are the better ones.
        let usesOpenBLAS = Kernels.name == "portable"
        let (inputPhases, outputPhases) = (plan.inputPhases, plan.outputPhases)

        var floats = 0
        let products = outputPhases.map { output in
            (0..<36).compactMap { xi -> Product? in
                let inputs = inputPhases.indices.filter { plan.hasProduct(xi, output, inputPhases[$0]) }
                if inputs.isEmpty { return nil }
                defer { floats += spread(usesOpenBLAS ? inputs.count * ci * co : ctk_packed_size(inputs.count * ci, co)) }
                return Product(xi: xi, inputs: inputs, weights: floats)
            }
        }
        let u = BufferPool.shared.take(floats)
        for (output, products) in zip(outputPhases, products) {
            for (i, input) in inputPhases.enumerated() {
                var matrices = [ctk_matrix](repeating: ctk_matrix(), count: 36)
                for product in products {
                    guard let segment = product.inputs.firstIndex(of: i) else { continue }
                    matrices[product.xi] = ctk_matrix(
                        data: u.pointer + product.weights, rows: product.inputs.count * ci, first: segment * ci)
                }
                plan.taps(output, input, layout).withKernelTaps { taps in
                    forEachPanel(co) { outputs in
                        kernels.winograd_weights(
                            weight, taps, ci, outputs.lowerBound, outputs.upperBound, co, usesOpenBLAS ? 0 : 1, matrices)
                    }
                }
            }
        }
        (self.products, self.u, self.usesOpenBLAS) = (products, u, usesOpenBLAS)
        places = Self.places(products, phases: inputPhases.count)
    }

    /// A product's matrices stand side by side, in the order of the products.
    private static func places(_ products: [[Product]], phases: Int) -> [Int?] {
        var places = [Int?](repeating: nil, count: 36 * phases)
        var count = 0
        for product in products.joined() {
            for phase in product.inputs where places[phase * 36 + product.xi] == nil {
                places[phase * 36 + product.xi] = count
                count += 1
            }
        }
        return places
    }

    private init(_ other: WinogradConvolution, size: (height: Int, width: Int)) {
        (inputChannels, outputChannels) = (other.inputChannels, other.outputChannels)
        (geometry, plan, fixedSize, bias) = (other.geometry, other.plan, size, other.bias)
        (products, places, u, usesOpenBLAS) = (other.products, other.places, other.u, other.usesOpenBLAS)
    }

    func withOutputSize(height: Int, width: Int) -> any Convolution { WinogradConvolution(self, size: (height, width)) }

    public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        fixedSize ?? (geometry.outputSide(height), geometry.outputSide(width))
    }

    public func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        // Whole tiles are read, also where the last one sticks out.
        let units = rows.lowerBound / plan.upscale..<(rows.upperBound + rowAlignment - 1) / rowAlignment * plan.tile
        return window(units, stride: plan.stride, offset: geometry.window.offset, taps: geometry.window.taps, height: height)
    }

    /// Tiles transformed, multiplied and transformed back at a time: so many that both sides of the products stay in the L2
    /// cache; where not even four rows of the kernel's registers do, so many that the weights are read seldom.
    private static func block(tiles: Int, floats: Int, threads: Int) -> Int {
        let cached = 131_072 / floats / 6 * 6
        if cached >= 24 { return min(cached, 48) }
        // As many blocks on each thread, none larger than 128.
        let blocks = (tiles + 128 * threads - 1) / (128 * threads) * threads
        return max(12, (tiles + blocks - 1) / blocks)
    }

    public func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        precondition(input.channels == inputChannels && rows.lowerBound % rowAlignment == 0)
        let (plan, ci, co) = (plan, inputChannels, outputChannels)
        let size = outputSize(height: input.height, width: input.width)
        let tilesX = (size.width + rowAlignment - 1) / rowAlignment
        let firstTile = rows.lowerBound / rowAlignment * tilesX, tiles = (rows.count + rowAlignment - 1) / rowAlignment * tilesX
        let pool = ThreadPool.shared
        let matrices = places.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
        let block = Self.block(tiles: tiles, floats: matrices * ci + 36 * co, threads: pool.threads)
        let blocks = (tiles + block - 1) / block
        let kernels = Kernels.current.pointee
        let itemSums = sums?.extend(blocks)
        let vStride = spread(block * ci), mStride = spread(block * co)
        let origin = output - rows.lowerBound * size.width * co
        // What vanishes is read here.
        let zeros = BufferPool.shared.take(mStride)
        zeros.pointer.update(repeating: 0, count: mStride)
        pool.forEach(blocks) { b in
            let first = b * block, count = min(block, tiles - first)
            let v = BufferPool.shared.take(matrices * vStride), m = BufferPool.shared.take(36 * mStride)
            var image = input.image
            let vPointers = places.map { $0.map { v.pointer + $0 * vStride } }
            for (i, phase) in plan.inputPhases.enumerated() {
                var units = plan.inputUnits(phase)
                vPointers.withUnsafeBufferPointer { vPointers in
                    input.withReading {
                        kernels.winograd_input(
                            plan.taps, &image, geometry.padding.kernel, &units, $0, tilesX, firstTile + first, count,
                            vPointers.baseAddress! + 36 * i, 0)
                    }
                }
            }
            for (phase, products) in zip(plan.outputPhases, products) {
                var mPointers = [UnsafePointer<Float>?](repeating: zeros.pointer, count: 36)
                for product in products {
                    let result = m.pointer + product.xi * mStride
                    mPointers[product.xi] = UnsafePointer(result)
                    multiply(
                        product.inputs.map { UnsafePointer(vPointers[$0 * 36 + product.xi]!) }, distance: vStride, rows: count,
                        u.pointer + product.weights, into: result, kernels)
                }
                var units = plan.outputUnits(phase)
                kernels.winograd_output(
                    plan.taps, mPointers, rows.upperBound, size.width, co, &units, tilesX, firstTile + first, count,
                    bias?.pointer, origin, size.width * co, itemSums?[b])
            }
        }
    }

    /// The sum of the products of the left sides, (rows x inputChannels) each and `distance` apart, by their weights.
    private func multiply(
        _ left: [UnsafePointer<Float>?], distance: Int, rows: Int, _ weights: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>, _ kernels: ctk_kernels
    ) {
        let (ci, co) = (inputChannels, outputChannels)
        if usesOpenBLAS {
            for (i, left) in left.enumerated() {
                cblas_sgemm(
                    CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows), Int32(co), Int32(ci), 1, left, Int32(ci),
                    weights + i * ci * co, Int32(co), i == 0 ? 0 : 1, result, Int32(co))
            }
        } else {
            // The next product's left side stands behind this one's. What is smaller stays near the processor by itself.
            let next = rows * ci >= 12_288 ? left[0]! + left.count * distance : nil
            kernels.gemm(1, 0, 0, rows, co, left.count, ci, left, ci, weights, result, co, nil, 0, next)
        }
    }
}

/// The distance between the matrices of `count` floats: the transforms walk through all of them at once, and at a power of
/// two apart they would push one another out of the caches.
func spread(_ count: Int) -> Int { (count + 15) / 16 * 16 + 16 }

/// Calls `body` with parts of 0..<count, on all threads.
func inChunks(_ count: Int, atLeast smallest: Int = 8, _ body: (Range<Int>) -> Void) {
    let pool = ThreadPool.shared
    let chunk = max(smallest, (count + 4 * pool.threads - 1) / (4 * pool.threads))
    pool.forEach((count + chunk - 1) / chunk) { i in body(i * chunk..<min(count, (i + 1) * chunk)) }
}

/// Calls `body` with the output channels of each packed panel, on all threads.
func forEachPanel(_ outputChannels: Int, _ body: (Range<Int>) -> Void) {
    let width = Int(CTK_PANEL)
    ThreadPool.shared.forEach((outputChannels + width - 1) / width) { panel in
        body(panel * width..<min(outputChannels, (panel + 1) * width))
    }
}

/// A buffer with a copy of the values.
func copy(_ values: UnsafePointer<Float>, count: Int) -> Buffer {
    let buffer = BufferPool.shared.take(count)
    buffer.pointer.update(from: values, count: count)
    return buffer
}
