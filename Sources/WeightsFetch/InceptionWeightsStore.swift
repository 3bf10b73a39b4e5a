import Foundation
import Networks
import Weights

/// The Inception network's weights on this machine, beside VGG16's: where they are kept, and how a file becomes ours.
package enum InceptionWeightsStore {
    package static let fileName = "inception.safetensors"

    /// The file to use; nil where there is none.
    package static func installed() -> String? {
        FeatureWeightsStore.folders.map { $0 + "/" + fileName }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Keeps the network of pytorch-fid's file, or the part of it that a file has, without the classes.
    /// - Returns: the path written, and how many features the network has at its deepest.
    /// - Throws: `WeightsError` where it is another network.
    @discardableResult
    package static func importFile(_ path: String, into folder: String) throws -> (path: String, dimensions: Int) {
        let file = try WeightsFile.read(path)
        let tap = try InceptionV3Layers.deepestTap(file) ?? .firstMaxPool
        try InceptionV3Layers.validate(file, tap: tap)
        let tensors = try InceptionV3Layers.tensorShapes(to: tap).map {
            ($0.key, $0.shape, try file.floats($0.key, shape: $0.shape))
        }
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw WeightsError(path: folder, "cannot be made: \(error.localizedDescription)")
        }
        var metadata = file.metadata
        metadata["dimensions"] = String(tap.rawValue)
        let target = folder + "/" + fileName
        try Safetensors.write(target, tensors: tensors, metadata: metadata)
        return (target, tap.rawValue)
    }
}
