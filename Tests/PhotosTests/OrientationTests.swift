import XCTest

@testable import Photos

final class OrientationTests: XCTestCase {
    func testEveryOrientationInBothByteOrders() throws {
        let jpeg = try TestFiles.bytes("ycbcr-444.jpg"), png = try TestFiles.bytes("rgba.png")
        let baseJPEG = try PhotoDecoder.decode(bytes: jpeg), basePNG = try PhotoDecoder.decode(bytes: png)
        for orientation in 0...9 {
            for isLittleEndian in [true, false] {
                let content = Build.ExifContent(isLittleEndian: isLittleEndian, orientation: orientation)
                let what = "orientation \(orientation), little-endian \(isLittleEndian)"
                let turned = try PhotoDecoder.decode(bytes: Build.inserting(Build.exifSegment(content), into: jpeg))
                checkTurned(turned, baseJPEG, orientation: orientation, "JPEG, \(what)")
                XCTAssertEqual(turned.metadata.orientation, (1...8).contains(orientation) ? orientation : 1)
                let chunk = Build.chunk("eXIf", Build.exif(content))
                let turnedPNG = try PhotoDecoder.decode(bytes: Build.inserting(chunks: chunk, into: png))
                checkTurned(turnedPNG, basePNG, orientation: orientation, "PNG, \(what)")
            }
        }
    }

    func testStripsMeet_whenTheImageHasMany() throws {
        let width = 2_000, height = 300
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for index in pixels.indices { pixels[index] = UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 13) }
        let base = Photo(width: width, height: height, pixels: pixels)
        let png = try PhotoEncoder.encode(base, options: EncodingOptions(format: .png))
        for orientation in 1...8 {
            let chunk = Build.chunk("eXIf", Build.exif(Build.ExifContent(orientation: orientation)))
            let turned = try PhotoDecoder.decode(bytes: Build.inserting(chunks: chunk, into: png))
            checkTurned(turned, base, orientation: orientation, "orientation \(orientation)")
        }
    }

    func testOrientationOfXMPCounts_whenEXIFHasNone() throws {
        let packet = XMPTests.packet(" tiff:Orientation=\"8\"")
        let xmp = Build.segment(0xE1, JPEGStructure.xmpPrefix + packet)
        let jpeg = try TestFiles.bytes("ycbcr-444.jpg")
        XCTAssertEqual(try PhotoDecoder.decode(bytes: Build.inserting(xmp, into: jpeg)).metadata.orientation, 8)
        let both = xmp + Build.exifSegment(Build.ExifContent(orientation: 3))
        XCTAssertEqual(try PhotoDecoder.decode(bytes: Build.inserting(both, into: jpeg)).metadata.orientation, 3)
    }

    func testOrientationStoredAsLong() throws {
        let segment = Build.exifSegment(Build.ExifContent(orientation: 5, orientationType: 4))
        let jpeg = Build.inserting(segment, into: try TestFiles.bytes("grey.jpg"))
        XCTAssertEqual(try PhotoDecoder.decode(bytes: jpeg).metadata.orientation, 5)
    }

    func testDamagedExifIsLeftOutWithWarning() throws {
        let segment = Build.segment(0xE1, Exif.prefix + Array("II*\0\u{7F}\u{7F}\u{7F}\u{7F}".utf8))
        let photo = try PhotoDecoder.decode(bytes: Build.inserting(segment, into: TestFiles.bytes("grey.jpg")))
        XCTAssertNil(photo.metadata.exif)
        XCTAssertEqual(photo.warnings, ["the EXIF data are damaged and were left out"])
    }
}
