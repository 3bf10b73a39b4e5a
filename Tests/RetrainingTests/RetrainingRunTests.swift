import CycleGAN
import Digests
import Evaluation
import Foundation
import LinuxFiles
import Networks
import Photos
import Weights
import XCTest

@testable import Retraining

final class RetrainingRunTests: XCTestCase {
    private var root = BytePath.empty
    private var photos: DomainLibrary!
    private var paintings: DomainLibrary!

    override func setUpWithError() throws {
        root = try Scratch.directory()
        photos = try DomainLibrary(root.appending("photos"))
        paintings = try DomainLibrary(root.appending("paintings"))
    }

    private func png(_ number: Int) throws -> [UInt8] {
        try PhotoEncoder.encode(Made.photo(number, side: 64), options: EncodingOptions(format: .png))
    }

    /// A run of seconds: networks of four channels, no losses on features.
    private func plan() throws -> RetrainingPlan {
        for i in 0..<12 { try photos.add(png(i)) }
        for i in 50..<62 { try paintings.add(png(i)) }
        let vgg16 = root.appending("vgg16.safetensors").description
        try Made.weights(vgg16)
        var plan = RetrainingPlan(
            style: "test", mode: .retrain, model: nil, photoLibrary: photos.directory.description,
            paintingLibrary: paintings.directory.description, vgg16: vgg16)
        func side(_ library: DomainLibrary, _ side: DomainSplit.Side) throws -> [String] {
            DomainSplit.sides(of: try library.images()).filter { $0.value == side }.map(\.key.description).sorted()
        }
        (plan.photos, plan.heldOutPhotos) = (try side(photos, .training), try side(photos, .heldOut))
        (plan.paintings, plan.heldOutPaintings) = (try side(paintings, .training), try side(paintings, .heldOut))
        plan.iterations = 6
        plan.settings = [
            "variant": "leaky-relu", "base-channels": "4", "residual-blocks": "1", "upsampling": "resize",
            "discriminator-channels": "4", "load-size": "40", "crop-size": "32", "stages": "none", "style-weight": "0",
            "feature-adversarial-weight": "0", "lattice-weight": "0", "colour-weight": "0", "content-weight": "0",
            "checkpoint-every": "2",
        ]
        return plan
    }

    private func start(_ name: String, _ plan: RetrainingPlan) throws -> BytePath {
        let directory = root.appending(name)
        try Files.makeDirectory(directory)
        try plan.write(to: directory)
        return directory
    }

    private func bytes(_ path: BytePath) throws -> [UInt8] { try Files.read(path) }

    func testRun_whenStoppedAtEveryStep_endsAsOneThatWasNot() throws {
        let plan = try plan(), whole = try start("whole", plan), broken = try start("broken", plan)
        guard case .decided(let figures) = try RetrainingRun(whole).proceed({ _ in true }) else { return XCTFail() }
        var stops = 0
        // Each time a little further: an iteration or an image more.
        for patience in 1...200 {
            var steps = 0
            let outcome = try RetrainingRun(broken).proceed { _ in
                steps += 1
                return steps < patience
            }
            if case .decided(let other) = outcome {
                XCTAssertEqual(other, figures)
                break
            }
            stops += 1
        }
        XCTAssertGreaterThan(stops, 5)
        for name in ["training/model.safetensors", "decision.json"] {
            XCTAssertEqual(try bytes(broken.appending(name)), try bytes(whole.appending(name)), name)
        }
        XCTAssertEqual(figures.photos, plan.heldOutPhotos.count)
        XCTAssertNotNil(figures.reconstruction)
        // Once decided, nothing is done again.
        let again = try RetrainingRun(whole).proceed { _ in
            XCTFail("there is nothing to do")
            return false
        }
        XCTAssertEqual(again, .decided(figures))
    }

    func testRun_keepsItsImages_whenTheyAreTakenAwayMeanwhile() throws {
        let plan = try plan(), directory = try start("run", plan)
        guard case .stopped = try RetrainingRun(directory).proceed({ _ in false }) else { return XCTFail() }
        for image in try photos.images() { try photos.remove(image) }
        for image in try paintings.images() { try paintings.remove(image) }
        guard case .decided = try RetrainingRun(directory).proceed({ _ in true }) else { return XCTFail() }
    }

    func testRun_whenItsDataWasHalfMade_makesItAnew() throws {
        let plan = try plan(), directory = try start("run", plan), half = directory.appending("data.unfinished/photos")
        try Files.makeDirectory(half)
        try Data([1]).write(to: URL(fileURLWithPath: half.appending("half.jpg").description))
        guard case .stopped = try RetrainingRun(directory).proceed({ _ in false }) else { return XCTFail() }
        let names = try Files.names(in: directory.appending("data/photos")).map { String(decoding: $0, as: UTF8.self) }
        XCTAssertEqual(names.sorted(), plan.photos.map { $0 + ".jpg" })
        XCTAssertNil(try Files.statusIfPresent(of: directory.appending("data.unfinished")))
    }

    func testFinetuning_goesOnFromTheModelAndComparesWithIt() throws {
        var plan = try plan()
        let first = try start("first", plan)
        guard case .decided = try RetrainingRun(first).proceed({ _ in true }) else { return XCTFail() }
        let model = RetrainingRun.model(of: first)
        (plan.mode, plan.model) = (.finetune, model.description)
        for key in ["base-channels", "residual-blocks", "upsampling", "stages"] { plan.settings[key] = nil }
        (plan.settings["sizes"], plan.settings["photo-sizes"]) = ("none", "none")
        let configuration = try plan.configuration()
        XCTAssertEqual(configuration.from, plan.model)
        XCTAssertEqual([configuration.baseChannels, configuration.residualBlocks], [4, 1])
        XCTAssertEqual(configuration.learningRate, 1e-4)
        let second = try start("second", plan)
        guard case .decided(let figures) = try RetrainingRun(second).proceed({ _ in true }) else { return XCTFail() }
        XCTAssertNotNil(figures.content?.current)
        XCTAssertNotEqual(try bytes(RetrainingRun.model(of: second)), try bytes(model))
    }

    func testPlan_ofThePaintersModel_hasItsRecipe() throws {
        var plan = try plan()
        let description = GeneratorDescription(
            baseChannels: 2, residualBlocks: 0, activation: .leakyReLU(slope: 0.01), upsampling: .bilinear,
            downsamplingPadding: .reflection, grain: 0.05, workingSize: 640)
        let path = root.appending("painterly.safetensors").description
        let tensors = description.tensorShapes.map { key, shape in
            (name: key, shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
        }
        try Safetensors.write(path, tensors: tensors, metadata: description.metadata)
        (plan.mode, plan.model, plan.settings) = (.finetune, path, [:])
        let c = try plan.configuration()
        XCTAssertEqual([c.baseChannels, c.residualBlocks], [2, 0])
        XCTAssertEqual(c.sizes, [480, 640, 800], "the recipe's last stage")
        XCTAssertEqual(c.stages, [])
        XCTAssertEqual(c.grain, 0.05)
        XCTAssertEqual(c.variant, .hybrid)
        XCTAssertGreaterThan(c.styleWeight, 0)
    }

    func testPlan_isReadAsItWasWritten_andRubbishIsNamed() throws {
        let plan = try plan(), directory = try start("run", plan)
        XCTAssertEqual(try RetrainingPlan.read(directory), plan)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: directory.appending("plan.json").description))
        XCTAssertThrowsError(try RetrainingRun(directory)) {
            XCTAssertTrue("\($0)".contains("plan.json is no plan"), "\($0)")
        }
    }

    // MARK: The library

    func testLibrary_holdsEachContentOnce_smallAndWithoutMetadata() throws {
        let large = Made.photo(1, side: 1500)
        let bytes = try PhotoEncoder.encode(large, options: EncodingOptions(format: .png))
        let (image, isNew) = try photos.add(bytes)
        XCTAssertTrue(isNew)
        XCTAssertFalse(try photos.add(bytes).isNew)
        XCTAssertEqual(try photos.images(), [SHA256.hash(bytes)])
        let copy = try PhotoDecoder.decode(bytes: Files.read(photos.path(of: image)))
        XCTAssertEqual([copy.width, copy.height], [1024, 1024])
        var metadata = copy.metadata
        metadata.profile = nil
        XCTAssertEqual(metadata, PhotoMetadata(), "nothing but the colours' profile")
        try photos.remove(image)
        try photos.remove(image)
        XCTAssertEqual(try photos.images(), [])
    }

    func testLibrary_takesNoFileThatIsNoPicture_andSweepsWhatWasHalfWritten() throws {
        XCTAssertThrowsError(try photos.add([1, 2, 3])) { XCTAssertTrue($0 is PhotoError) }
        let half = photos.directory.appending(".writing-1-x.tmp")
        try Data([1]).write(to: URL(fileURLWithPath: half.description))
        let library = try DomainLibrary(photos.directory)
        XCTAssertNotNil(try Files.statusIfPresent(of: half), "another process may be writing it")
        try library.sweep()
        XCTAssertEqual(try library.images(), [])
        XCTAssertNil(try Files.statusIfPresent(of: half))
    }
}
