import Foundation
import XCTest

@testable import Photos

/// Colours that are described without a profile.
final class ColourDescriptionTests: XCTestCase {
    private typealias Primaries = [SIMD2<Double>]
    private let d65 = SIMD2(0.3127, 0.3290)
    private let sRGB: Primaries = [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]]
    private let displayP3: Primaries = [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06]]

    /// RGB to XYZ, after SMPTE RP 177: columns are the primaries, scaled so that their sum is white.
    private func matrix(_ primaries: Primaries) -> [[Double]] {
        func xyz(_ p: SIMD2<Double>) -> [Double] { [p.x / p.y, 1, (1 - p.x - p.y) / p.y] }
        let columns = primaries.map(xyz)
        let rows = (0..<3).map { row in columns.map { $0[row] } }
        let scale = product(inverse(rows), xyz(d65))
        return rows.map { row in zip(row, scale).map { $0 * $1 } }
    }

    private func product(_ m: [[Double]], _ v: [Double]) -> [Double] {
        m.map { zip($0, v).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    private func inverse(_ m: [[Double]]) -> [[Double]] {
        func minor(_ r: Int, _ c: Int) -> Double {
            let (i, j, k, l) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3)
            return m[i][k] * m[j][l] - m[i][l] * m[j][k]
        }
        let determinant = (0..<3).reduce(0) { $0 + m[0][$1] * minor(0, $1) }
        return (0..<3).map { c in (0..<3).map { r in minor(r, c) / determinant } }
    }

    private func light(_ v: UInt8) -> Double {
        let s = Double(v) / 255
        return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4)
    }

    private func sample(_ light: Double) -> Double {
        let l = min(max(light, 0), 1)
        return 255 * (l <= 0.0031308 ? 12.92 * l : 1.055 * pow(l, 1 / 2.4) - 0.055)
    }

    /// Compares `photo` with the samples of `stored` seen with other primaries.
    private func assertConverted(
        _ photo: Photo, from stored: [UInt8], _ primaries: Primaries, _ toLight: (UInt8) -> Double, _ what: String
    ) {
        let (toXYZ, fromXYZ) = (matrix(primaries), inverse(matrix(sRGB)))
        var largest = 0.0, change = 0.0
        for pixel in stride(from: 0, to: stored.count, by: 3) {
            let expected = product(fromXYZ, product(toXYZ, stored[pixel..<pixel + 3].map(toLight)))
            for c in 0..<3 {
                largest = max(largest, abs(Double(photo.pixels[pixel + c]) - sample(expected[c])))
                change = max(change, abs(Double(photo.pixels[pixel + c]) - Double(stored[pixel + c])))
            }
        }
        XCTAssertLessThan(largest, 1, what)
        XCTAssertGreaterThan(change, 20, "\(what): a conversion must show")
    }

    private func chromaticities(_ white: SIMD2<Double>, _ primaries: Primaries) -> [UInt8] {
        Build.chunk(
            "cHRM",
            ([white] + primaries).flatMap { [$0.x, $0.y] }.flatMap {
                Build.bigEndian(Int(($0 * 100_000).rounded()), bytes: 4)
            })
    }

    private func png(_ chunks: [UInt8]) throws -> Photo {
        try PhotoDecoder.decode(bytes: Build.inserting(chunks: chunks, into: TestFiles.bytes("rgb.png")))
    }

    func testPrimariesOfAPNGAreConverted() throws {
        let stored = try TestFiles.bytes("rgb.png.rgb")
        let photo = try png(chromaticities(d65, displayP3) + Build.chunk("gAMA", Build.bigEndian(45_455, bytes: 4)))
        assertConverted(photo, from: stored, displayP3, light, "cHRM")
        XCTAssertEqual(photo.metadata.profile, "the primaries of the file")
        XCTAssertEqual(try png(chromaticities(d65, sRGB)).pixels, stored)
        XCTAssertEqual(
            try png(chromaticities(d65, displayP3) + Build.chunk("sRGB", [0])).pixels, stored, "sRGB outranks cHRM")
        let impossible = try png(chromaticities([0.3, 0.3], [[0.1, 0.1], [0.2, 0.2], [0.4, 0.4]]))
        XCTAssertEqual(impossible.pixels, stored)
        XCTAssertEqual(impossible.warnings, ["the colour profile does not fit the image and was ignored"])
    }

    func testCodePointsOfAPNGAreConverted() throws {
        let stored = try TestFiles.bytes("rgb.png.rgb")
        let sRGBTag = Build.chunk("sRGB", [0])
        assertConverted(
            try png(Build.chunk("cICP", [12, 13, 0, 1]) + sRGBTag), from: stored, displayP3, light, "cICP outranks sRGB"
        )
        assertConverted(
            try png(Build.chunk("cICP", [9, 1, 0, 1])), from: stored,
            [[0.708, 0.292], [0.17, 0.797], [0.131, 0.046]], light, "BT.2020")
        XCTAssertEqual(try png(Build.chunk("cICP", [1, 13, 0, 1])).pixels, stored)
        for others in [[9, 16, 0, 1], [12, 13, 0, 0], [2, 2, 0, 1], []] as [[UInt8]] {
            let photo = try png(Build.chunk("cICP", others))
            XCTAssertEqual(photo.pixels, stored)
            XCTAssertEqual(
                photo.warnings, ["the PNG's colours are coded for other screens (cICP) and were not converted"])
        }
    }

    /// EXIF with an interoperability directory that names the colour space, as cameras write it.
    private func exif(_ interoperability: String) -> [UInt8] {
        func entry(_ tag: Int, _ type: Int, _ count: Int, _ value: [UInt8]) -> [UInt8] {
            Build.bigEndian(tag, bytes: 2) + Build.bigEndian(type, bytes: 2) + Build.bigEndian(count, bytes: 4) + value
        }
        func directory(_ entries: [[UInt8]]) -> [UInt8] {
            Build.bigEndian(entries.count, bytes: 2) + entries.flatMap { $0 } + [0, 0, 0, 0]
        }
        let first = directory([entry(0x8769, 4, 1, [0, 0, 0, 26])])
        let second = directory([entry(0xA001, 3, 1, [0xFF, 0xFF, 0, 0]), entry(0xA005, 4, 1, [0, 0, 0, 56])])
        return Array("MM\0*".utf8) + [0, 0, 0, 8] + first + second
            + directory([entry(1, 2, 4, Array(interoperability.utf8) + [0])])
    }

    func testCamerasAdobeRGBIsConverted() throws {
        let stored = try TestFiles.bytes("ycbcr-444.jpg.rgb"), jpeg = try TestFiles.bytes("ycbcr-444.jpg")
        func segment(_ name: String) -> [UInt8] { Build.segment(0xE1, Exif.prefix + exif(name)) }
        let photo = try PhotoDecoder.decode(bytes: Build.inserting(segment("R03"), into: jpeg))
        assertConverted(
            photo, from: stored, [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]], { pow(Double($0) / 255, 2.199_218_75) },
            "Adobe RGB")
        XCTAssertEqual(photo.metadata.profile, "Adobe RGB")
        let copy = try PhotoDecoder.decode(
            bytes: PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg, metadata: .all)))
        XCTAssertEqual(copy.metadata.exif.flatMap(Exif.init)?.isAdobeRGB, false, "the output is sRGB and says so")
        XCTAssertEqual(copy.metadata.exif?.contains(sequence: Array("R98".utf8)), true)
        XCTAssertEqual(try PhotoDecoder.decode(bytes: Build.inserting(segment("R98"), into: jpeg)).pixels, stored)
    }
}
