import Evaluation
import LinuxFiles
import Networks
import Photos
import XCTest

@testable import Retraining

/// Models made by hand that are better, worse, and broken in each of the ways that the gate knows.
final class GateTests: XCTestCase {
    /// The painter's colours: the paintings are made by it.
    private static let ochre = HandmadeGenerator(tint: [0.5, 0.1, -0.5])
    private static let grey = HandmadeGenerator()
    private static let paintings = Made.paintings(100..<108, by: ochre.generator())
    private let photos = Made.photos(0..<8)

    private func gate(_ change: (inout Gate.Settings) -> Void = { _ in }) throws -> Gate {
        var settings = Gate.Settings()
        // Content has a test of its own.
        settings.maxContentLoss = 10
        change(&settings)
        return Gate(try Made.network(), settings: settings)
    }

    private func examine(
        _ candidate: HandmadeGenerator, _ current: HandmadeGenerator?, _ gate: Gate? = nil
    ) throws -> Gate.Examination {
        try (gate ?? self.gate()).examine(
            PictureMaker(candidate.generator(), .translation),
            current: current.map { PictureMaker($0.generator(), .translation) }, photos: photos,
            paintings: Self.paintings)
    }

    func testBetterModel_isPromoted() throws {
        let figures = try examine(Self.ochre, Self.grey).figures
        XCTAssertEqual(figures.decision, .promote, "\(figures.reasons) \(figures.lines)")
        let style = try XCTUnwrap(figures.style)
        XCTAssertLessThan(style.difference.high, 0)
        XCTAssertLessThan(style.candidate.value, style.current.value)
        XCTAssertEqual(figures.photos, 8)
        XCTAssertEqual(figures.paintings, 8)
    }

    func testWorseModel_isNotPromoted() throws {
        let figures = try examine(Self.grey, Self.ochre).figures
        XCTAssertEqual(figures.decision, .keep, "\(figures.reasons)")
        XCTAssertGreaterThan(try XCTUnwrap(figures.style).difference.low, 0)
    }

    func testSameModel_isNotPromoted() throws {
        let figures = try examine(Self.ochre, Self.ochre).figures
        XCTAssertEqual(figures.decision, .keep)
        XCTAssertEqual(figures.style?.difference.value, 0)
    }

    func testFirstModel_isComparedWithThePhotosThemselves() throws {
        let figures = try examine(Self.ochre, nil).figures
        XCTAssertEqual(figures.decision, .promote, "\(figures.reasons) \(figures.lines)")
        XCTAssertNil(figures.content?.current)
        XCTAssertTrue(figures.reasons[0].contains("than the photos are"), "\(figures.reasons)")
    }

    func testFigures_whenMeasuredAgain_areTheSameBits() throws {
        let (first, second) = (try examine(Self.ochre, Self.grey).figures, try examine(Self.ochre, Self.grey).figures)
        XCTAssertEqual(try GateReport.json(first), try GateReport.json(second))
        let other = try examine(Self.ochre, Self.grey, gate { $0.seed = 2 }).figures
        XCTAssertNotEqual(try GateReport.json(first), try GateReport.json(other), "the seed decides what is drawn")
    }

    // MARK: What is refused

    private func assertRefused(_ candidate: HandmadeGenerator, _ words: String, _ gate: Gate? = nil) throws {
        let figures = try examine(candidate, Self.grey, gate).figures
        XCTAssertEqual(figures.decision, .refuse, "\(figures.lines)")
        XCTAssertTrue(figures.reasons.contains { $0.contains(words) }, "\(figures.reasons)")
    }

    func testModelOfNoNumbers_isRefused() throws {
        try assertRefused(HandmadeGenerator(tint: [.nan, 0, 0]), "no numbers")
    }

    func testModelThatPaintsOneColour_isRefused() throws {
        try assertRefused(HandmadeGenerator(gains: [0.01, 0.01, 0.01], tint: [0.5, 0.1, -0.5]), "of one colour")
    }

    func testModelThatPaintsOnePicture_isRefused() throws {
        try assertRefused(HandmadeGenerator(gains: [0, 0, 0], tint: [0.5, 0.1, -0.5]), "nearly alike")
    }

    func testModelThatInvertsLightAndDark_isRefused() throws {
        let inverse = HandmadeGenerator(gains: [-0.45, -0.45, -0.45], tint: [0.5, 0.1, -0.5])
        try assertRefused(inverse, "light and dark")
    }

    func testModelThatPaintsDots_isRefused() throws {
        try assertRefused(HandmadeGenerator(tint: [0.5, 0.1, -0.5], upsampling: .transposed), "dots")
    }

    func testModelThatLosesContent_isRefused_howeverGoodItsStyle() throws {
        // Its pictures are of blocks, which no photo has; a blurred picture is nearer to the photo.
        let blurred = HandmadeGenerator(tint: [0.5, 0.1, -0.5], blur: 7)
        let allowed = try examine(Self.ochre, blurred).figures
        XCTAssertEqual(allowed.decision, .promote, "\(allowed.reasons)")
        let loss = try XCTUnwrap(allowed.content?.loss)
        XCTAssertGreaterThan(loss, 0)
        let strict = try examine(Self.ochre, blurred, gate { $0.maxContentLoss = loss / 2 }).figures
        XCTAssertEqual(strict.decision, .refuse)
        XCTAssertTrue(strict.reasons.contains { $0.contains("content") }, "\(strict.reasons)")
    }

    func testReconstruction_isComparedWhereTheWayBackIsThere() throws {
        let back = Self.grey.generator(), gate = try gate()
        let figures = try gate.examine(
            PictureMaker(Self.ochre.generator(), back: back, .translation),
            current: PictureMaker(Self.grey.generator(), back: back, .translation),
            photos: photos, paintings: Self.paintings
        ).figures
        XCTAssertNotNil(figures.reconstruction?.loss)
        XCTAssertEqual(figures.decision, .promote, "\(figures.reasons)")
    }

    // MARK: Images

    private struct Damaged: ImageSource {
        var photos: [Photo?]
        var count: Int { photos.count }
        func name(_ index: Int) -> String { "file \(index)" }
        func photo(_ index: Int) throws -> Photo {
            guard let photo = photos[index] else { throw PhotoError(kind: .corrupt, reason: "it is damaged") }
            return photo
        }
    }

    func testFilesThatCannotBeRead_arePassedOverAndNamed() throws {
        let some = Damaged(photos: [Made.photo(0), nil, Made.photo(1), Made.photo(2)])
        let examination = try gate().examine(
            PictureMaker(Self.ochre.generator(), .translation), current: nil, photos: some, paintings: Self.paintings)
        XCTAssertEqual(examination.figures.photos, 3)
        XCTAssertEqual(examination.unreadable, ["file 1: it is damaged"])
    }

    func testTooFewImages_areAnErrorThatSaysOfWhat() throws {
        XCTAssertThrowsError(
            try gate().examine(
                PictureMaker(Self.ochre.generator(), .translation), current: nil, photos: photos,
                paintings: ImageList([Made.photo(0)]))
        ) {
            XCTAssertTrue("\($0)".contains("1 held-out paintings"), "\($0)")
        }
    }

    func testExamination_whenAskedToStop_stops() throws {
        var gate = try gate()
        gate.progress = { done, total in
            XCTAssertEqual(total, 16)
            return done < 5
        }
        XCTAssertThrowsError(try examine(Self.ochre, Self.grey, gate)) { XCTAssertTrue($0 is EvaluationStopped) }
    }

    func testReport_holdsDecisionFiguresAndSheet() throws {
        let examination = try examine(Self.ochre, Self.grey), directory = try Scratch.directory()
        XCTAssertNil(try GateReport.decision(in: directory))
        try GateReport(style: "ochre <&>", examination: examination).write(to: directory)
        XCTAssertEqual(try GateReport.decision(in: directory), examination.figures)
        let page = String(decoding: try Files.read(directory.appending("report.html")), as: UTF8.self)
        XCTAssertTrue(page.contains("ochre &lt;&amp;&gt;: the new model is better"), page)
        XCTAssertTrue(page.contains("kernel distance on VGG16 features") && page.contains("<span>candidate</span>"))
        let sheet = try PhotoDecoder.decode(bytes: Files.read(directory.appending("sheet.jpg")))
        XCTAssertEqual(sheet.width, 3 * 262 + 6)
        XCTAssertEqual(sheet.height, 8 * 262 + 6)
    }
}
