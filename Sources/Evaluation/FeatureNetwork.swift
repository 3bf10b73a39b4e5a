import Networks
import Tensors
import Weights

/// Which network describes the images, and what the distances on it are called: only Inception's are FID and KID.
package enum FeatureNetwork {
    case inception(InceptionFeatures)
    case vgg16(PooledVGG16Features)

    /// The network of a file: the content decides. Throws `WeightsError` where it is neither, or has not the dimensions
    /// asked for.
    /// - Parameter dimensions: of Inception; nil for as many as the file has.
    package init(
        _ path: String, dimensions: InceptionV3Layers.Tap?, mode: InceptionMode,
        in context: ComputeContext = .default
    ) throws {
        let file = try WeightsFile.read(path)
        let isVGG16 = file.tensors["features.0.weight"] != nil
        if isVGG16, dimensions == nil {
            self = .vgg16(try PooledVGG16Features(file, in: context))
            return
        }
        if isVGG16 {
            throw WeightsError(
                path: path,
                "is VGG16, which has no dimensions to choose from; leave --dims out, or name Inception's weights")
        }
        let tap = try dimensions ?? InceptionV3Layers.deepestTap(file) ?? .mixed7c
        self = .inception(InceptionFeatures(try .init(file, tap: tap, in: context), mode: mode))
    }

    package var extractor: any FeatureExtractor {
        switch self {
        case .inception(let features): features
        case .vgg16(let features): features
        }
    }

    package var isInception: Bool { if case .inception = self { true } else { false } }
    package var frechetName: String { isInception ? "FID" : "Fréchet distance on VGG16 features" }
    package var kernelName: String { isInception ? "KID" : "kernel distance on VGG16 features" }

    /// What the images are described by.
    package var description: String {
        switch self {
        case .inception(let features):
            "Inception of the FID, \(features.dimensions) dimensions, images resized as "
                + "\(features.mode == .clean ? "clean-fid" : "pytorch-fid") does"
        case .vgg16(let features):
            "VGG16, mean and deviation of relu1_2, relu2_2 and relu3_3, \(features.dimensions) dimensions; no FID, "
                + "which needs Inception's weights ('cyclegan-style weights fetch inception')"
        }
    }
}
