import Foundation
import Networks
import Photos
import Weights
import XCTest

@testable import Stylizing

final class StylizerTests: XCTestCase {
    static let generator: ResNetGenerator = {
        let description = GeneratorDescription(
            baseChannels: 8, residualBlocks: 2, activation: .leakyReLU(slope: 0.01), upsampling: .resize)
        let shapes = Dictionary(uniqueKeysWithValues: description.tensorShapes.map { ($0.key, $0.shape) })
        var state: UInt64 = 9
        return ResNetGenerator(description) { key in
            (0..<shapes[key]!.reduce(1, *)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(state >> 40) / Float(1 << 24) * 0.2 - 0.1
            }
        }
    }()

    /// A smooth picture with a little texture.
    func photo(_ width: Int, _ height: Int, alpha: Bool = false) -> Photo {
        let pixels = (0..<width * height * 3).map { i -> UInt8 in
            let x = i / 3 % width, y = i / 3 / width
            return UInt8(
                truncatingIfNeeded: (x * 255 / max(1, width) + y * (i % 3) * 60 / max(1, height) + x * y % 7) / 2)
        }
        return Photo(
            width: width, height: height, pixels: pixels,
            alpha: alpha ? (0..<width * height).map { UInt8($0 % 256) } : nil, format: .png)
    }

    func testOutputSizeIsInputSize_forAnySize() throws {
        for (w, h) in [(1, 1), (1, 9), (7, 2), (64, 64), (65, 43), (3, 200), (301, 17)] {
            let result = try Stylizer(generator: Self.generator).stylize(photo(w, h))
            XCTAssertEqual([result.width, result.height], [w, h])
            XCTAssertEqual(result.pixels.count, w * h * 3)
        }
    }

    func testValuesThatAreNoNumbers_makeNoPicture() throws {
        let description = Self.generator.description
        let shapes = Dictionary(uniqueKeysWithValues: description.tensorShapes.map { ($0.key, $0.shape) })
        for (key, value) in [
            ("model.1.weight", Float.nan), ("model.4.weight", .infinity), (description.layers.last!.biasKey, .nan),
        ] {
            let broken = ResNetGenerator(description) { name in
                var values = [Float](repeating: 0.01, count: shapes[name]!.reduce(1, *))
                if name == key { values[0] = value }
                return values
            }
            XCTAssertThrowsError(try Stylizer(generator: broken).stylize(photo(40, 30)), key) { error in
                guard case StylizingError.notFinite(let count, of: 3600) = error else { return XCTFail("\(error)") }
                XCTAssertGreaterThan(count, 0)
            }
        }
    }

    func testModelWithValuesThatAreNoNumbers_isRefused() throws {
        let description = Self.generator.description
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("strange-\(getpid()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (key, strange, counts) in [
            ("model.4.weight", [Float.nan, .infinity], "1 NaN and 1 infinite among its "),
            (description.layers[0].biasKey, [-.infinity], "1 infinite among its "),
        ] {
            let tensors = description.tensorShapes.map { name, shape in
                var values = [Float](repeating: 0.01, count: shape.reduce(1, *))
                if name == key { values.replaceSubrange(0..<strange.count, with: strange) }
                return (name: name, shape: shape, values: values)
            }
            try Safetensors.write(path, tensors: tensors, metadata: description.metadata)
            XCTAssertThrowsError(try ResNetGenerator(try Safetensors.read(path))) { error in
                XCTAssertTrue("\(error)".contains(key) && "\(error)".contains(" has " + counts), "\(error)")
            }
        }
    }

    func testStrength_blendsLinearly() throws {
        let stylizer = Stylizer(generator: Self.generator)
        let original = photo(60, 44)
        let whole = try stylizer.stylize(original)
        XCTAssertNotEqual(whole.pixels, original.pixels)
        XCTAssertEqual(try stylizer.stylize(original, strength: 0).pixels, original.pixels)
        let half = try stylizer.stylize(original, strength: 0.5)
        for i in original.pixels.indices {
            let expected = (Double(original.pixels[i]) + Double(whole.pixels[i])) / 2
            XCTAssertEqual(Double(half.pixels[i]), expected, accuracy: 0.51)
        }
    }

    func testAlphaAndMetadataAreCarriedThrough() throws {
        var original = photo(40, 30, alpha: true)
        original.metadata.comments = [Array("a comment".utf8)]
        for render in [RenderSize.original, .fit(20)] {
            let result = try Stylizer(generator: Self.generator).stylize(original, render: render)
            XCTAssertEqual(result.alpha, original.alpha)
            XCTAssertEqual(result.metadata, original.metadata)
        }
    }

    func testFit_neverEnlarges_andKeepsTheOutputSize() throws {
        let stylizer = Stylizer(generator: Self.generator)
        let original = photo(90, 50)
        XCTAssertEqual(
            try stylizer.stylize(original, render: .fit(1600)).pixels, try stylizer.stylize(original).pixels)
        let small = try stylizer.stylize(original, render: .fit(45))
        XCTAssertEqual([small.width, small.height], [90, 50])
        XCTAssertNotEqual(small.pixels, try stylizer.stylize(original).pixels)
    }

    func testMemoryBudget_rendersSmallerWithAWarning_orSaysWhatItNeeds() throws {
        let original = photo(400, 300)
        XCTAssertTrue(try Stylizer(generator: Self.generator).stylize(original).warnings.isEmpty)
        // The weights and the threads count: with them alone there would be no room.
        let fixed = Stylizer.programBytes + Self.generator.weightBytes + Self.generator.scratchBytes
        XCTAssertThrowsError(try Stylizer(generator: Self.generator, memoryBudget: fixed).stylize(original))
        let tight = try Stylizer(generator: Self.generator, memoryBudget: fixed + (5 << 20)).stylize(original)
        XCTAssertEqual([tight.width, tight.height], [400, 300])
        XCTAssertEqual(tight.warnings.count, 1)
        XCTAssertTrue(tight.warnings[0].contains("instead of 400x300"), tight.warnings[0])
        XCTAssertThrowsError(try Stylizer(generator: Self.generator, memoryBudget: 1000).stylize(original)) {
            XCTAssertTrue("\($0)".contains("memory"), "\($0)")
        }
    }

    func testProgress_andAbandoning() throws {
        let stylizer = Stylizer(generator: Self.generator)
        XCTAssertThrowsError(try stylizer.stylize(photo(64, 64), progress: { $0 < 0.3 })) {
            guard case StylizingError.abandoned = $0 else { return XCTFail("\($0)") }
        }
    }

    func testRenderSizeText() {
        XCTAssertEqual(RenderSize("original"), .original)
        XCTAssertEqual(RenderSize("fit:1600"), .fit(1600))
        XCTAssertEqual(RenderSize("fit 800"), .fit(800))
        for wrong in ["", "fit", "fit:", "fit:0", "fit:-3", "fit:x", "2000", "originals", "fit:1:2"] {
            XCTAssertNil(RenderSize(wrong), wrong)
        }
        XCTAssertEqual(RenderSize.fit(1600).applied(width: 4000, height: 3000).height, 1200)
        XCTAssertEqual(RenderSize.fit(10).applied(width: 4000, height: 1).height, 1)
    }

    func testStrokesKeepTheirPartOfThePicture() {
        func size(_ text: String, _ width: Int, _ height: Int, _ working: Int? = 640) -> [Int] {
            let size = RenderSize.strokes(StrokeSize(text)!).applied(width: width, height: height, workingSize: working)
            return [size.width, size.height]
        }
        XCTAssertEqual(size("medium", 6000, 4000), [960, 640])
        XCTAssertEqual(size("medium", 3000, 4000), [640, 853])
        XCTAssertEqual(size("coarse", 6000, 4000), [600, 400])
        XCTAssertEqual(size("fine", 6000, 4000), [1600, 1067])
        XCTAssertEqual(size("2", 6000, 4000), [480, 320])
        XCTAssertEqual(size("medium", 500, 300), [500, 300], "a small photo is not enlarged")
        XCTAssertEqual(size("medium", 6000, 4000, nil), [1600, 1067], "a model that says nothing")
        for wrong in ["", "big", "0", "0.2", "4.1", "-1", "nan"] { XCTAssertNil(StrokeSize(wrong), wrong) }
        for text in ["fine", "medium", "coarse", "1.5"] { XCTAssertEqual(StrokeSize(text)?.description, text) }
    }

    /// What is finer than the working size comes from the second picture, everything else from the first.
    func testDetailIsAddedToAnEnlargedPicture() throws {
        func photo(_ side: Int, _ value: (Int, Int) -> UInt8) -> Photo {
            let pixels = (0..<side * side).flatMap { i in [UInt8](repeating: value(i % side, i / side), count: 3) }
            return Photo(width: side, height: side, pixels: pixels, format: .png)
        }
        let coarse = photo(32) { _, _ in 100 }
        let fine = photo(80) { x, _ in x % 2 == 0 ? 190 : 210 }
        let both = try StrokeDetail.combined(coarse, fine)
        XCTAssertEqual(both.width, 80)
        let middle = (20..<60).map { Int(both.pixels[(40 * 80 + $0) * 3]) }
        XCTAssertEqual(Double(middle.reduce(0, +)) / 40, 100, accuracy: 1, "its brightness is the coarse picture's")
        XCTAssertEqual(middle[1] - middle[0], 14, accuracy: 2, "seven tenths of the fine one's stripes")
    }

    func testTheSecondPictureIsLarger_butNotEndlessly() {
        func size(_ photo: (Int, Int), _ working: (Int, Int)) -> Int? {
            StrokeDetail.size(photo: photo, working: working)?.width
        }
        XCTAssertNil(size((960, 640), (960, 640)))
        XCTAssertNil(size((1100, 733), (960, 640)), "nothing to be seen")
        XCTAssertEqual(size((1500, 1000), (960, 640)), 1500)
        XCTAssertEqual(size((6000, 4000), (960, 640)), 1920)
        XCTAssertEqual(size((6000, 4000), (400, 267)), 1000)
    }
}
