import Foundation
import Photos
import Tensors
import XCTest

@testable import CycleGAN

final class PartTests: XCTestCase {
    private func image(_ value: Float) -> Tensor { Tensor(Shape(1, 1, 1, 3), values: [value, value, value]) }

    func testThePoolStoresUntilItIsFullThenExchangesEverySecondImage() {
        var pool = ImagePool(capacity: 50), random = SeededGenerator(seed: 3, purpose: "test")
        for i in 0..<50 { XCTAssertEqual(pool.exchange(image(Float(i)), &random).pointer[0], Float(i)) }
        var older = 0, drawn: Set<Float> = []
        for i in 50..<2050 {
            let before = Set(pool.images.map { $0.pointer[0] })
            let seen = pool.exchange(image(Float(i)), &random).pointer[0]
            let after = Set(pool.images.map { $0.pointer[0] })
            if seen == Float(i) {
                // Returned, and not stored.
                XCTAssertEqual(before, after)
            } else {
                older += 1
                drawn.insert(seen)
                XCTAssertEqual(after, before.subtracting([seen]).union([Float(i)]))
            }
        }
        // 2,000 draws at one half: the deviation is 22.
        XCTAssertEqual(Double(older), 1000, accuracy: 120)
        XCTAssertEqual(drawn.count, older)
    }

    func testAPoolOfNothingPassesEverythingOn() {
        var pool = ImagePool(capacity: 0), random = SeededGenerator(seed: 3, purpose: "test")
        for i in 0..<100 { XCTAssertEqual(pool.exchange(image(Float(i)), &random).pointer[0], Float(i)) }
        XCTAssertTrue(pool.images.isEmpty)
    }

    func testTheLearningRateDecaysAsInTheOriginalProject() {
        // 100 and 100 epochs: 0.990 first in epoch 101, 0.0099 in epoch 200.
        let schedule = LearningRateSchedule(base: 2e-4, units: 200, iterationsPerUnit: 10)
        XCTAssertEqual(schedule.rate(0), 2e-4)
        XCTAssertEqual(schedule.rate(999), 2e-4)
        XCTAssertEqual(schedule.rate(1000) / 2e-4, 1 - 1 / 101.0, accuracy: 1e-12)
        XCTAssertEqual(schedule.rate(1009), schedule.rate(1000))
        XCTAssertEqual(schedule.rate(1999) / 2e-4, 1 - 100 / 101.0, accuracy: 1e-12)
        XCTAssertGreaterThan(LearningRateSchedule(base: 1, units: 1).rate(0), 0)
    }

    func testInitialWeightsAreNormalWithDeviationOfOneFiftieth() {
        let values = Initialization.values(seed: 1, network: "G", key: "model.1.weight", shape: [100, 100, 3, 3]).map(
            Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        XCTAssertEqual(mean, 0, accuracy: 3e-4)
        XCTAssertEqual(deviation, 0.02, accuracy: 2e-4)
        XCTAssertEqual(Double(values.filter { abs($0) < 0.02 }.count) / Double(values.count), 0.6827, accuracy: 0.006)
        XCTAssertEqual(Initialization.values(seed: 1, network: "G", key: "model.1.bias", shape: [4]), [0, 0, 0, 0])
        XCTAssertNotEqual(
            Initialization.values(seed: 1, network: "G", key: "a.weight", shape: [4]),
            Initialization.values(seed: 1, network: "F", key: "a.weight", shape: [4]))
    }

    func testEachPassTakesEveryPhotoOnceAndPaintingsAtRandom() {
        var configuration = TrainingConfiguration()
        (configuration.seed, configuration.loadSize, configuration.cropSize) = (5, 40, 32)
        var order = DataOrder(configuration, photos: 40, paintings: 7)
        let pairs = (0..<400).map { order.pair($0) }
        func index(_ image: TrainingPair.Image) -> Int { if case .index(let i) = image { i } else { -1 } }
        let passes = stride(from: 0, to: 400, by: 40).map { pairs[$0..<$0 + 40].map { index($0.photo) } }
        for pass in passes { XCTAssertEqual(pass.sorted(), Array(0..<40)) }
        XCTAssertEqual(Set(passes).count, 10, "the order is not shuffled anew")
        XCTAssertEqual(Set(pairs.map { index($0.painting) }), Set(0..<7))
        XCTAssertEqual(Set(pairs.map(\.photoCrop.x)), Set(0...8))
        // Both flips, and independently of each other: all four combinations about as often.
        for (a, b) in [(true, true), (true, false), (false, true), (false, false)] {
            let count = pairs.filter { $0.photoCrop.isFlipped == a && $0.paintingCrop.isFlipped == b }.count
            XCTAssertEqual(Double(count), 100, accuracy: 40)
        }
        // From any point on, without what was before: what a resumed run does.
        var again = DataOrder(configuration, photos: 40, paintings: 7)
        XCTAssertEqual(again.pair(333), pairs[333])
    }

    func testCropsAndFlipsTakeTheRightPixels() throws {
        let place = try RunDirectory()
        var c = place.configuration(iterations: 1)
        c.loadSize = 40
        // No resizing: a photo of the load size whose colours are its coordinates.
        var pixels: [UInt8] = []
        for y in 0..<40 { for x in 0..<40 { pixels += [UInt8(x), UInt8(y), 7] } }
        let photo = Photo(width: 40, height: 40, pixels: pixels, format: .png)
        try Data(PhotoEncoder.encode(photo, options: EncodingOptions(format: .png))).write(
            to: URL(fileURLWithPath: c.photos + "/known.png"))
        let pairs = "# photo, painting, crops\nknown.png\t0.png\t3,5,0\t0,0,0\nknown.png\t0.png\t3,5,1\t8,8,1\n"
        c.pairs = place.path + "/pairs.tsv"
        try Data(pairs.utf8).write(to: URL(fileURLWithPath: c.pairs!))
        let data = try TrainingData(c) { _ in }
        XCTAssertEqual(data.epochLength, 2)
        func colour(_ t: Tensor, _ x: Int, _ y: Int) -> [Int] {
            (0..<3).map { Int(((t.pointer[(y * 32 + x) * 3 + $0] + 1) * 127.5).rounded()) }
        }
        let plain = try data.load(data.pair(0)).x, flipped = try data.load(data.pair(1)).x
        XCTAssertEqual(colour(plain, 0, 0), [3, 5, 7])
        XCTAssertEqual(colour(plain, 31, 30), [34, 35, 7])
        XCTAssertEqual(colour(flipped, 0, 0), [34, 5, 7])
        XCTAssertEqual(colour(flipped, 31, 30), [3, 35, 7])
        XCTAssertEqual(data.pair(2), data.pair(0))
        XCTAssertThrowsError(try PairsFile.parse("a\tb\t0,0,0\t9,0,0\n", path: "p.tsv", loadSize: 40, cropSize: 32)) {
            XCTAssertTrue("\($0)".hasPrefix("p.tsv:1:"), "\($0)")
        }
    }

    func testTheAlarmKnowsInversionAndCollapse() {
        func filled(_ f: (Int) -> Float) -> Tensor { Tensor(Shape(1, 8, 8, 3), values: (0..<192).map(f)) }
        let x = filled { Float($0 % 17) / 8 - 1 }
        func warnings(_ picture: Tensor) -> [String] {
            var alarm = CollapseAlarm()
            return (0..<300).compactMap { _ in alarm.check(CollapseAlarm.statistics(x, picture)) }
        }
        XCTAssertEqual(warnings(filled { x.pointer[$0] * 0.5 + 0.1 }), [])
        let inverted = warnings(filled { -x.pointer[$0] }), grey = warnings(filled { 0.2 + 0.01 * x.pointer[$0] })
        XCTAssertTrue(inverted.count == 1 && inverted[0].contains("inverted"), "\(inverted)")
        XCTAssertTrue(grey.count == 1 && grey[0].contains("one colour"), "\(grey)")
        // Interrupted before and after it is raised.
        var alarm = CollapseAlarm(), raised: [Int] = []
        for number in 1...300 {
            if alarm.check(CollapseAlarm.statistics(x, filled { -x.pointer[$0] })) != nil { raised.append(number) }
            if number == 60 || number == 150 { alarm = CollapseAlarm(state: alarm.state)! }
        }
        XCTAssertEqual(raised, [100])
        XCTAssertNil(CollapseAlarm(state: "1 x"))
    }

    func testStabilizedDiscriminatorKeepsTheShapesAndLimitsTheGain() {
        func initial(_ key: String, _ shape: [Int]) -> [Float] {
            Initialization.values(seed: 4, network: "DX", key: key, shape: shape).map { $0 * 50 }
        }
        let x = Tensor(Shape(1, 64, 64, 3), values: (0..<64 * 64 * 3).map { Float($0 % 101) / 50 - 1 })
        for antialiased in [false, true] {
            func largest(spectral: Bool) -> Float {
                let network = StabilizedDiscriminator(
                    channels: 8, antialiased: antialiased, spectral: spectral, initial: initial)
                let judged = network(x, Tape())
                XCTAssertEqual(judged.shape, Shape(1, 6, 6, 1))
                XCTAssertEqual(network.singularVectors.count, spectral ? 5 : 0)
                return judged.values.map(abs).max()!
            }
            // The last layer's weight, 1,024 values of deviation 1, has the singular value 32.
            XCTAssertEqual(largest(spectral: false) / largest(spectral: true), 32, accuracy: 3)
        }
    }

    func testGradientsAreClippedTogether() {
        func networks(_ limit: Double?) -> CycleGANModel {
            func initial(_ network: String) -> (String, [Int]) -> [Float] {
                { Initialization.values(seed: 9, network: network, key: $0, shape: $1) }
            }
            let description = TrainingConfiguration().generator
            var small = description
            (small.baseChannels, small.residualBlocks) = (4, 1)
            let model = CycleGANModel(
                g: .init(small, initial: initial("G")), f: .init(small, initial: initial("F")),
                dx: StabilizedDiscriminator(channels: 4, antialiased: false, spectral: false, initial: initial("DX")),
                dy: StabilizedDiscriminator(channels: 4, antialiased: false, spectral: false, initial: initial("DY")))
            model.largestGradientNorm = limit
            let x = Tensor(Shape(1, 32, 32, 3), values: (0..<3072).map { Float($0 % 37) / 18 - 1 })
            let y = Tensor(Shape(1, 32, 32, 3), values: (0..<3072).map { Float($0 % 23) / 11 - 1 })
            _ = model.step(x: x, y: y, learningRate: 1e-4)
            return model
        }
        /// Adam's first moment after one step is half of the gradient.
        func norm(_ model: CycleGANModel, _ names: [String]) -> Double {
            model.networks.filter { names.contains($0.name) }.flatMap(\.network.parameters).flatMap(
                \.firstMoment.values
            )
            .reduce(0) { $0 + 4 * Double($1) * Double($1) }.squareRoot()
        }
        let free = networks(nil), clipped = networks(0.25)
        XCTAssertGreaterThan(norm(free, ["G", "F"]), 0.3)
        XCTAssertEqual(norm(clipped, ["G", "F"]), 0.25, accuracy: 1e-4)
        XCTAssertEqual(norm(clipped, ["DX", "DY"]), min(0.25, norm(free, ["DX", "DY"])), accuracy: 1e-4)
    }
}
