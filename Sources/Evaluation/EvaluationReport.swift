import Foundation

/// The figures of one evaluation, for people and as JSON.
package struct EvaluationReport: Encodable, Sendable {
    /// A side of the comparison.
    package struct Images: Encodable, Sendable {
        package var path: String
        package var images: Int
        /// Rows of features: as many as the images, or their crops.
        package var samples: Int
        package var unreadable: [String]

        package init(path: String, side: Evaluator.Side) {
            (self.path, images, samples, unreadable) = (path, side.images, side.features.count, side.unreadable)
        }
    }

    package var generated, reference: Images
    package var features: String
    package var dims: Int
    /// Of these one pair is there: which, says the network.
    package var fid, fidInfinity: Double?
    package var kid: Estimate?
    package var frechetVGG16, frechetVGG16Infinity: Double?
    package var kernelVGG16: Estimate?
    package var content, reconstruction, artFID: Double?

    enum CodingKeys: String, CodingKey {
        case generated, reference, features, dims, fid, kid, content, reconstruction
        case fidInfinity = "fid-infinity", frechetVGG16 = "frechet-vgg16", frechetVGG16Infinity =
            "frechet-vgg16-infinity"
        case kernelVGG16 = "kernel-vgg16", artFID = "artfid"
    }

    private let names: (frechet: String, kernel: String)
    private let distances: Evaluator.Distances

    package init(network: FeatureNetwork, generated: Images, reference: Images, distances: Evaluator.Distances) {
        (self.generated, self.reference, self.distances) = (generated, reference, distances)
        (features, dims, names) = (
            network.description, network.extractor.dimensions, (network.frechetName, network.kernelName)
        )
        if network.isInception {
            (fid, fidInfinity, kid) = (distances.frechet, distances.frechetAtInfinity, distances.kernel)
        } else {
            (frechetVGG16, frechetVGG16Infinity, kernelVGG16) = (
                distances.frechet, distances.frechetAtInfinity, distances.kernel
            )
        }
    }

    /// Takes the content distances of photos; nothing where there are none.
    package mutating func add(content values: [Double], reconstruction: [Double]) {
        func mean(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
        (content, self.reconstruction) = (mean(values), mean(reconstruction))
        artFID = content.map { ContentDistance.artFID(content: $0, frechet: distances.frechet) }
    }

    package var lines: [String] {
        func text(_ value: Double) -> String { String(format: "%.4g", value) }
        func side(_ name: String, _ images: Images) -> String {
            var line = "\(name): \(images.path), \(images.images) images"
            if images.samples != images.images { line += ", \(images.samples) crops" }
            return images.unreadable.isEmpty ? line : line + "; \(images.unreadable.count) could not be read"
        }
        let counts = "of \(generated.samples) and \(reference.samples)", n = min(generated.samples, reference.samples)
        var lines = [side("generated", generated), side("reference", reference), "features: \(features)"]
        lines.append("\(names.frechet): \(String(format: "%.4f", distances.frechet)), \(counts)")
        if let infinite = distances.frechetAtInfinity {
            let bias = distances.frechet - infinite, part = distances.frechet > 0 ? 100 * bias / distances.frechet : 0
            lines.append(
                "\(names.frechet) extrapolated to infinitely many images: \(String(format: "%.4f", infinite)); "
                    + "with so few it is \(text(bias)) too high, \(String(format: "%.0f", part)) % of the figure")
        } else {
            lines.append("too few images to say how far \(names.frechet) is above that of infinitely many")
        }
        if n <= dims {
            lines.append(
                "fewer images than the \(dims) dimensions: the figure is exact for these images, but far above that "
                    + "of more; compare only with figures of as many images")
        }
        let k = distances.kernel
        lines.append(
            "\(names.kernel): " + String(format: "%.6f (95 %%: %.6f to %.6f)", k.value, k.low, k.high) + ", \(counts)")
        if let content { lines.append("content distance, photo to picture (VGG16 relu3_3): \(text(content))") }
        if let reconstruction { lines.append("content distance, photo to reconstruction: \(text(reconstruction))") }
        if let artFID {
            lines.append("ArtFID's form, (1 + content distance)(1 + \(names.frechet)): \(text(artFID))")
        }
        return lines
    }
}
