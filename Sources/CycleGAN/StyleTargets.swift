import Networks
import Tensors

/// What the style loss aims at: paintings' crops in clusters of like motif and colour, and each cluster's mean Gram
/// matrices (Gatys et al. 2016; Johnson et al. 2016). A photo takes the cluster nearest to it, so that a sky aims at
/// painted skies; a target that changed with every painting would teach little.
///
/// Motifs are compared by the means of relu3_3's channels (their square roots, standardised within each domain: photos
/// and paintings differ as wholes), colours as they are: standardised too, blue skies would turn yellow, the paintings'
/// average.
package struct StyleTargets: Sendable {
    /// Where Gram matrices are taken.
    package static let taps: [VGG16.Tap] = [.relu1_2, .relu2_2, .relu3_3]

    struct Cluster: Sendable {
        /// As `Standardization` makes it of a crop.
        var centre: [Float]
        /// (1, 1, C, C) for each tap.
        var grams: [Tensor]
    }
    let clusters: [Cluster]
    let photos: Standardization
    /// The mean feature of paintings at each tap, by which features are compressed to roots before their Gram matrices
    /// are taken; nil leaves them as they are. A Gram matrix grows with the square of a feature, so that a few spots of
    /// great contrast can make up for strokes everywhere; of roots (Perronnin et al. 2010, power normalisation) they
    /// cannot.
    var rootScales: [Float]?

    /// The Gram matrix of features at the tap of an index.
    func gram(_ features: Tensor, tap: Int, _ tape: Tape) -> Tensor {
        guard let rootScales else { return tape.apply(GramMatrix(), features) }
        return tape.apply(GramMatrix(), tape.apply(RootCompression(scale: rootScales[tap]), features))
    }

    /// The targets for each image of a batch, by its features at relu3_3: (N, 1, C, C) for each tap.
    func targets(for photos: Tensor, features: Tensor) -> [Tensor] {
        let chosen = (0..<photos.shape.n).map { n in
            nearest(self.photos(Description(photos, features, image: n)))
        }
        return Self.taps.indices.map { tap in .stacked(chosen.map { clusters[$0].grams[tap] }) }
    }

    /// The first of the nearest.
    func nearest(_ point: [Float]) -> Int {
        clusters.indices.min { distance(point, clusters[$0].centre) < distance(point, clusters[$1].centre) }!
    }

    /// What a crop shows, in numbers.
    struct Description: Sendable {
        /// The square root of each channel's mean at relu3_3, and the mean of each colour.
        var motif: [Float], colour: [Float]

        init(motif: [Float], colour: [Float]) { (self.motif, self.colour) = (motif, colour) }

        init(_ image: Tensor, _ features: Tensor, image n: Int) {
            motif = Self.means(features, n).map { max(0, $0).squareRoot() }
            colour = Self.means(image, n)
        }

        private static func means(_ x: Tensor, _ n: Int) -> [Float] {
            let pixels = x.shape.h * x.shape.w, c = x.shape.c
            var sums = [Double](repeating: 0, count: c)
            for i in 0..<pixels {
                let pixel = x.pointer + (n * pixels + i) * c
                for j in 0..<c { sums[j] += Double(pixel[j]) }
            }
            return sums.map { Float($0 / Double(pixels)) }
        }
    }

    /// Makes descriptions of one domain comparable with those of another.
    struct Standardization: Sendable {
        var mean, deviation: [Float]
        /// By which colours are multiplied, so that together they vary as much as the motif does.
        var colourScale: Float

        init(mean: [Float], deviation: [Float], colourScale: Float) {
            (self.mean, self.deviation, self.colourScale) = (mean, deviation, colourScale)
        }

        /// Of one domain.
        init(_ descriptions: [Description], colourScale: Float? = nil) {
            let motifs = Self.moments(descriptions.map(\.motif)), colours = Self.moments(descriptions.map(\.colour))
            let variance = colours.deviation.reduce(0) { $0 + $1 * $1 }
            self.init(
                mean: motifs.mean, deviation: motifs.deviation.map { max($0, 1e-6) },
                colourScale: colourScale ?? (Float(motifs.mean.count) / max(variance, 1e-6)).squareRoot())
        }

        func callAsFunction(_ d: Description) -> [Float] {
            d.motif.indices.map { (d.motif[$0] - mean[$0]) / deviation[$0] } + d.colour.map { $0 * colourScale }
        }

        private static func moments(_ rows: [[Float]]) -> (mean: [Float], deviation: [Float]) {
            let count = Float(rows.count)
            let mean = rows[0].indices.map { j in rows.reduce(0) { $0 + $1[j] } / count }
            let deviation = rows[0].indices.map { j in
                (rows.reduce(0) { $0 + ($1[j] - mean[j]) * ($1[j] - mean[j]) } / count).squareRoot()
            }
            return (mean, deviation)
        }
    }
}

func distance(_ a: [Float], _ b: [Float]) -> Float {
    var sum: Float = 0
    for i in a.indices { sum += (a[i] - b[i]) * (a[i] - b[i]) }
    return sum
}
