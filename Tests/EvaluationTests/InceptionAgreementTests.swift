import CycleGAN
import Foundation
import Networks
import Photos
import Weights
import XCTest

@testable import Evaluation

/// Features and distances against pytorch-fid's and clean-fid's own (`Tests/Golden/golden_inception.py`).
final class InceptionAgreementTests: XCTestCase {
    private static func golden(_ name: String) throws -> WeightsFile {
        let folder = try XCTUnwrap(Bundle.module.url(forResource: "golden", withExtension: nil))
        return try Safetensors.read(folder.appendingPathComponent(name).path)
    }

    private func corpus() throws -> String {
        guard let path = ProcessInfo.processInfo.environment["CYCLEGAN_STYLED_CORPUS"] else {
            throw XCTSkip("CYCLEGAN_STYLED_CORPUS is not set: the real Inception weights were not compared")
        }
        return path
    }

    /// With random weights of full size, at all four dimensions.
    func testRandomWeightsOfFullSizeAgree_at2048() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "inception-\(UUID().uuidString).safetensors"
        ).path
        try Safetensors.write(path, tensors: InceptionGoldenInputs.randomWeights(to: .mixed7c), metadata: [:])
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try Safetensors.read(path), golden = try Self.golden("inception-random.safetensors")
        try compare(InceptionV3(file, tap: .mixed7c), golden, "made", made(1, golden), made(2, golden))
    }

    func testRealWeightsAgree_onPicturesFromNumbers() throws {
        let file = try Safetensors.read(try corpus() + "/weights/inception-2015-12-05-to-mixed_6e.safetensors")
        let golden = try Self.golden("inception-real.safetensors")
        try compare(InceptionV3(file, tap: .mixed6e), golden, "made", made(1, golden), made(2, golden))
    }

    func testRealWeightsAgree_onPhotosAndPaintings() throws {
        let corpus = try corpus()
        let file = try Safetensors.read(corpus + "/weights/inception-2015-12-05-to-mixed_6e.safetensors")
        let golden = try Self.golden("inception-real.safetensors"), count = Int(golden.metadata["corpus-pictures"]!)!
        func first(_ folder: String) throws -> ImageList {
            let images = try ImageFolder("\(corpus)/\(folder)")
            return ImageList(try (0..<count).map { try images.photo($0, colour: .none) })
        }
        try compare(InceptionV3(file, tap: .mixed6e), golden, "corpus", first("photos"), first("paintings"))
    }

    private func made(_ collection: UInt64, _ golden: WeightsFile) -> ImageList {
        ImageList((0..<Int(golden.metadata["pictures"]!)!).map { InceptionGoldenInputs.picture(collection, $0) })
    }

    private func compare(
        _ network: InceptionV3, _ golden: WeightsFile, _ set: String, _ left: ImageList, _ right: ImageList
    ) throws {
        let taps = InceptionV3.Tap.allCases.filter { $0 <= network.tap }
        for (mode, name) in [(InceptionMode.pytorchFID, "pytorch-fid"), (.clean, "clean-fid")] {
            var tables = taps.map { tap in
                (FeatureTable(dimensions: tap.rawValue), FeatureTable(dimensions: tap.rawValue))
            }
            for photo in left.photos {
                for (i, row) in network(mode.input(photo, in: .default), at: taps).enumerated() {
                    tables[i].0.append(row[0])
                }
            }
            for photo in right.photos {
                for (i, row) in network(mode.input(photo, in: .default), at: taps).enumerated() {
                    tables[i].1.append(row[0])
                }
            }
            for (tap, (a, b)) in zip(taps, tables) {
                let label = "\(name) \(set) \(tap.rawValue)"
                if let stored = golden.tensors["\(name).features.\(tap.rawValue)"], set == "made" {
                    let expected = try stored.floats()
                    for image in 0..<stored.shape[0] {
                        let wanted = expected[image * a.dimensions..<(image + 1) * a.dimensions],
                            largest = wanted.map(abs).max()!
                        let worst = zip(a.row(image), wanted).map { abs($0 - $1) }.max()!
                        XCTAssertLessThan(worst / largest, 1e-4, "\(label), image \(image)")
                    }
                }
                func figure(_ what: String) throws -> Double {
                    Double(try golden.floats("\(name).\(set).\(what).\(tap.rawValue)")[0])
                }
                let (fid, kid) = try (figure("fid"), figure("kid"))
                XCTAssertEqual(try FrechetDistance.between(a, b), fid, accuracy: 1e-3 * fid, "\(label): FID")
                XCTAssertEqual(
                    try KernelDistance.between(a, b, sets: 0).value, kid, accuracy: 1e-3 * abs(kid), "\(label): KID")
            }
        }
    }
}
