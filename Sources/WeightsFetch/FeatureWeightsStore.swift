import Foundation
import Installation
import Networks
import Weights

/// VGG16's weights on this machine: where they are kept, and how a file becomes ours.
package enum FeatureWeightsStore {
    package static let fileName = "vgg16.safetensors"
    /// Names the folder, before all others.
    package static let environmentVariable = "CYCLEGAN_STYLE_WEIGHTS"
    private static let systemFolder = "/var/lib/cyclegan-styled/weights"

    /// Where weights are looked for, in this order.
    package static var folders: [String] {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment[environmentVariable], !folder.isEmpty { return [folder] }
        let data = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.local/share"
        return [data + "/cyclegan-style/weights", systemFolder]
    }

    /// Where new ones go: for root the system's folder, so that the service finds them.
    package static var folder: String { geteuid() == 0 ? folders.last! : folders[0] }

    /// The file that was fetched or imported; nil where there is none.
    package static func installed() -> String? {
        folders.map { $0 + "/" + fileName }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// The file to use: what was fetched or imported, else the one that ships; nil where neither is there.
    package static func available() -> String? { installed() ?? ShippedWeights.vgg16.path() }

    /// Up to conv4_3, where the deepest tap is.
    private static let deepestLayer = 10

    /// What a person should know of a file that is taken in place of the published one; nil where it is that one.
    /// - Throws: `WeightsError`
    package static func remarkOnOrigin(_ path: String, published: RemoteWeights = .vgg16) throws -> String? {
        guard let found = try PartialFile.sha256(ofFile: path), found != published.sha256 else { return nil }
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? nil
        let seemsPublished =
            size == published.byteCount || path.hasSuffix("/" + published.fileName) || path == published.fileName
        return "\(path) is not \(published.fileName) (its SHA-256 is \(found)); its weights are used as they are"
            + (seemsPublished
                ? ". If it is meant to be that file, it is damaged: "
                    + "'cyclegan-style weights fetch \(published.name)' gets a sound one"
                : "")
    }

    /// Keeps the layers that training can use (up to conv4_3) of a PyTorch or safetensors file with torchvision's keys.
    /// - Returns: the path written, and the last layer that the file had.
    /// - Throws: `WeightsError` naming what is missing or misshapen.
    @discardableResult
    package static func importFile(_ path: String, into folder: String) throws -> (path: String, lastLayer: String) {
        let file = try WeightsFile.read(path)
        try VGG16Layers.validate(file)
        let layers = VGG16Layers.convolutions.prefix(deepestLayer)
        // Files that hold only a part must hold at least what the shallowest tap needs.
        let required = 2
        var tensors: [(name: String, shape: [Int], values: [Float])] = [], last = ""
        for (position, layer) in layers.enumerated() {
            let weight = "features.\(layer.index).weight", bias = "features.\(layer.index).bias"
            if position >= required, file.tensors[weight] == nil { break }
            let shape = [layer.output, layer.input, 3, 3]
            tensors.append((weight, shape, try file.floats(weight, shape: shape)))
            tensors.append((bias, [layer.output], try file.floats(bias, shape: [layer.output])))
            last = layer.name
        }
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw WeightsError(path: folder, "cannot be made: \(error.localizedDescription)")
        }
        var metadata = file.metadata
        metadata["layers"] = "VGG16 to \(last)"
        let target = folder + "/" + fileName
        try Safetensors.write(target, tensors: tensors, metadata: metadata)
        return (target, last)
    }
}
