import XCTest

@testable import Photos

final class EncodingTests: XCTestCase {
    private func source() throws -> Photo { try PhotoDecoder.decode(bytes: TestFiles.bytes("rgba.png")) }

    func testPNGRoundTripIsExact_withAndWithoutAlpha() throws {
        var photo = try source()
        var copy = try PhotoDecoder.decode(bytes: PhotoEncoder.encode(photo, options: EncodingOptions(format: .png)))
        XCTAssertEqual(copy.pixels, photo.pixels, "also where alpha is 0")
        XCTAssertEqual(copy.alpha, photo.alpha)
        XCTAssertTrue(photo.alpha!.contains(0))
        photo.alpha = nil
        copy = try PhotoDecoder.decode(bytes: PhotoEncoder.encode(photo, options: EncodingOptions(format: .png)))
        XCTAssertEqual(copy.pixels, photo.pixels)
        XCTAssertNil(copy.alpha)
    }

    func testAlphaIsFlattenedOnWhite_inJPEG() throws {
        let photo = try source()
        let options = EncodingOptions(format: .jpeg, quality: 100, subsampling: .yuv444)
        let copy = try PhotoDecoder.decode(bytes: PhotoEncoder.encode(photo, options: options))
        let flat = photo.pixels.enumerated().map { index, value -> UInt8 in
            let alpha = Double(photo.alpha![index / 3]) / 255
            return UInt8((Double(value) * alpha + 255 * (1 - alpha)).rounded())
        }
        XCTAssertLessThanOrEqual(difference(copy.pixels, flat).mean, 1)
        XCTAssertNil(copy.alpha)
    }

    func testNotesOfTheWriterAreInThePicture_unlessItIsToHaveNoMetadata() throws {
        var photo = Photo(width: 8, height: 8, pixels: [UInt8](repeating: 90, count: 192))
        photo.metadata.comments = [Array("of the photo".utf8)]
        let note = PhotoText(keyword: Array("Software".utf8), text: Array("a program".utf8))
        for format in [PhotoFormat.jpeg, .png] {
            for policy in MetadataPolicy.allCases {
                var options = EncodingOptions(format: format, metadata: policy)
                options.notes = [note]
                let metadata = try PhotoDecoder.decode(bytes: PhotoEncoder.encode(photo, options: options)).metadata
                let said =
                    metadata.comments.map { String(decoding: $0, as: UTF8.self) }
                    + metadata.texts.map { String(decoding: $0.keyword + Array(": ".utf8) + $0.text, as: UTF8.self) }
                XCTAssertEqual(
                    said.filter { $0 == "Software: a program" }.count, policy == .none ? 0 : 1,
                    "\(format) \(policy): \(said)")
                XCTAssertEqual(
                    said.contains { $0.contains("of the photo") }, policy == .all, "\(format) \(policy): \(said)")
            }
        }
    }

    func testQualityAndSubsamplingAreHonoured() throws {
        let photo = try PhotoDecoder.decode(bytes: TestFiles.bytes("rgb.png"))
        var errors: [Double] = []
        for (quality, subsampling) in [(100, ChromaSubsampling.yuv444), (92, .yuv444), (92, .yuv420), (20, .yuv420)] {
            let options = EncodingOptions(format: .jpeg, quality: quality, subsampling: subsampling)
            let bytes = try PhotoEncoder.encode(photo, options: options)
            errors.append(difference(try PhotoDecoder.decode(bytes: bytes).pixels, photo.pixels).mean)
            // The frame header: sampling factors of the first component.
            let frame = try XCTUnwrap(bytes.withUnsafeBytes { ByteReader($0).firstIndex(of: [0xFF, 0xC0]) })
            XCTAssertEqual(bytes[frame + 11], subsampling == .yuv444 ? 0x11 : 0x22)
        }
        XCTAssertEqual(errors, errors.sorted())
        XCTAssertLessThan(errors[0], 1)
        XCTAssertGreaterThan(errors[3], errors[0] * 5)
    }

    func testHuffmanTablesAreOptimised() throws {
        let photo = Photo(width: 64, height: 64, pixels: [UInt8](repeating: 90, count: 64 * 64 * 3))
        let bytes = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg, metadata: .none))
        // The standard tables have 162 symbols for AC alone.
        let table = try XCTUnwrap(bytes.withUnsafeBytes { ByteReader($0).firstIndex(of: [0xFF, 0xC4]) })
        XCTAssertLessThan(Int(bytes[table + 2]) << 8 | Int(bytes[table + 3]), 30)
    }

    func testOutputIsTaggedSRGB() throws {
        let photo = try source()
        let jpeg = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg, metadata: .none))
        let copy = try PhotoDecoder.decode(bytes: jpeg)
        XCTAssertEqual(copy.metadata.profile?.contains("sRGB"), true)
        XCTAssertEqual(copy.pixels, try PhotoDecoder.decode(bytes: jpeg, colour: .none).pixels)
        let png = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png, metadata: .none))
        XCTAssertTrue(png.contains(sequence: Array("sRGB".utf8)))
    }

    func testEqualInputGivesEqualBytes() throws {
        let photo = try source()
        for format in PhotoFormat.written {
            let options = EncodingOptions(format: format)
            XCTAssertEqual(
                try PhotoEncoder.encode(photo, options: options), try PhotoEncoder.encode(photo, options: options))
        }
    }

    func testTooLargeForJPEGIsRefusedWithTheRemedy() {
        let photo = Photo(width: 65_501, height: 1, pixels: [UInt8](repeating: 0, count: 65_501 * 3))
        let error = photoError { _ = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg)) }
        XCTAssertEqual(error?.kind, .unsupported)
        XCTAssertEqual(error?.reason.contains("write PNG"), true)
        XCTAssertNoThrow(try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png)))
    }
}
