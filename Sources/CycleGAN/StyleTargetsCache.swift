import Foundation
import Tensors
import Weights

/// The style loss' targets in a run's directory, so that going on does not look at all the paintings again.
struct StyleTargetsCache {
    let directory: String
    /// Where the targets are compared.
    let context: ComputeContext

    private static let format = "cyclegan-style-targets/1"

    /// Those of a stage, read where they were made for the same data and settings, otherwise made and kept.
    func targets(stage: Int, fingerprint: String, make: () throws -> StyleTargets) throws -> StyleTargets {
        let path = "\(directory)/style-targets.\(stage).safetensors"
        if let file = try? Safetensors.read(path), file.metadata["format"] == Self.format,
            file.metadata["fingerprint"] == fingerprint, let targets = try? Self.read(file, context)
        {
            return targets
        }
        let targets = try make()
        // Only time is lost where it cannot be kept.
        try? Safetensors.write(
            path, tensors: Self.tensors(targets), metadata: Self.metadata(targets, fingerprint: fingerprint))
        return targets
    }

    /// As bytes, for other ranks.
    static func encoded(_ targets: StyleTargets) throws -> [UInt8] {
        try Safetensors.encoded(tensors(targets), metadata: metadata(targets, fingerprint: ""))
    }

    func decoded(_ bytes: [UInt8]) throws -> StyleTargets {
        try Self.read(Safetensors.decoded(bytes, name: "the style loss' targets"), context)
    }

    private static func metadata(_ targets: StyleTargets, fingerprint: String) -> [String: String] {
        [
            "format": format, "fingerprint": fingerprint, "clusters": String(targets.clusters.count),
            "colour-scale": "\(targets.photos.colourScale)",
        ]
    }

    private static func tensors(_ targets: StyleTargets) -> [(name: String, shape: [Int], values: [Float])] {
        var tensors: [(name: String, shape: [Int], values: [Float])] = [
            ("photos.mean", [targets.photos.mean.count], targets.photos.mean),
            ("photos.deviation", [targets.photos.deviation.count], targets.photos.deviation),
        ]
        if let scales = targets.rootScales { tensors.append(("root-scales", [scales.count], scales)) }
        for (k, cluster) in targets.clusters.enumerated() {
            tensors.append(("centre.\(k)", [cluster.centre.count], cluster.centre))
            for (tap, gram) in zip(StyleTargets.taps, cluster.grams) {
                tensors.append(("gram.\(k).\(tap.rawValue)", [gram.shape.w, gram.shape.c], gram.values))
            }
        }
        return tensors
    }

    private static func read(_ file: WeightsFile, _ context: ComputeContext) throws -> StyleTargets {
        func values(_ name: String) throws -> [Float] {
            guard let tensor = file.tensors[name] else { throw WeightsError(path: file.path, "\(name) is missing") }
            return try tensor.floats()
        }
        guard let count = file.metadata["clusters"].flatMap({ Int($0) }), count > 0,
            let scale = file.metadata["colour-scale"].flatMap({ Float($0) })
        else { throw WeightsError(path: file.path, "these are not the style loss' targets") }
        let clusters = try (0..<count).map { k in
            StyleTargets.Cluster(
                centre: try values("centre.\(k)"),
                grams: try StyleTargets.taps.map { tap in
                    let gram = try values("gram.\(k).\(tap.rawValue)"), side = Int(Double(gram.count).squareRoot())
                    return Tensor(Shape(1, 1, side, side), values: gram, in: context)
                })
        }
        return StyleTargets(
            clusters: clusters,
            photos: StyleTargets.Standardization(
                mean: try values("photos.mean"), deviation: try values("photos.deviation"), colourScale: scale),
            rootScales: file.tensors["root-scales"] == nil ? nil : try values("root-scales"))
    }
}
