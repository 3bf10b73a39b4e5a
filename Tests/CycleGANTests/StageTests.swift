import Photos
import Tensors
import XCTest

@testable import CycleGAN

/// Settings that change on the way.
final class StageTests: XCTestCase {
    func testStagesAreReadAndWritten() throws {
        let text = "800 sizes=480,640 grain=0.05; 2000 style-weight=2"
        let stages = try XCTUnwrap(TrainingStage.parse(text))
        XCTAssertEqual(stages.map(\.start), [800, 2000])
        XCTAssertEqual(TrainingStage.text(stages), text)
        XCTAssertEqual(TrainingStage.parse("none"), [])
        for wrong in [
            "", "800", "800 sizes=x", "800 sizes", "800 base-channels=8", "0 grain=0.1", "800 grain=0.1; 700 grain=0.2",
            "a grain=0.1",
            "800 grain=0.1;",
        ] {
            XCTAssertNil(TrainingStage.parse(wrong), wrong)
        }
    }

    func testEachStageAddsItsChanges() throws {
        var c = TrainingConfiguration()
        c.stages = try XCTUnwrap(TrainingStage.parse("10 grain=0.05 sizes=480; 20 sizes=none lambda-cycle=3"))
        XCTAssertEqual([0, 9, 10, 19, 20, 99].map { c.stage(at: $0) }, [0, 0, 1, 1, 2, 2])
        XCTAssertEqual(c.allSettings.map(\.grain), [0, 0.05, 0.05])
        XCTAssertEqual(c.allSettings.map(\.sizes), [[], [480], []])
        XCTAssertEqual(c.allSettings.map(\.lambdaCycle), [10, 10, 3])
    }

    func testCropsFollowTheStage() throws {
        var c = TrainingConfiguration()
        (c.loadSize, c.cropSize, c.batch) = (40, 32, 2)
        c.stages = try XCTUnwrap(TrainingStage.parse("3 sizes=480,640 photo-sizes=256"))
        var order = DataOrder(c, photos: 5, paintings: 5)
        for number in 0..<6 { XCTAssertNil(order.pair(number).paintingCrop.shortSide, "\(number)") }
        let later = (6..<60).map { order.pair($0) }
        XCTAssertEqual(Set(later.map(\.paintingCrop.shortSide)), [480, 640])
        XCTAssertEqual(Set(later.map(\.photoCrop.shortSide)), [256])
        XCTAssertTrue(later.allSatisfy { (0..<DataOrder.cornerUnit).contains($0.photoCrop.x) })
    }

    func testAspectIsKept_andNothingIsEnlargedByMoreThanATenth() {
        func size(_ width: Int, _ height: Int, _ short: Int?) -> [Int] {
            let photo = Photo(
                width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height * 3), format: .png)
            let size = TrainingData.resized(photo, short, (load: 40, crop: 32))
            return [size.width, size.height]
        }
        XCTAssertEqual(size(200, 100, nil), [40, 40])
        XCTAssertEqual(size(200, 100, 50), [100, 50])
        XCTAssertEqual(size(100, 200, 104), [104, 208])
        XCTAssertEqual(size(200, 100, 640), [220, 110])
        XCTAssertEqual(size(20, 200, 640), [32, 320], "a crop must fit")
    }

    /// A run with every setting beyond the paper, interrupted in its second stage, gives the bits of one that was not.
    func testAPainterlyRunResumesToTheSameBits() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 6)
        c.variant = .hybrid
        c.featureWeights = try place.featureWeights(convolutions: [0, 2, 5, 7, 10, 12, 14])
        (c.loadSize, c.cropSize) = (72, 64)
        for (key, text) in [
            ("style-weight", "5"), ("style-end-weight", "2"), ("style-clusters", "2"), ("style-roots", "true"),
            ("feature-adversarial-weight", "0.5"),
            ("colour-weight", "2"), ("spot-weight", "50"), ("spike-weight", "5"), ("lattice-weight", "500"),
            ("content-weight", "1"),
            ("identity-every", "2"), ("ema", "0.9"), ("upsampling", "bilinear"),
            ("downsampling-padding", "reflection"), ("skip", "colours"),
            ("stages", "2 photo-sizes=64,70 sizes=64 grain=0.05; 5 crop-size=68 sizes=68 photo-sizes=70"),
        ] { try c.set(key, text) }
        var losses: [StepLosses] = []
        _ = try Trainer(c, directory: place.path + "/whole").train {
            losses.append($0.losses); return true
        }
        // Few activations of so small a network come near to a spike.
        let sometimes: [LossTerm] = [.identityX, .identityY, .spot, .spike]
        for term in LossTerm.allCases where !sometimes.contains(term) {
            XCTAssertTrue(losses.allSatisfy { $0[term] != 0 }, "\(term.name) took no part")
        }
        XCTAssertEqual(losses.map { $0[.identityX] != 0 }, [true, false, true, false, true, false])
        _ = try Trainer(c, directory: place.path + "/parts").train { $0.iteration < 3 }
        _ = try Trainer.resuming(place.path + "/parts").train { _ in true }
        XCTAssertEqual(try place.data("whole/model.safetensors"), try place.data("parts/model.safetensors"))
    }

    func testAnOlderTableOfLossesIsTakenOver() {
        let rows = LossLog.rows("iteration,cycle.x,seconds\n1,0.5,2\n2,0.25,3\n3,0.1")
        XCTAssertEqual(rows.map(\.count), [LossLog.columns.count, LossLog.columns.count])
        func column(_ name: String) -> [Float] { rows.map { $0[LossLog.columns.firstIndex(of: name)!] } }
        XCTAssertEqual(column("iteration"), [1, 2])
        XCTAssertEqual(column("cycle.x"), [0.5, 0.25])
        XCTAssertEqual(column("seconds"), [2, 3])
        XCTAssertEqual(column("style"), [0, 0])
    }
}
