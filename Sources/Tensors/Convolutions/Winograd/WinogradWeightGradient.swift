import CTensorKernels

/// The weight gradient in Winograd's domain: dU = V^T dM for each product of the plan, then G^T dU G.
/// - Parameters:
///   - plan: the form's.
///   - x: (N, H, W, inputChannels).
///   - gradient: with respect to the output, (N, H', W', outputChannels).
/// - Returns: the form's `weightShape`.
func winogradWeightGradient(
    _ form: ConvolutionForm, _ plan: WinogradPlan, _ x: Tensor, _ gradient: Tensor
) -> Tensor {
    let context = x.context
    let (ci, co) = (form.inputChannels, form.outputChannels)
    let (h, w) = (gradient.shape.h, gradient.shape.w)
    let grid = plan.grid(height: h, width: w), tiles = grid.rows * grid.columns
    let vPlaces = ElementPlaces(plan.products.map { (phase: $0.input, xi: $0.xi) })
    let dmPlaces = ElementPlaces(plan.products.map { (phase: $0.output, xi: $0.xi) })
    // As many tiles at a time as keep each side within its limit.
    let chunk = min(tiles, max(12, context.tuning.mostFloatsOfTiles / max(vPlaces.count * ci, dmPlaces.count * co)))
    let vStride = matrixStride(chunk * panelChannels(ci)), dmStride = matrixStride(chunk * panelChannels(co))
    let v = context.buffers.take(vPlaces.count * vStride), dm = context.buffers.take(dmPlaces.count * dmStride)
    let duStride = matrixStride(panelChannels(co) * ci)
    let du = context.buffers.take(plan.products.count * duStride)
    let kernels = context.kernels.table
    var first = true
    for n in 0..<x.shape.n {
        let input = Band(x, image: n)
        for start in stride(from: 0, to: tiles, by: chunk) {
            let count = min(chunk, tiles - start)
            context.threads.inChunks(count) { part in
                let row = part.lowerBound * Int(CTK_PANEL)
                var image = input.image
                for (i, phase) in plan.inputPhases.enumerated() {
                    var tiles = ctk_tiles(
                        plan, plan.inputUnits(phase), columns: grid.columns, first: start + part.lowerBound,
                        count: part.count)
                    input.withReading {
                        kernels.winograd_input(
                            &tiles, &image, form.geometry.padding.kernel, $0,
                            vPlaces.matrices(i, in: v.pointer + row, distance: vStride), chunk)
                    }
                }
                for (o, phase) in plan.outputPhases.enumerated() {
                    var tiles = ctk_tiles(
                        plan, plan.outputUnits(phase), columns: grid.columns, first: start + part.lowerBound,
                        count: part.count)
                    var image = Band(gradient, image: n).image
                    kernels.winograd_output_adjoint(
                        &tiles, &image, dmPlaces.matrices(o, in: dm.pointer + row, distance: dmStride), chunk)
                }
            }
            let accumulates: CInt = first ? 0 : 1
            context.threads.forEach(plan.products.count) { i in
                let product = plan.products[i]
                var matrices = ctk_gemm_transposed(
                    m: ci, n: co, k: count,
                    a: vPlaces.matrix(product.input, product.xi, in: v.pointer, distance: vStride),
                    b: dmPlaces.matrix(product.output, product.xi, in: dm.pointer, distance: dmStride),
                    panel_rows: chunk, c: du.pointer + i * duStride, accumulates: accumulates)
                kernels.gemm_transposed(&matrices)
            }
            first = false
        }
    }
    let result = Tensor.zeros(form.weightShape, in: context)
    for (o, output) in plan.outputPhases.enumerated() {
        for (i, input) in plan.inputPhases.enumerated() {
            var matrices = [UnsafePointer<Float>?](repeating: nil, count: 36)
            for (p, product) in plan.products.enumerated() where product.output == o && product.input == i {
                matrices[product.xi] = UnsafePointer(du.pointer + p * duStride)
            }
            plan.window(output, input, form.layout).withKernelWindow { window in
                context.threads.forEachPanel(co) { outputs in
                    var channels = ctk_channels(
                        inputs: ci, outputs: co, first: outputs.lowerBound, last: outputs.upperBound)
                    kernels.winograd_weights_adjoint(matrices, window, &channels, result.pointer)
                }
            }
        }
    }
    return result
}

/// Channels of whole panels.
private func panelChannels(_ channels: Int) -> Int { (channels + Int(CTK_PANEL) - 1) / Int(CTK_PANEL) * Int(CTK_PANEL) }
