import Foundation
import Weights

/// VGG16's weights on this machine: where they are kept, and how a file becomes ours.
public enum FeatureWeightsStore {
    public static let fileName = "vgg16.safetensors"
    /// Names the folder, before all others.
    public static let environmentVariable = "CYCLEGAN_STYLE_WEIGHTS"
    private static let systemFolder = "/var/lib/cyclegan-styled/weights"

    /// Where weights are looked for, in this order.
    public static var folders: [String] {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment[environmentVariable], !folder.isEmpty { return [folder] }
        let data = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.local/share"
        return [data + "/cyclegan-style/weights", systemFolder]
    }

    /// Where new ones go: for root the system's folder, so that the service finds them.
    public static var folder: String { geteuid() == 0 ? folders.last! : folders[0] }

    /// The file to use; nil where there is none.
    public static func installed() -> String? {
        folders.map { $0 + "/" + fileName }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Keeps the layers that training can use (up to conv4_3) of a PyTorch or safetensors file with torchvision's keys.
    /// - Returns: the path written, and the last layer that the file had.
    /// - Throws: `WeightsError` naming what is missing or misshapen.
    @discardableResult
    public static func importFile(_ path: String, into folder: String) throws -> (path: String, lastLayer: String) {
        let file = try isSafetensors(path) ? Safetensors.read(path) : PyTorchCheckpoint.read(path)
        let layers: [(index: Int, name: String, input: Int, output: Int)] = [
            (0, "conv1_1", 3, 64), (2, "conv1_2", 64, 64), (5, "conv2_1", 64, 128), (7, "conv2_2", 128, 128),
            (10, "conv3_1", 128, 256), (12, "conv3_2", 256, 256), (14, "conv3_3", 256, 256), (17, "conv4_1", 256, 512),
            (19, "conv4_2", 512, 512), (21, "conv4_3", 512, 512),
        ]
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

    /// PyTorch's containers begin with a zip signature or a pickle's protocol; safetensors with a length, whose upper bytes
    /// are 0 in any file that fits a memory.
    private static func isSafetensors(_ path: String) throws -> Bool {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw WeightsError(path: path, "cannot be read") }
        defer { try? handle.close() }
        let bytes = [UInt8]((try? handle.read(upToCount: 8)) ?? Data())
        return bytes.count == 8 && bytes[5...].allSatisfy { $0 == 0 }
    }
}
