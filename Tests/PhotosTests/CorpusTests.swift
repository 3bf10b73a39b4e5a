import Foundation
import XCTest

@testable import Photos

/// Files that others wrote, in the folder that CYCLEGAN_STYLED_CORPUS names (or in its subfolder `images`).
final class CorpusTests: XCTestCase {
    private func corpus(_ folder: String) throws -> URL {
        guard let path = ProcessInfo.processInfo.environment["CYCLEGAN_STYLED_CORPUS"] else {
            throw XCTSkip("CYCLEGAN_STYLED_CORPUS is not set: the image corpora were not read")
        }
        let root = URL(fileURLWithPath: path)
        for candidate in [root.appendingPathComponent("images"), root] {
            let found = candidate.appendingPathComponent(folder)
            if FileManager.default.fileExists(atPath: found.path) { return found }
        }
        throw XCTSkip("\(path) has no \(folder): it was not read")
    }

    private func files(_ folder: URL) throws -> [URL] {
        let extensions: Set = ["png", "jpg", "mpo"]
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { extensions.contains($0.pathExtension) }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    func testPngSuiteEqualsItsGroundTruth() throws {
        let folder = try corpus("pngsuite")
        var compared = 0, refused = 0
        for file in try files(folder) {
            let name = file.deletingPathExtension().lastPathComponent
            if name.hasPrefix("x") {
                XCTAssertNotNil(photoError { _ = try PhotoDecoder.decode(contentsOf: file.path) }, name)
                refused += 1
                continue
            }
            let truth = folder.appendingPathComponent("rgba/\(name).json")
            guard let data = try? Data(contentsOf: truth) else { continue }
            let numbers = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [Int], name)
            let photo = try PhotoDecoder.decode(contentsOf: file.path, colour: .none)
            XCTAssertEqual(numbers.count, photo.width * photo.height * 4, name)
            let is16Bit = name.hasSuffix("16")
            var largest = 0.0
            for pixel in 0..<photo.width * photo.height {
                let ours = photo.pixels[3 * pixel..<3 * pixel + 3] + [photo.alpha?[pixel] ?? 255]
                for (channel, value) in ours.enumerated() {
                    let expected = Double(numbers[4 * pixel + channel]) / (is16Bit ? 257 : 1)
                    largest = max(largest, abs(Double(value) - expected))
                }
            }
            XCTAssertLessThanOrEqual(largest, is16Bit ? 1 : 0, name)
            compared += 1
        }
        XCTAssertEqual(refused, 14)
        XCTAssertGreaterThan(compared, 150)
    }

    func testOrientationExamplesAllLookAlike() throws {
        let folder = try corpus("exif-orientation")
        for shape in ["Landscape", "Portrait"] {
            let upright = try PhotoDecoder.decode(contentsOf: folder.appendingPathComponent("\(shape)_1.jpg").path)
            for orientation in 0...8 {
                let file = folder.appendingPathComponent("\(shape)_\(orientation).jpg")
                let photo = try PhotoDecoder.decode(contentsOf: file.path)
                XCTAssertEqual(photo.width, upright.width)
                XCTAssertEqual(photo.height, upright.height)
                XCTAssertLessThan(difference(photo.pixels, upright.pixels).mean, 4, file.lastPathComponent)
            }
        }
    }

    private struct Expectation: Decodable, Equatable {
        let width: Int, height: Int
        let means: [Double]
    }

    /// The means of a 4 x 4 grid of overlapping fields, as make-golden.py computes them.
    private func gridMeans(_ photo: Photo) -> [Double] {
        var means: [Double] = []
        for row in 0..<4 {
            for column in 0..<4 {
                let top = row * photo.height / 4, left = column * photo.width / 4
                let bottom = max(((row + 1) * photo.height + 3) / 4, top + 1)
                let right = max(((column + 1) * photo.width + 3) / 4, left + 1)
                var sums = [0.0, 0, 0]
                for y in top..<bottom {
                    for x in left..<right {
                        let first = 3 * (y * photo.width + x)
                        for channel in 0..<3 { sums[channel] += Double(photo.pixels[first + channel]) }
                    }
                }
                means += sums.map { $0 / Double((bottom - top) * (right - left)) }
            }
        }
        return means
    }

    func testHardCasesAreReadAsPillowDoesOrRefusedWithReason() throws {
        let data = Data(try TestFiles.bytes("hard-cases.json"))
        let expectations = try JSONDecoder().decode([String: Expectation?].self, from: data)
        // What Pillow reads and we do not: its entropy-coded data are corrupt, and Pillow does not say so.
        let refusedByChoice: Set = ["hopper_bad_exif.jpg"]
        // What Pillow refuses and we read: only its end is missing.
        let readByChoice: Set = ["truncated_end_chunk.png"]
        var read = 0
        for file in try files(corpus("hard-cases")) {
            let name = file.lastPathComponent
            do {
                let photo = try PhotoDecoder.decode(contentsOf: file.path, colour: .none)
                if readByChoice.contains(name) {
                    XCTAssertEqual(photo.warnings, ["the PNG is odd, but its pixels are whole: its end is missing"])
                    continue
                }
                let expected = try XCTUnwrap(expectations[name] ?? nil, "\(name): Pillow refuses it")
                XCTAssertEqual([photo.width, photo.height], [expected.width, expected.height], name)
                for (ours, theirs) in zip(gridMeans(photo), expected.means) {
                    XCTAssertEqual(ours, theirs, accuracy: 2, name)
                }
                read += 1
            } catch let error as PhotoError {
                XCTAssertFalse(error.reason.isEmpty)
                let isExpected = (expectations[name] ?? nil) == nil || refusedByChoice.contains(name)
                XCTAssertTrue(isExpected, "\(name): \(error.reason)")
            }
        }
        XCTAssertGreaterThan(read, 50)
    }

    /// docs/images.md lists what becomes of every file; CYCLEGAN_STYLED_REWRITE_DOCS=1 brings it up to date.
    func testTableOfOutcomesIsUpToDate() throws {
        var rows = ["| file | outcome |", "|---|---|"]
        for folder in ["hard-cases", "exif-orientation", "pngsuite"] {
            for file in try files(corpus(folder)) {
                rows.append("| \(folder)/\(file.lastPathComponent) | \(outcome(file)) |")
            }
        }
        let table = rows.joined(separator: "\n") + "\n"
        let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/images.md").standardizedFileURL
        let text = try String(contentsOf: document, encoding: .utf8)
        let start = try XCTUnwrap(text.range(of: "| file | outcome |"))
        if ProcessInfo.processInfo.environment["CYCLEGAN_STYLED_REWRITE_DOCS"] == "1" {
            try (text[..<start.lowerBound] + table).write(to: document, atomically: true, encoding: .utf8)
        } else {
            XCTAssertEqual(String(text[start.lowerBound...]), table)
        }
    }

    private func outcome(_ file: URL) -> String {
        do {
            let photo = try PhotoDecoder.decode(contentsOf: file.path)
            var parts = ["\(photo.width) x \(photo.height)" + (photo.alpha == nil ? "" : ", alpha")]
            if photo.metadata.orientation != 1 { parts.append("turned from orientation \(photo.metadata.orientation)") }
            if let profile = photo.metadata.profile { parts.append("from \(profile)") }
            return (parts + photo.warnings).joined(separator: "; ")
        } catch {
            return "refused: \(error)"
        }
    }
}
