import CTensorKernels

/// The weight gradient in Winograd's domain: dU = V^T dM for each product of the plan, then G^T dU G.
func winogradWeightGradient(_ x: Tensor, _ gradient: Tensor, _ operation: Convolution2D, _ plan: WinogradPlan) -> Tensor {
    let (ci, co) = (operation.inputChannels, operation.outputChannels)
    let (h, w) = (gradient.shape.h, gradient.shape.w)
    let side = plan.tile * plan.upscale, tilesX = (w + side - 1) / side, tiles = tilesX * ((h + side - 1) / side)
    let (inputPhases, outputPhases) = (plan.inputPhases, plan.outputPhases)
    /// Element xi of an output phase's tiles by that of an input phase's.
    struct Product {
        var xi, output, input: Int
    }
    let products = (0..<36).flatMap { xi in
        outputPhases.indices.flatMap { o in
            inputPhases.indices.compactMap { i in
                plan.hasProduct(xi, outputPhases[o], inputPhases[i]) ? Product(xi: xi, output: o, input: i) : nil
            }
        }
    }
    // As many tiles at a time as keep each side within 64 MB.
    let chunk = min(tiles, max(64, (1 << 24) / (36 * max(inputPhases.count * ci, outputPhases.count * co))))
    let v = Elements(products.map { $0.input * 36 + $0.xi }, phases: inputPhases.count, rows: chunk, channels: ci)
    let dm = Elements(products.map { $0.output * 36 + $0.xi }, phases: outputPhases.count, rows: chunk, channels: co)
    let duStride = spread(panelChannels(co) * ci)
    let du = BufferPool.shared.take(products.count * duStride)
    let kernels = Kernels.current.pointee
    var first = true
    for n in 0..<x.shape.n {
        let input = Band(x, image: n)
        for start in stride(from: 0, to: tiles, by: chunk) {
            let count = min(chunk, tiles - start)
            inChunks(count) { part in
                var image = input.image
                for (i, phase) in inputPhases.enumerated() {
                    var units = plan.inputUnits(phase)
                    input.withReading {
                        kernels.winograd_input(
                            plan.taps, &image, operation.geometry.padding.kernel, &units, $0, tilesX, start + part.lowerBound,
                            part.count, v.pointers(phase: i, row: part.lowerBound), chunk)
                    }
                }
                for (o, phase) in outputPhases.enumerated() {
                    var units = plan.outputUnits(phase)
                    kernels.winograd_output_adjoint(
                        plan.taps, gradient.pointer + n * h * w * co, h, w, co, &units, tilesX, start + part.lowerBound,
                        part.count, dm.pointers(phase: o, row: part.lowerBound), chunk)
                }
            }
            let accumulates: CInt = first ? 0 : 1
            ThreadPool.shared.forEach(products.count) { i in
                let product = products[i]
                kernels.gemm_transposed(
                    ci, co, count, v[product.input, product.xi], dm[product.output, product.xi], chunk,
                    du.pointer + i * duStride, accumulates)
            }
            first = false
        }
    }
    let result = Tensor.zeros(operation.weightShape)
    for (o, output) in outputPhases.enumerated() {
        for (i, input) in inputPhases.enumerated() {
            var matrices = [UnsafePointer<Float>?](repeating: nil, count: 36)
            for (p, product) in products.enumerated() where product.output == o && product.input == i {
                matrices[product.xi] = UnsafePointer(du.pointer + p * duStride)
            }
            plan.taps(output, input, operation.layout).withKernelTaps { taps in
                forEachPanel(co) { outputs in
                    kernels.winograd_weights_adjoint(matrices, taps, ci, outputs.lowerBound, outputs.upperBound, result.pointer)
                }
            }
        }
    }
    return result
}

/// Channels of whole panels.
private func panelChannels(_ channels: Int) -> Int { (channels + Int(CTK_PANEL) - 1) / Int(CTK_PANEL) * Int(CTK_PANEL) }

/// Matrices (rows x channels), in panels, for the elements of phases' tiles that have a part in some product.
private struct Elements {
    private let places: [Int?]
    private let distance: Int
    private let buffer: Buffer

    /// - Parameter used: phase * 36 + xi, any number of times.
    init(_ used: [Int], phases: Int, rows: Int, channels: Int) {
        var places = [Int?](repeating: nil, count: 36 * phases)
        for (place, element) in Set(used).sorted().enumerated() { places[element] = place }
        self.places = places
        distance = spread(rows * panelChannels(channels))
        buffer = BufferPool.shared.take(Set(used).count * distance)
    }

    subscript(phase: Int, xi: Int) -> UnsafeMutablePointer<Float> { buffer.pointer + places[phase * 36 + xi]! * distance }

    /// For the kernels: the phase's 36 from a row on, null where there is none.
    func pointers(phase: Int, row: Int) -> [UnsafeMutablePointer<Float>?] {
        places[phase * 36..<phase * 36 + 36].map { $0.map { buffer.pointer + $0 * distance + row * Int(CTK_PANEL) } }
    }
}
