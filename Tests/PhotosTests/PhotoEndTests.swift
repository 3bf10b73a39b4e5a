import Foundation
import LinuxFiles
import XCTest

@testable import Photos

final class PhotoEndTests: XCTestCase {
    func testEveryPrefixOfAPhoto_lacksItsEnd() throws {
        for photo in try [TestFiles.bytes("restarts.jpg"), TestFiles.bytes("palette.png")] {
            for length in 0..<photo.count {
                XCTAssertEqual(try end(Array(photo.prefix(length))), .missing, "\(length) bytes")
            }
            XCTAssertEqual(try end(photo), .present)
        }
    }

    func testBytesAfterTheEnd_doNotMatter() throws {
        for photo in try [TestFiles.bytes("grey.jpg"), TestFiles.bytes("grey.png")] {
            XCTAssertEqual(try end(photo + Array("trailing".utf8)), .present)
            XCTAssertEqual(try end(photo + [UInt8](repeating: 0, count: 100_000)), .present)
        }
    }

    func testAThumbnailsEnd_doesNotCount() throws {
        let segment: [UInt8] = [0xFF, 0xE1, 0x00, 0x06, 0xFF, 0xD8, 0xFF, 0xD9]
        XCTAssertEqual(try end([0xFF, 0xD8] + segment), .missing)
        XCTAssertEqual(try end([0xFF, 0xD8] + segment + [0xFF, 0xD9]), .present)
    }

    func testFillBytesAndGarbageBetweenSegments() throws {
        let start: [UInt8] = [0xFF, 0xD8, 0xFF, 0xFF, 0xFF, 0xFE, 0x00, 0x03, 0x41]
        XCTAssertEqual(try end(start + [0x12, 0x34, 0xFF, 0xFF, 0xD9]), .present)
    }

    func testSeveralScans() throws {
        let scan: [UInt8] = [0xFF, 0xDA, 0x00, 0x04, 0x01, 0x02, 0x11, 0xFF, 0x00, 0x22]
        XCTAssertEqual(try end([0xFF, 0xD8] + scan + [0xFF, 0xC4, 0x00, 0x02] + scan), .missing)
        XCTAssertEqual(try end([0xFF, 0xD8] + scan + [0xFF, 0xC4, 0x00, 0x02] + scan + [0xFF, 0xD9]), .present)
    }

    func testMarkersAcrossTheEdgeOfTheWindow() throws {
        for padding in 65520...65540 {
            let scan: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDA, 0x00, 0x02] + [UInt8](repeating: 0x55, count: padding)
            XCTAssertEqual(try end(scan), .missing)
            XCTAssertEqual(try end(scan + [0xFF, 0xD9]), .present, "\(padding)")
            XCTAssertEqual(try end(scan + [0xFF, 0x00, 0xFF]), .missing)
        }
    }

    func testDamagedLengths_endTheWalk() throws {
        XCTAssertEqual(try end([0xFF, 0xD8, 0xFF, 0xE0, 0x00, 0x00, 0xFF, 0xD9]), .present)
        let signature = PNGChunks.signatureBytes
        XCTAssertEqual(try end(signature + [0xFF, 0xFF, 0xFF, 0xFF] + Array("IDAT".utf8) + [0]), .missing)
        XCTAssertEqual(try end(signature + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), .missing)
    }

    func testOtherFiles() throws {
        XCTAssertEqual(try end(Array("no photo\n".utf8)), .unknownFormat)
        XCTAssertEqual(try end(Array("GIF89a".utf8)), .unknownFormat)
        XCTAssertEqual(try end([UInt8](repeating: 0, count: 5000)), .missing, "reserved, not written yet")
    }

    func testAFileOfHundredMegabytes_isWalkedInAWindow() throws {
        // A sparse scan: bytes of zero, then the end.
        let file = try unnamed()
        try file.write([0xFF, 0xD8, 0xFF, 0xDA, 0x00, 0x02] as [UInt8])
        pwrite(file.raw, [0xFF, 0xD9] as [UInt8], 2, 100_000_000)
        let end = try PhotoEnd.of(file)
        XCTAssertEqual(end, .present)
        XCTAssertEqual(lseek(file.raw, 0, SEEK_CUR), 6, "the offset stays where it was")
    }

    private func end(_ bytes: [UInt8]) throws -> PhotoEnd {
        let file = try unnamed()
        try file.write(bytes)
        return try PhotoEnd.of(file)
    }

    private func unnamed() throws -> Descriptor {
        var name = Array("/tmp/end.XXXXXX".utf8CString)
        let raw = mkstemp(&name)
        guard raw >= 0 else { throw SystemError(errno, "create", "/tmp") }
        unlink(name)
        return Descriptor(owning: raw, "/tmp")
    }
}
