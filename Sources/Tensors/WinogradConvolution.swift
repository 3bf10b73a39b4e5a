import COpenBLAS
import CTensorKernels

/// 3x3 or 4x4, stride 1, by Winograd's minimal filtering (Lavin and Gray 2015): the multiplications of a tile as a product of
/// (tiles x inputChannels) by (inputChannels x outputChannels) for each of its transformed elements. F(4x4,3x3) and F(3x3,4x4)
/// take a quarter of the direct ones and 4 (2.25) times the weights' memory, F(6x6,3x3) a fifth and 7.1 times.
public final class WinogradConvolution: Convolution {
    public let inputChannels, outputChannels: Int
    public var rowAlignment: Int { tile }
    public var weightBytes: Int { 4 * u.count }
    let kernelSize: Int
    let padding: Padding
    let pad: Int
    /// Outputs of a tile, a side.
    private let tile: Int
    /// Transformed elements of a tile, and with them products.
    private let elements: Int
    private let bias: Buffer?
    /// Transformed weights: packed for our own kernel, or u[xi][ci][co] for OpenBLAS.
    private let u: Buffer
    private let uStride: Int
    private let usesOpenBLAS: Bool

    /// - Parameters:
    ///   - weight: (outputChannels, inputChannels, kernelSize, kernelSize), PyTorch's order.
    ///   - bias: outputChannels values; leave it out before an instance normalisation, which cancels it.
    ///   - kernelSize: 3 or 4.
    ///   - tile: outputs of a tile, a side: 7 - kernelSize if not given, or for 3x3 kernels 6.
    ///   - pad: rows and columns of padding on each side.
    ///   - adjoint: take the weights of the adjoint convolution: channels swapped, taps turned by 180 degrees; then
    ///     `weight` is (inputChannels, outputChannels, kernelSize, kernelSize).
    public init(
        weight: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, inputChannels ci: Int, outputChannels co: Int,
        kernelSize: Int = 3, tile: Int? = nil, padding: Padding, pad: Int = 1, adjoint: Bool = false
    ) {
        let tile = tile ?? 7 - kernelSize
        precondition(Self.kernelSizes.contains(kernelSize) && (tile == 7 - kernelSize || (kernelSize, tile) == (3, 6)))
        let elements = (tile + kernelSize - 1) * (tile + kernelSize - 1)
        (self.tile, self.elements) = (tile, elements)
        (inputChannels, outputChannels, self.kernelSize, self.padding, self.pad) = (ci, co, kernelSize, padding, pad)
        self.bias = bias.map { copy($0, count: co) }
        let kernels = Kernels.current.pointee
        // Without wide registers of our own, OpenBLAS's kernels for the processor at hand are the better ones.
        let usesOpenBLAS = Kernels.name == "portable"
        let uStride = spread(usesOpenBLAS ? ci * co : ctk_packed_size(ci, co))
        let u = BufferPool.shared.take(elements * uStride)
        (self.usesOpenBLAS, self.uStride, self.u) = (usesOpenBLAS, uStride, u)
        let taps = kernelSize * kernelSize
        inChunks(ci) { rows in
            kernels.winograd_weights(
                kernelSize, tile, weight, ci, rows.lowerBound, rows.upperBound, co, adjoint ? co * taps : taps,
                adjoint ? taps : ci * taps, adjoint ? 1 : 0, usesOpenBLAS ? 0 : 1, u.pointer, uStride)
        }
    }

    /// The kernels that there is a transform for.
    static let kernelSizes = 3...4

    public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        (height + 2 * pad - kernelSize + 1, width + 2 * pad - kernelSize + 1)
    }

    public func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
        // Whole tiles are read, also where the last one sticks out.
        let whole = rows.lowerBound..<(rows.upperBound + tile - 1) / tile * tile
        return window(whole, stride: 1, offset: -pad, taps: kernelSize, height: height)
    }

    /// Tiles transformed, multiplied and transformed back at a time: so many that both sides of the products stay in the L2
    /// cache; where not even two rows of the kernel's registers do, so many that the weights are read seldom.
    private func block(tiles: Int, channels: Int, threads: Int) -> Int {
        let cached = 131_072 / (elements * channels) / 6 * 6
        if cached >= 12 { return min(cached, 48) }
        // As many blocks on each thread, none larger than 128.
        let blocks = (tiles + 128 * threads - 1) / (128 * threads) * threads
        return max(12, (tiles + blocks - 1) / blocks)
    }

    public func compute(_ input: Band, rows: Range<Int>, into output: UnsafeMutablePointer<Float>, sums: ChannelSums?) {
        precondition(input.channels == inputChannels && rows.lowerBound % tile == 0)
        let size = outputSize(height: input.height, width: input.width)
        let tilesX = (size.width + tile - 1) / tile
        let firstTile = rows.lowerBound / tile * tilesX, tiles = (rows.count + tile - 1) / tile * tilesX
        let pool = ThreadPool.shared
        let block = block(tiles: tiles, channels: inputChannels + outputChannels, threads: pool.threads)
        let blocks = (tiles + block - 1) / block
        let kernels = Kernels.current.pointee
        let itemSums = sums?.extend(blocks)
        let (ci, co) = (inputChannels, outputChannels)
        let vStride = spread(block * ci), mStride = spread(block * co)
        let origin = output - rows.lowerBound * size.width * co
        pool.forEach(blocks) { b in
            let first = b * block, count = min(block, tiles - first)
            let v = BufferPool.shared.take(elements * vStride), m = BufferPool.shared.take(elements * mStride)
            var image = input.image
            input.withReading {
                kernels.winograd_input(
                    kernelSize, tile, &image, padding.kernel, pad, $0, tilesX, firstTile + first, count, v.pointer, vStride)
            }
            for xi in 0..<elements {
                if usesOpenBLAS {
                    cblas_sgemm(
                        CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(count), Int32(co), Int32(ci), 1,
                        v.pointer + xi * vStride, Int32(ci), u.pointer + xi * uStride, Int32(co), 0,
                        m.pointer + xi * mStride, Int32(co))
                } else {
                    var a: UnsafePointer<Float>? = UnsafePointer(v.pointer + xi * vStride)
                    // What is smaller stays near the processor by itself.
                    let next = count * ci >= 12_288 && xi + 1 < elements ? UnsafePointer(v.pointer + (xi + 1) * vStride) : nil
                    kernels.gemm(
                        1, 0, 0, count, co, 1, ci, &a, ci, u.pointer + xi * uStride, m.pointer + xi * mStride, co, nil, 0, next)
                }
            }
            kernels.winograd_output(
                kernelSize, tile, m.pointer, mStride, rows.upperBound, size.width, co, tilesX, firstTile + first, count, bias?.pointer,
                origin, size.width * co, itemSums?[b])
        }
    }
}

/// The distance between matrices of `count` floats, one for each transformed element: the transforms walk through all of them at once, and at a power of
/// two apart they would push one another out of the caches.
func spread(_ count: Int) -> Int { (count + 15) / 16 * 16 + 16 }

/// Calls `body` with parts of 0..<count, on all threads.
func inChunks(_ count: Int, atLeast smallest: Int = 8, _ body: (Range<Int>) -> Void) {
    let pool = ThreadPool.shared
    let chunk = max(smallest, (count + 4 * pool.threads - 1) / (4 * pool.threads))
    pool.forEach((count + chunk - 1) / chunk) { i in body(i * chunk..<min(count, (i + 1) * chunk)) }
}

/// A buffer with a copy of the values.
func copy(_ values: UnsafePointer<Float>, count: Int) -> Buffer {
    let buffer = BufferPool.shared.take(count)
    buffer.pointer.update(from: values, count: count)
    return buffer
}
