import Foundation
import Networks
import Photos
import Tensors
import Weights
import XCTest

@testable import Evaluation

final class EvaluatorTests: XCTestCase {
    /// VGG16 to relu3_3 of a few channels: what its numbers are makes no difference to what is tested here.
    static func tinyVGG16() throws -> VGG16 {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("vgg-\(UUID().uuidString).safetensors")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var random = EvaluationRandom(seed: 3, purpose: "vgg"),
            tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (index, input, output) in [
            (0, 3, 8), (2, 8, 8), (5, 8, 12), (7, 12, 12), (10, 12, 16), (12, 16, 16), (14, 16, 16),
        ] {
            let scale = (6 / Float(9 * input)).squareRoot()
            let weights = (0..<output * input * 9).map { _ in scale * (Float(random.below(2001)) / 1000 - 1) }
            tensors.append(("features.\(index).weight", [output, input, 3, 3], weights))
            tensors.append(("features.\(index).bias", [output], [Float](repeating: 0.05, count: output)))
        }
        try Safetensors.write(path, tensors: tensors, metadata: [:])
        return try VGG16(Safetensors.read(path), tap: .relu3_3)
    }

    /// A painting: large dabs of few colours.
    private func painting(_ number: Int) -> Photo {
        var random = EvaluationRandom(seed: 4, purpose: "painting", number: number)
        let palette = [(230, 190, 40), (30, 60, 150), (240, 220, 120), (20, 30, 80)]
        let places = (0..<400).map { _ in (random.below(256), random.below(256), random.below(4)) }
        var pixels = [UInt8](repeating: 90, count: 256 * 256 * 3)
        for (x0, y0, colour) in places {
            for y in y0..<min(256, y0 + 9) {
                for x in x0..<min(256, x0 + 27) {
                    let (r, g, b) = palette[colour]
                    for (c, v) in [r, g, b].enumerated() {
                        pixels[(y * 256 + x) * 3 + c] = UInt8(min(255, v + (y - y0) * 2))
                    }
                }
            }
        }
        return Photo(width: 256, height: 256, pixels: pixels, format: .png)
    }

    /// Style and content tell apart a model that does nothing, one that ruins the photo, and a good one: each is bad at
    /// something.
    func testAModelThatDoesNothing_andOneThatRuinsThePhoto_areToldFromAGoodOne() throws {
        let network = try Self.tinyVGG16(), features = PooledVGG16Features(network), content = ContentDistance(network)
        let photos = (0..<12).map { PictureFaultsTests.photo($0) }, reference = (0..<12).map { painting($0) }
        let nothing = photos, ruined = (20..<32).map { painting($0) }
        // The photo under the painting's dabs.
        let good = zip(photos, ruined).map { photo, dabs in
            var picture = photo
            for i in picture.pixels.indices {
                picture.pixels[i] = UInt8((2 * Int(photo.pixels[i]) + 3 * Int(dabs.pixels[i])) / 5)
            }
            return picture
        }
        let evaluator = Evaluator(features: features)
        let references = try evaluator.features(of: ImageList(reference), "paintings").features
        func figures(_ pictures: [Photo]) throws -> (style: Double, content: Double, product: Double) {
            let table = try evaluator.features(of: ImageList(pictures), "pictures").features
            let distances = try evaluator.distances(table, references, sets: 20)
            let lost = zip(photos, pictures).map { content.between($0, $1) }.reduce(0, +) / 12
            return (distances.frechet, lost, ContentDistance.artFID(content: lost, frechet: distances.frechet))
        }
        let (a, b, c) = (try figures(nothing), try figures(ruined), try figures(good))
        XCTAssertEqual(a.content, 0, accuracy: 1e-6)
        XCTAssertGreaterThan(a.style, 1.5 * c.style, "doing nothing has no style")
        XCTAssertGreaterThan(b.content, 1.2 * c.content, "ruining the photo loses its content")
        XCTAssertLessThan(b.style, c.style)
        XCTAssertGreaterThan(c.content, 0.05)
        XCTAssertEqual(c.product, (1 + c.content) * (1 + c.style), accuracy: 1e-9)
        XCTAssertLessThan(c.product, a.product)
    }

    private struct Broken: ImageSource {
        var photos: [Photo?]
        var count: Int { photos.count }
        func name(_ index: Int) -> String { "file \(index)" }
        func photo(_ index: Int) throws -> Photo {
            guard let photo = photos[index] else { throw PhotoError(kind: .corrupt, reason: "it is damaged") }
            return photo
        }
    }

    func testUnreadableFilesAreNamed_andWorkGoesOn() throws {
        let evaluator = Evaluator(features: PooledVGG16Features(try Self.tinyVGG16()))
        var lines: [String] = [], steps: [Int] = []
        evaluator.unreadable = { lines.append($0) }
        evaluator.progress = { done, total in
            steps.append(done)
            return total == 4
        }
        let side = try evaluator.features(of: Broken(photos: [painting(1), nil, painting(2), painting(3)]), "pictures")
        XCTAssertEqual([side.images, side.features.count], [3, 3])
        XCTAssertEqual(side.unreadable, ["file 1"])
        XCTAssertEqual(lines, ["skipped: file 1: it is damaged"])
        XCTAssertEqual(steps, [1, 2, 3, 4])
        XCTAssertThrowsError(try evaluator.features(of: Broken(photos: [nil, painting(1), nil, nil]), "pictures")) {
            XCTAssertTrue("\($0)".contains("pictures: one image only could be read"), "\($0)")
        }
        evaluator.progress = { done, _ in done < 2 }
        XCTAssertThrowsError(try evaluator.features(of: ImageList((0..<5).map { painting($0) }), "pictures")) {
            XCTAssertTrue($0 is EvaluationStopped)
        }
    }

    func testCropsAreSquaresOf256_atTheScaleAskedFor_theSameForASeed() throws {
        let photo = PictureFaultsTests.photo(1, width: 300, height: 200),
            framing = Framing.crops(shortSide: 400, count: 3)
        let crops = try framing.parts(photo, number: 7, seed: 1)
        XCTAssertEqual(crops.map { [$0.width, $0.height] }, [[256, 256], [256, 256], [256, 256]])
        XCTAssertEqual(crops.map(\.pixels), try framing.parts(photo, number: 7, seed: 1).map(\.pixels))
        XCTAssertNotEqual(crops.map(\.pixels), try framing.parts(photo, number: 8, seed: 1).map(\.pixels))
        XCTAssertNotEqual(crops[0].pixels, crops[1].pixels)
        // A crop is a part of the image at that size.
        let whole = try photo.resized(toWidth: 600, height: 400, filter: .bicubic),
            first = Array(crops[0].pixels[..<768])
        let isThere = (0...144).contains { y in
            (0...344).contains { x in Array(whole.pixels[(y * 600 + x) * 3..<(y * 600 + x) * 3 + 768]) == first }
        }
        XCTAssertTrue(isThere)
        XCTAssertEqual(try Framing.crops(shortSide: 256, count: 1).parts(photo, number: 0, seed: 1)[0].height, 256)
        XCTAssertEqual(
            try Framing.square(64).parts(photo, number: 0, seed: 1).map { [$0.width, $0.height] }, [[64, 64]])
    }

    func testOnlyInceptionsDistancesAreCalledFID() throws {
        let features = PooledVGG16Features(try Self.tinyVGG16()), evaluator = Evaluator(features: features)
        let side = try evaluator.features(of: ImageList((0..<3).map { painting($0) }), "pictures")
        let report = EvaluationReport(
            network: .vgg16(features), generated: .init(path: "a", side: side), reference: .init(path: "b", side: side),
            distances: try evaluator.distances(side.features, side.features, sets: 10))
        let figures = report.lines.filter { $0.contains(" of 3 and 3") || $0.contains("too few") }
        XCTAssertEqual(figures.count, 3, "\(report.lines)")
        for line in figures { XCTAssertFalse(line.contains("FID") || line.contains("KID"), line) }
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        XCTAssertTrue(
            json.contains("\"frechet-vgg16\"") && !json.contains("\"fid\"") && !json.contains("\"kid\""), json)
    }
}
