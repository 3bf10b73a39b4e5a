import CTensorKernels

/// The window of a phase: which of the kernel's taps are summed in each of its cells, and where the weights stand.
struct Window {
    private let layout: WeightLayout
    private let tapCounts: [CInt]
    private let taps: [CInt]
    private let scale: Float

    /// - Parameters:
    ///   - rows: for each row of cells the kernel's rows that are summed there; columns alike.
    ///   - scale: of every cell's sum.
    init(_ layout: WeightLayout, rows: [[Int]], columns: [[Int]], scale: Float) {
        (self.layout, self.scale) = (layout, scale)
        let cells = rows.flatMap { rows in
            columns.map { columns in
                rows.flatMap { y in columns.map { x in CInt(layout.offset(y, x, 0, 0)) } }
            }
        }
        tapCounts = cells.map { CInt($0.count) }
        taps = cells.flatMap { $0 }
    }

    var cells: Int { tapCounts.count }

    /// Calls `body` with the window as the kernels take it.
    func withKernelWindow(_ body: (UnsafePointer<ctk_window>) -> Void) {
        tapCounts.withUnsafeBufferPointer { tapCounts in
            taps.withUnsafeBufferPointer { taps in
                var window = ctk_window(
                    cells: tapCounts.count, tap_counts: tapCounts.baseAddress, taps: taps.baseAddress, scale: scale,
                    input_stride: layout.inputStride, output_stride: layout.outputStride, kernel_taps: layout.tapCount)
                body(&window)
            }
        }
    }

    /// Packs weights for the product.
    /// - Parameter weight: laid out as the window's `layout` says.
    /// - Returns: (cells * inputChannels) x outputChannels, in panels.
    func pack(
        _ weight: UnsafePointer<Float>, inputChannels ci: Int, outputChannels co: Int, in context: ComputeContext
    ) -> Buffer {
        let k = cells * ci
        let packed = context.buffers.take(ctk_packed_size(k, co))
        withKernelWindow { window in
            context.threads.forEachPanel(co) { outputs in
                ctk_pack_window(
                    weight, window, ci, outputs.lowerBound, outputs.count, packed.pointer + outputs.lowerBound * k)
            }
        }
        return packed
    }

    /// The adjoint of packing.
    /// - Parameters:
    ///   - dense: a gradient, (cells * inputChannels) x outputChannels, row after row.
    ///   - weight: the weights' gradient, which it is added to.
    func add(
        _ dense: Buffer, inputChannels ci: Int, outputChannels co: Int, to weight: UnsafeMutablePointer<Float>,
        in context: ComputeContext
    ) {
        withKernelWindow { window in
            context.threads.forEachPanel(co) { outputs in
                ctk_add_window(dense.pointer, window, ci, co, outputs.lowerBound, outputs.count, weight)
            }
        }
    }
}
