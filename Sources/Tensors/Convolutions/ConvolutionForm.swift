/// The ways to compute a convolution. Each has a folder with the convolution itself, which of an adjoint form is the
/// gradient with respect to the input, and beside it the gradient with respect to the weight; `ReferenceConvolution` is
/// what all of them are held against.
enum ConvolutionAlgorithm: Sendable {
    /// Winograd's minimal filtering.
    case winograd
    /// Products of overlapping rows.
    case direct
    /// For few output channels.
    case narrow
}

/// A convolution without its weights: which pixels and weights each output takes. Made once a layer.
struct ConvolutionForm: Sendable {
    let geometry: ConvolutionGeometry
    let layout: WeightLayout
    let inputChannels, outputChannels: Int
    /// The parameter's shape, in PyTorch's order.
    let weightShape: Shape
    /// Nil where the window has no minimal filtering.
    let plan: WinogradPlan?

    private init(
        _ geometry: ConvolutionGeometry, _ layout: WeightLayout, inputChannels: Int, outputChannels: Int,
        weightShape: Shape
    ) {
        (self.geometry, self.layout, self.weightShape) = (geometry, layout, weightShape)
        (self.inputChannels, self.outputChannels) = (inputChannels, outputChannels)
        plan = WinogradPlan(geometry)
    }

    init(_ kind: Convolution2D.Kind, inputChannels ci: Int, outputChannels co: Int) {
        let geometry: ConvolutionGeometry
        switch kind {
        case .strided(let k, let stride, let padding, let pad):
            geometry = .strided(kernelSize: k, stride: stride, padding: padding, pad: pad)
        case .transposed: geometry = .transposed(kernelSize: 3, pad: 1)
        case .doubling: geometry = .doubling
        case .bilinearDoubling: geometry = .bilinearDoubling
        }
        let k = geometry.kernelSize
        if kind == .transposed {
            self.init(
                geometry, .inputOutput(ci, co, height: k, width: k), inputChannels: ci, outputChannels: co,
                weightShape: Shape(ci, co, k, k))
        } else {
            self.init(
                geometry, .outputInput(ci, co, height: k, width: k), inputChannels: ci, outputChannels: co,
                weightShape: Shape(co, ci, k, k))
        }
    }

    /// The gradient of another form with respect to its input, up to its padding: a convolution of the output's
    /// gradient with the same weights, the roles of the channels exchanged. Nil for strides above 2.
    init?(adjointOf kind: Convolution2D.Kind, _ form: ConvolutionForm) {
        var layout = form.layout.exchanged
        let geometry: ConvolutionGeometry
        switch kind {
        case .strided(let k, 1, let padding, let pad):
            layout.flipped = true
            geometry = .strided(kernelSize: k, stride: 1, padding: .zero, pad: padding == .zero ? k - 1 - pad : k - 1)
        case .strided(let k, 2, let padding, let pad):
            geometry = .transposed(kernelSize: k, pad: padding == .zero ? pad : 0)
        case .strided: return nil
        case .transposed: geometry = .strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1)
        case .doubling: geometry = .doublingAdjoint
        case .bilinearDoubling: geometry = .bilinearDoublingAdjoint
        }
        self.init(
            geometry, layout, inputChannels: form.outputChannels, outputChannels: form.inputChannels,
            weightShape: form.weightShape)
    }

    /// The window of one of the geometry's phases.
    func window(_ phase: (row: ConvolutionGeometry.Axis, column: ConvolutionGeometry.Axis)) -> Window {
        Window(layout, rows: phase.row.cells, columns: phase.column.cells, scale: geometry.cellScale)
    }

    /// The fastest for weights that stay.
    var bestAlgorithm: ConvolutionAlgorithm {
        if geometry.stride == 1, geometry.upscale == 1, outputChannels <= 4, inputChannels >= 8 { return .narrow }
        // Fewer channels do not make up for the transforms and for their larger rounding errors.
        return plan != nil && min(inputChannels, outputChannels) >= 8 ? .winograd : .direct
    }

    /// The fastest for weights that change with each step: where an output has few tiles, phases are not worth their
    /// transforms.
    func algorithm(outputHeight: Int, width: Int, _ tuning: Tuning) -> ConvolutionAlgorithm {
        let best = bestAlgorithm
        guard best == .winograd, let plan, plan.stride * plan.upscale > 1 else { return best }
        let grid = plan.grid(height: outputHeight, width: width)
        return grid.rows * grid.columns < tuning.leastPhaseTiles ? .direct : .winograd
    }

    /// The convolution with its weights packed.
    /// - Parameters:
    ///   - weight: laid out as `layout` says.
    ///   - bias: outputChannels values.
    func packed(
        by algorithm: ConvolutionAlgorithm, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        in context: ComputeContext
    ) -> any PackedConvolution {
        switch algorithm {
        case .winograd: WinogradConvolution(self, plan!, weight: weight, bias: bias, in: context)
        case .direct: DirectConvolution(self, weight: weight, bias: bias, in: context)
        case .narrow: NarrowConvolution(self, weight: weight, bias: bias, in: context)
        }
    }

    /// The gradient with respect to the weight, `weightShape`.
    /// - Parameters:
    ///   - x: (N, H, W, inputChannels).
    ///   - gradient: with respect to the output, (N, H', W', outputChannels).
    func weightGradient(by algorithm: ConvolutionAlgorithm, _ x: Tensor, _ gradient: Tensor) -> Tensor {
        switch algorithm {
        case .winograd: winogradWeightGradient(self, plan!, x, gradient)
        case .direct: directWeightGradient(self, x, gradient)
        case .narrow: narrowWeightGradient(self, x, gradient)
        }
    }
}
