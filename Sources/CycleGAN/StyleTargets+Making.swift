import Networks
import Tensors

extension StyleTargets {
    /// Painting crops that are put into clusters, and photo crops by which photos are standardised.
    static let paintingCrops = 500, photoCrops = 200
    /// Painting crops by which features are scaled before their roots are taken.
    static let scaleCrops = 24

    /// From the first pairs that a run's stage trains on.
    /// - Parameters:
    ///   - pairs: photo and painting with a number, (1, H, W, 3) in [-1, 1].
    ///   - clusters: at most so many; fewer where crops are few.
    ///   - roots: Gram matrices are those of features' roots.
    init(
        features: VGG16, clusters count: Int, roots: Bool = false, seed: UInt64, crops: Int = paintingCrops,
        pairs: (Int) throws -> (x: Tensor, y: Tensor)
    ) throws {
        var paintings: [Description] = [], photos: [Description] = [], grams: [[Tensor]] = []
        var scales: [Float]?
        if roots {
            let sums = try (0..<min(crops, Self.scaleCrops)).map { number in
                features(try pairs(number).y, at: Self.taps, Tape()).map { $0.applied() }.map { tap in
                    tap.values.reduce(0, +) / Float(tap.shape.count)
                }
            }
            scales = Self.taps.indices.map { tap in max(1e-6, sums.reduce(0) { $0 + $1[tap] } / Float(sums.count)) }
        }
        func gram(_ features: Tensor, _ tap: Int) -> Tensor {
            GramMatrix().forward([scales.map { RootCompression(scale: $0[tap]).forward([features]) } ?? features])
        }
        for number in 0..<crops {
            let (x, y) = try pairs(number)
            let found = features(y, at: Self.taps, Tape()).map { $0.applied() }
            paintings.append(Description(y, found[2], image: 0))
            grams.append(found.enumerated().map { gram($1, $0) })
            if number < Self.photoCrops {
                photos.append(Description(x, features(x, at: [.relu3_3], Tape())[0].applied(), image: 0))
            }
        }
        let standardization = Standardization(paintings)
        let members = KMeans.clusters(paintings.map { standardization($0) }, count: count, seed: seed)
        clusters = members.map { cluster in
            Cluster(
                centre: cluster.centre,
                grams: Self.taps.indices.map { tap in .mean(cluster.members.map { grams[$0][tap] }) })
        }
        self.photos = Standardization(photos, colourScale: standardization.colourScale)
        rootScales = scales
    }
}

/// Lloyd's algorithm from k-means++ (Arthur and Vassilvitskii 2007).
enum KMeans {
    private static let rounds = 50

    /// Clusters that have members, with the members' indices.
    static func clusters(_ points: [[Float]], count: Int, seed: UInt64) -> [(centre: [Float], members: [Int])] {
        var random = SeededGenerator(seed: seed, purpose: "k-means")
        var centres = [points[random.below(points.count)]]
        while centres.count < min(count, points.count) {
            let distances = points.map { point in Double(centres.map { distance(point, $0) }.min()!) }
            var left = random.uniform() * distances.reduce(0, +)
            let next =
                distances.firstIndex {
                    left -= $0; return left < 0
                } ?? distances.indices.last!
            centres.append(points[next])
        }
        var members: [[Int]] = []
        for _ in 0..<rounds {
            var found = [[Int]](repeating: [], count: centres.count)
            for (i, point) in points.enumerated() {
                let distances = centres.map { distance(point, $0) }
                found[distances.firstIndex(of: distances.min()!)!].append(i)
            }
            if found == members { break }
            members = found
            for (k, indices) in members.enumerated() where !indices.isEmpty {
                centres[k] = points[0].indices.map { j in
                    indices.reduce(0) { $0 + points[$1][j] } / Float(indices.count)
                }
            }
        }
        return zip(centres, members).filter { !$0.1.isEmpty }.map { (centre: $0.0, members: $0.1) }
    }
}

extension Tensor {
    /// The mean of tensors of one shape.
    static func mean(_ tensors: [Tensor]) -> Tensor {
        let result = Tensor.zeros(tensors[0].shape, in: tensors[0].context), part = 1 / Float(tensors.count)
        for tensor in tensors { for i in 0..<result.shape.count { result.pointer[i] += part * tensor.pointer[i] } }
        return result
    }
}
