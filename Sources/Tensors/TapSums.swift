import CTensorKernels

/// Which of a kernel's taps are summed in each tap of a product, and where the weights stand.
struct TapSums {
    private let layout: WeightLayout
    private let counts: [CInt]
    private let sources: [CInt]
    private let scale: Float

    /// The taps of a phase: all pairs of its rows and columns, each sum times `scale`.
    init(_ layout: WeightLayout, rows: [[Int]], columns: [[Int]], scale: Float) {
        (self.layout, self.scale) = (layout, scale)
        let taps = rows.flatMap { rows in
            columns.map { columns in
                rows.flatMap { y in columns.map { x in CInt(layout.offset(y, x, 0, 0)) } }
            }
        }
        counts = taps.map { CInt($0.count) }
        sources = taps.flatMap { $0 }
    }

    var count: Int { counts.count }

    func withKernelTaps(_ body: (UnsafePointer<ctk_taps>) -> Void) {
        counts.withUnsafeBufferPointer { counts in
            sources.withUnsafeBufferPointer { sources in
                var taps = ctk_taps(
                    count: counts.count, source_counts: counts.baseAddress, sources: sources.baseAddress, scale: scale,
                    input_stride: layout.inputStride, output_stride: layout.outputStride,
                    kernel_taps: layout.kernelSize * layout.kernelSize)
                body(&taps)
            }
        }
    }
}

/// Packs a phase's weights, (taps * inputChannels) x outputChannels, for the product.
func packWeights(
    _ weight: UnsafePointer<Float>, _ taps: TapSums, inputChannels ci: Int, outputChannels co: Int,
    _ context: ComputeContext
) -> Buffer {
    let k = taps.count * ci
    let packed = context.buffers.take(ctk_packed_size(k, co))
    taps.withKernelTaps { taps in
        context.threads.forEachPanel(co) { outputs in
            ctk_pack_taps(weight, taps, ci, outputs.lowerBound, outputs.count, packed.pointer + outputs.lowerBound * k)
        }
    }
    return packed
}

/// Adds a phase's dense gradient, (taps * inputChannels) x outputChannels, to the weights' gradient.
func addTaps(
    _ dense: Buffer, _ taps: TapSums, inputChannels ci: Int, outputChannels co: Int,
    to weight: UnsafeMutablePointer<Float>, _ context: ComputeContext
) {
    taps.withKernelTaps { taps in
        context.threads.forEachPanel(co) { outputs in
            ctk_add_taps(dense.pointer, taps, ci, co, outputs.lowerBound, outputs.count, weight)
        }
    }
}
