import Tensors

extension GeneratorDescription.Layer.Kind {
    /// What the layer computes before its normalisation.
    var convolution: Convolution2D.Kind {
        switch self {
        case .first, .last: .strided(kernelSize: 7, padding: .reflection, pad: 3)
        case .downsampling: .strided(kernelSize: 3, stride: 2, padding: .zero, pad: 1)
        case .downsamplingReflected: .strided(kernelSize: 3, stride: 2, padding: .reflection, pad: 1)
        case .residualFirst, .residualSecond: .strided(kernelSize: 3, padding: .reflection, pad: 1)
        case .upsamplingTransposed: .transposed
        case .upsamplingResize: .doubling
        case .upsamplingBilinear: .bilinearDoubling
        }
    }
}
