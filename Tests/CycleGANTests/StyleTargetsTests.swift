import Tensors
import XCTest

@testable import CycleGAN

final class StyleTargetsTests: XCTestCase {
    func testKMeansFindsWhatLiesTogether() {
        let points: [[Float]] = (0..<30).map { i in [Float(i % 3) * 10 + Float(i) * 0.01, Float(i % 3) * -5] }
        let clusters = KMeans.clusters(points, count: 3, seed: 4)
        XCTAssertEqual(
            Set(clusters.map { $0.members.map { $0 % 3 }.reduce(into: Set()) { $0.insert($1) } }), [[0], [1], [2]])
        XCTAssertEqual(clusters.map(\.members.count), [10, 10, 10])
        XCTAssertEqual(KMeans.clusters(Array(points.prefix(2)), count: 5, seed: 1).count, 2)
    }

    /// A photo is compared with paintings by its colours as they are, and by its motif within its own domain.
    func testAPhotoTakesTheNearestCluster() {
        func description(_ motif: [Float], _ colour: [Float]) -> StyleTargets.Description {
            .init(motif: motif, colour: colour)
        }
        let paintings = [description([1, 5], [-0.5, 0, 0.5]), description([3, 9], [0.5, 0, -0.5])]
        let standardization = StyleTargets.Standardization(paintings)
        // The same motifs at ten times the strength: another domain.
        let photos = StyleTargets.Standardization(
            [description([10, 50], [-0.5, 0, 0.4]), description([30, 90], [0.5, 0, -0.4])],
            colourScale: standardization.colourScale)
        let targets = StyleTargets(
            clusters: paintings.map { .init(centre: standardization($0), grams: []) }, photos: photos)
        XCTAssertEqual(targets.nearest(photos(description([10, 50], [-0.4, 0, 0.5]))), 0)
        XCTAssertEqual(targets.nearest(photos(description([30, 90], [0.4, 0, -0.5]))), 1)
        // Colour decides where the motif says little.
        XCTAssertEqual(targets.nearest(photos(description([20, 70], [0.5, 0, -0.5]))), 1)
    }
}
