import COpenBLAS
import CTensorKernels

/// Convolutions by Winograd's minimal filtering (Lavin and Gray 2015, as `WinogradPlan` says): for each element of a
/// tile a product of (tiles x inputChannels) by (inputChannels x outputChannels), summed over the input's phases. Of an
/// adjoint form it is the gradient with respect to the input.
final class WinogradConvolution: ResizableConvolution {
    let context: ComputeContext
    let inputChannels, outputChannels: Int
    var rowAlignment: Int { plan.tile * plan.upscale }
    var weightBytes: Int { 4 * u.count }
    var multiplications: Double {
        let outputs = plan.tile * plan.tile * plan.upscale * plan.upscale
        // The transforms take about a fifth of the products' time.
        return 1.2 * Double(plan.products.count) / Double(outputs)
    }
    private let geometry: ConvolutionGeometry
    private let plan: WinogradPlan
    /// Instead of the geometry's.
    private let fixedSize: (height: Int, width: Int)?
    private let bias: Buffer?

    /// The sum of those of the plan's products that make one element of an output phase's tiles.
    private struct ProductSum {
        var xi: Int
        /// The input phases that have a part in it.
        var inputs: [Int]
        /// Where its weights begin in u.
        var weights: Int
    }
    /// For each output phase.
    private let productSums: [[ProductSum]]
    /// For the transformed input, an element's phases side by side.
    private let places: ElementPlaces
    /// Transformed weights: packed for our own kernel, or row-major for OpenBLAS.
    private let u: Buffer
    private let usesOpenBLAS: Bool

    /// - Parameters:
    ///   - plan: the form's.
    ///   - weight: laid out as the form says.
    ///   - bias: outputChannels values; leave it out before an instance normalisation, which cancels it.
    init(
        _ form: ConvolutionForm, _ plan: WinogradPlan, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        in context: ComputeContext
    ) {
        let (ci, co) = (form.inputChannels, form.outputChannels)
        (inputChannels, outputChannels, geometry, self.plan, fixedSize) = (ci, co, form.geometry, plan, nil)
        self.context = context
        self.bias = bias.map { context.buffers.copy($0, count: co) }
        let kernels = context.kernels.table
        // Without wide registers of our own, OpenBLAS's kernels for the processor at hand are the better ones.
        let usesOpenBLAS = context.kernels.name == "portable"
        var floats = 0
        let productSums = plan.outputPhases.indices.map { output in
            (0..<36).compactMap { xi -> ProductSum? in
                let inputs = plan.products.filter { $0.output == output && $0.xi == xi }.map(\.input)
                if inputs.isEmpty { return nil }
                defer {
                    floats += matrixStride(
                        usesOpenBLAS ? inputs.count * ci * co : ctk_packed_size(inputs.count * ci, co))
                }
                return ProductSum(xi: xi, inputs: inputs, weights: floats)
            }
        }
        let u = context.buffers.take(floats)
        for (output, sums) in zip(plan.outputPhases, productSums) {
            for (i, input) in plan.inputPhases.enumerated() {
                var matrices = [ctk_matrix](repeating: ctk_matrix(), count: 36)
                for sum in sums {
                    guard let segment = sum.inputs.firstIndex(of: i) else { continue }
                    matrices[sum.xi] = ctk_matrix(
                        data: u.pointer + sum.weights, rows: sum.inputs.count * ci, first: segment * ci)
                }
                plan.window(output, input, form.layout).withKernelWindow { window in
                    context.threads.forEachPanel(co) { outputs in
                        var channels = ctk_channels(
                            inputs: ci, outputs: co, first: outputs.lowerBound, last: outputs.upperBound)
                        kernels.winograd_weights(weight, window, &channels, usesOpenBLAS ? 0 : 1, matrices)
                    }
                }
            }
        }
        (self.productSums, self.u, self.usesOpenBLAS) = (productSums, u, usesOpenBLAS)
        places = ElementPlaces(productSums.joined().flatMap { sum in sum.inputs.map { (phase: $0, xi: sum.xi) } })
    }

    private init(_ other: WinogradConvolution, size: (height: Int, width: Int)) {
        (inputChannels, outputChannels, context) = (other.inputChannels, other.outputChannels, other.context)
        (geometry, plan, fixedSize, bias) = (other.geometry, other.plan, size, other.bias)
        (productSums, places, u, usesOpenBLAS) = (other.productSums, other.places, other.u, other.usesOpenBLAS)
    }

    func withOutputSize(height: Int, width: Int) -> any PackedConvolution {
        WinogradConvolution(self, size: (height, width))
    }

    func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        fixedSize ?? (geometry.outputSide(height), geometry.outputSide(width))
    }

    func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        // Whole tiles are read, also where the last one sticks out.
        let units = rows.lowerBound / plan.upscale..<(rows.upperBound + rowAlignment - 1) / rowAlignment * plan.tile
        return windowRows(
            units, stride: plan.stride, offset: geometry.window.offset, cells: geometry.window.cells, height: height)
    }

    /// Floats of transformed input and products that a block of tiles may take.
    private static let mostFloats = 5 << 19
    private var floatsPerTile: Int { places.count * inputChannels + 36 * outputChannels }

    /// One of a few sizes, so that layers share their buffers.
    private static func bufferSize(_ floats: Int) -> Int {
        var size = mostFloats
        while size / 2 >= floats { size /= 2 }
        return max(size, floats)
    }

    var scratchBytes: Int {
        // Blocks are rounded up to a group, matrices to a line of the cache.
        let tiles = Self.cachedTiles(floatsPerTile) > 0 ? 50 : 145
        return 4 * Self.bufferSize(min(Self.mostFloats, tiles * floatsPerTile))
    }

    /// Tiles whose both sides of the products stay in the L2 cache; 0 where that is less than four times the six rows
    /// that the kernel multiplies at a time.
    private static func cachedTiles(_ floatsPerTile: Int) -> Int {
        let tiles = min(131_072 / floatsPerTile, 48)
        return tiles >= 24 ? tiles : 0
    }

    /// Tiles transformed, multiplied and transformed back at a time, a multiple of `group`: as many as stay in the
    /// cache, or, where those are too few, so many that the weights are read seldom: as many blocks on each thread.
    private func block(tiles: Int, group: Int, threads: Int) -> Int {
        let cached = Self.cachedTiles(floatsPerTile)
        if cached > 0 { return max(1, cached / group) * group }
        let most = max(12, min(128, Self.mostFloats / floatsPerTile)) * threads
        let blocks = (tiles + most - 1) / most * threads
        return ((tiles + blocks - 1) / blocks + group - 1) / group * group
    }

    func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        precondition(input.channels == inputChannels && rows.lowerBound % rowAlignment == 0)
        let (plan, ci, co) = (plan, inputChannels, outputChannels)
        let size = outputSize(height: input.height, width: input.width)
        let grid = plan.grid(height: rows.count, width: size.width)
        let firstTile = rows.lowerBound / rowAlignment * grid.columns, tiles = grid.rows * grid.columns
        // Tiles whose statistics are added up together, so that they do not depend on the number of threads.
        let group = tiles < 4096 ? 12 : 48
        let itemSums = sums?.extend((tiles + group - 1) / group)
        let block = block(tiles: tiles, group: group, threads: context.threads.count)
        let vStride = matrixStride(block * ci), mStride = matrixStride(block * co)
        let origin = output - rows.lowerBound * size.width * co
        // What vanishes is read here.
        let zeros = context.buffers.take(mStride)
        zeros.pointer.update(repeating: 0, count: mStride)
        let kernels = context.kernels.table
        context.threads.forEach((tiles + block - 1) / block) { b in
            let first = b * block, count = min(block, tiles - first)
            let scratch = context.buffers.take(Self.bufferSize(places.count * vStride + 36 * mStride))
            let v = scratch.pointer, m = v + places.count * vStride
            var image = input.image
            for (i, phase) in plan.inputPhases.enumerated() {
                var tiles = ctk_tiles(
                    plan, plan.inputUnits(phase), columns: grid.columns, first: firstTile + first, count: count)
                input.withReading {
                    kernels.winograd_input(
                        &tiles, &image, geometry.padding.kernel, $0, places.matrices(i, in: v, distance: vStride), 0)
                }
            }
            for (phase, productSums) in zip(plan.outputPhases, productSums) {
                var products = [UnsafePointer<Float>?](repeating: zeros.pointer, count: 36)
                for (i, sum) in productSums.enumerated() {
                    func left(_ sum: ProductSum) -> [UnsafePointer<Float>?] {
                        sum.inputs.map { UnsafePointer(places.matrix($0, sum.xi, in: v, distance: vStride)) }
                    }
                    products[sum.xi] = UnsafePointer(m + sum.xi * mStride)
                    multiply(
                        left(sum), next: i + 1 < productSums.count ? left(productSums[i + 1])[0] : nil, rows: count,
                        u.pointer + sum.weights, into: m + sum.xi * mStride, kernels)
                }
                var tiles = ctk_tiles(
                    plan, plan.outputUnits(phase), columns: grid.columns, first: firstTile + first, count: count)
                var target = ctk_target(
                    data: origin, height: rows.upperBound, width: size.width, channels: co, row_stride: size.width * co)
                kernels.winograd_output(
                    &tiles, products, &target, bias?.pointer, itemSums?[first / group], group)
            }
        }
    }

    /// The sum of the products of the left sides, (rows x inputChannels) each, by their weights. `next` is the first of
    /// the left sides that come next.
    private func multiply(
        _ left: [UnsafePointer<Float>?], next: UnsafePointer<Float>?, rows: Int, _ weights: UnsafePointer<Float>,
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
            // What is smaller stays near the processor by itself.
            let next = rows * ci * left.count >= 12_288 ? next : nil
            var product = ctk_gemm(
                rows: rows, columns: co, segmentColumns: ci, aStride: ci, b: weights, into: result, stride: co)
            product.next_a = next
            kernels.multiply(left, product)
        }
    }
}

/// The distance between the matrices of `count` floats: the transforms walk through all of them at once, and at a power
/// of two apart they would push one another out of the caches.
func matrixStride(_ count: Int) -> Int { (count + 15) / 16 * 16 + 16 }
