import Foundation
import Photos
import Weights
import XCTest

@testable import CycleGAN

/// Folders of small made-up photos and paintings, and a place for runs; removed after the test.
final class RunDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try makeImages("photos", count: 12, seed: 1)
        try makeImages("paintings", count: 5, seed: 2)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func makeImages(_ folder: String, count: Int, seed: UInt64) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        for i in 0..<count {
            var random = SeededGenerator(seed: seed, purpose: "image", number: i)
            let (width, height) = (30 + random.below(20), 30 + random.below(20))
            let colours = (0..<6).map { _ in random.below(256) }
            var pixels: [UInt8] = []
            for y in 0..<height {
                for x in 0..<width {
                    let part = (x * 2 + y) % 40 < 20 ? 0 : 3
                    for c in 0..<3 { pixels.append(UInt8((colours[part + c] + x * y / 8) & 255)) }
                }
            }
            let photo = Photo(width: width, height: height, pixels: pixels, format: .png)
            let bytes = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png))
            try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(folder)/\(i).png"))
        }
    }

    /// A run of seconds, without the semantic loss.
    func configuration(iterations: Int) -> TrainingConfiguration {
        var c = TrainingConfiguration()
        (c.photos, c.paintings) = (path + "/photos", path + "/paintings")
        (c.loadSize, c.cropSize) = (40, 32)
        c.variant = .leakyReLU
        (c.baseChannels, c.residualBlocks, c.discriminatorChannels) = (4, 1, 4)
        c.upsampling = .resize
        c.iterations = iterations
        (c.checkpointEvery, c.sampleEvery, c.poolSize) = (4, 1000, 3)
        return c
    }

    /// A feature network of three channels, as deep as relu1_2 or as the convolutions given.
    func featureWeights(convolutions: [Int] = [0, 2]) throws -> String {
        let path = path + "/features.safetensors"
        var random = SeededGenerator(seed: 7, purpose: "features")
        let tensors: [(name: String, shape: [Int], values: [Float])] = convolutions.map { "features.\($0)" }.flatMap {
            key in
            [
                (key + ".weight", [3, 3, 3, 3], (0..<81).map { _ in Float(random.normal() * 0.3) }),
                (key + ".bias", [3], [0.1, 0.2, 0.3]),
            ]
        }
        try Safetensors.write(path, tensors: tensors, metadata: [:])
        return path
    }

    func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }

    /// Of losses.csv, without the time that iterations took.
    func losses(_ run: String) throws -> [String] {
        String(decoding: try data(run + "/losses.csv"), as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: ",").dropLast().joined(separator: ",")
        }
    }
}

/// Notices of a run.
final class Notices: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    func add(_ line: String) { lock.withLock { lines.append(line) } }
    var all: [String] { lock.withLock { lines } }
}
