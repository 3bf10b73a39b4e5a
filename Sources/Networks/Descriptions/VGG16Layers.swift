import Weights

/// VGG16's convolutions as torchvision numbers them: which files hold that network.
package enum VGG16Layers {
    package typealias Layer = (index: Int, name: String, input: Int, output: Int)

    /// In the order in which the network runs them; the tensors are `features.INDEX.weight` and `.bias`.
    package static let convolutions: [Layer] = [
        (0, "conv1_1", 3, 64), (2, "conv1_2", 64, 64), (5, "conv2_1", 64, 128), (7, "conv2_2", 128, 128),
        (10, "conv3_1", 128, 256), (12, "conv3_2", 256, 256), (14, "conv3_3", 256, 256), (17, "conv4_1", 256, 512),
        (19, "conv4_2", 512, 512), (21, "conv4_3", 512, 512), (24, "conv5_1", 512, 512), (26, "conv5_2", 512, 512),
        (28, "conv5_3", 512, 512),
    ]

    /// Throws a `WeightsError` where the file is another network, whose first layers may well have the same shapes.
    package static func validate(_ file: WeightsFile) throws {
        func refusal(_ what: String) -> WeightsError {
            WeightsError(path: file.path) { called in
                "\(what); take torchvision's vgg16 (\(called(.published("vgg16")))), or safetensors with its keys"
            }
        }
        let numbers = file.tensors.keys.compactMap { key -> Int? in
            let parts = key.split(separator: ".")
            return parts.count == 3 && parts[0] == "features" && parts[2] == "weight" ? Int(parts[1]) : nil
        }
        guard !numbers.isEmpty else {
            let names = file.tensors.keys.sorted().prefix(4).map(quoted).joined(separator: ", ")
            throw refusal(
                "is not VGG16 with torchvision's keys (\"features.0.weight\" ...): its tensors are \(names) ...")
        }
        let known = Set(convolutions.map(\.index))
        if let other = numbers.filter({ !known.contains($0) }).min() {
            throw refusal(
                "has \"features.\(other).weight\", which VGG16 has not: it is another network, such as VGG-19 or one "
                    + "with batch normalisation")
        }
    }
}
