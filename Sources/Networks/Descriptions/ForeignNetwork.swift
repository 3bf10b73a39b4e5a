import Weights

/// Networks that people take for the original project's generator, told apart so that the error can name the remedy.
enum ForeignNetwork {
    private static let remedy = "import the generator that the original project saves as latest_net_G.pth"

    /// Why a file without a generator is refused.
    static func refusal(of file: WeightsFile) -> WeightsError {
        let shapes = file.tensors.mapValues(\.shape)
        func has(_ suffix: String, _ matches: ([Int]) -> Bool) -> Bool {
            shapes.contains { ($0.key == suffix || $0.key.hasSuffix("." + suffix)) && matches($0.value) }
        }
        let is4x4: ([Int]) -> Bool = { $0.count == 4 && $0[2...] == [4, 4] }
        let what: String
        if has("model.model.0.weight", is4x4) || shapes.keys.contains(where: { $0.contains("model.1.model.") }) {
            what =
                "is a U-Net (--netG unet_256); only the generators resnet_6blocks, resnet_9blocks and their like can "
                + "be imported"
        } else if has("model.0.weight", is4x4) {
            what = "holds a discriminator; \(remedy)"
        } else if let other = shapes.first(where: {
            $0.key.hasSuffix("model.1.weight") && $0.value.count == 4 && $0.value[2...] == [7, 7]
        }) {
            what = "takes pictures of \(other.value[1]) channels (\(other.key)); photos have 3"
        } else {
            let names = shapes.keys.sorted()
            what =
                "holds no generator: there is no tensor \"model.1.weight\" of the shape [channels, 3, 7, 7]; its "
                + "\(names.count) tensors are "
                + names.prefix(3).map(quoted).joined(separator: ", ") + (names.count > 3 ? " ..." : "") + "; \(remedy)"
        }
        return WeightsError(path: file.path, what)
    }

    /// Why a generator of nearly the right layout cannot be used; nil where nothing is known against it.
    /// - Parameter shapes: by the original project's keys.
    static func objection(to shapes: [String: [Int]]) -> String? {
        if shapes.keys.contains(where: { $0.hasSuffix(".filt") }) {
            return "has filters against aliasing (\"....filt\"), as CUT's generators: they are another network; "
                + "train with --no_antialias --no_antialias_up"
        }
        // The layer behind the first convolution is its normalisation, which has no weights where it is an instance's
        // own.
        guard shapes["model.2.weight"]?.count == 1 else { return nil }
        if shapes["model.1.bias"] == nil {
            return "uses batch normalisation (\"model.2.weight\"), this project's generators instance normalisation: "
                + "the same weights make other pictures; train it with --norm instance"
        }
        return
            "has a normalisation with weights of its own (\"model.2.weight\", affine=True), which no generator here "
            + "has; "
            + "train it with --norm instance as the original project defines it"
    }
}
