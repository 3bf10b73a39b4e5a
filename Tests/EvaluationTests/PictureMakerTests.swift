import Networks
import Photos
import Stylizing
import XCTest

@testable import Evaluation

final class PictureMakerTests: XCTestCase {
    /// Small weights by chance.
    private func generator(workingSize: Int? = nil, bias: Float = 0.01) -> ResNetGenerator {
        let description = GeneratorDescription(
            baseChannels: 4, residualBlocks: 1, activation: .leakyReLU(slope: 0.01), upsampling: .transposed,
            workingSize: workingSize)
        var random = EvaluationRandom(seed: 8, purpose: "generator")
        return ResNetGenerator(description) { key in
            let shape = description.tensorShapes.first { $0.key == key }!.shape, count = shape.reduce(1, *)
            if shape.count == 1 { return [Float](repeating: bias, count: count) }
            return (0..<count).map { _ in Float(random.below(2001)) / 5000 - 0.2 }
        }
    }

    func testTranslation_isWhatTheStylizerMakes() throws {
        let photo = PictureFaultsTests.photo(3), generator = generator()
        let made = try PictureMaker(generator, .translation).made(of: photo, .whole)
        XCTAssertEqual(made.picture.pixels, try Stylizer(generator: generator).stylize(photo).pixels)
        XCTAssertEqual(made.rendered.pixels, made.picture.pixels)
        let network = try PictureMaker(generator, .network).made(of: photo, .whole)
        XCTAssertNotEqual(network.picture.pixels, made.picture.pixels, "transposed convolutions leave a lattice")
        XCTAssertLessThan(
            PeriodicPatterns([made.picture]).strongest, PeriodicPatterns([network.picture]).strongest / 2)
    }

    func testTranslation_isOfThePhotoAtTheModelsWorkingSize_andLookedAtAsAsked() throws {
        let photo = PictureFaultsTests.photo(4)
        let made = try PictureMaker(generator(workingSize: 64), back: generator(), .translation)
            .made(of: photo, .square(32))
        XCTAssertEqual(min(made.rendered.width, made.rendered.height), 64)
        for image in [made.photo, made.picture, try XCTUnwrap(made.reconstruction)] {
            XCTAssertEqual([image.width, image.height], [32, 32])
        }
        let network = try PictureMaker(generator(workingSize: 64), .network).made(of: photo, .square(32))
        XCTAssertEqual([network.rendered.width, network.rendered.height], [32, 32], "the paper's protocol")
    }

    func testValuesThatAreNoNumbers_areAnError() throws {
        for manner in [PictureMaker.Manner.network, .translation] {
            let maker = PictureMaker(generator(bias: .nan), manner)
            XCTAssertThrowsError(try maker.made(of: PictureFaultsTests.photo(5), .whole)) { error in
                guard case StylizingError.notFinite = error else { return XCTFail("\(error)") }
            }
        }
    }
}
