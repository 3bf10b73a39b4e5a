import CImageCodecs
import Foundation
import XCTest

@testable import Photos

/// The small files that make-golden.py wrote.
enum TestFiles {
    static let folder = Bundle.module.resourceURL!.appendingPathComponent("files")

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    /// Whether this build has the library for a file.
    static func isReadable(_ name: String) -> Bool {
        let fileExtension = name.split(separator: ".").last.map(String.init) ?? ""
        return PhotoFormat(fileExtension: fileExtension).map { $0.missingLibrary == nil } ?? false
    }

    static func names(where isWanted: (String) -> Bool) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter(isWanted).sorted()
    }
}

/// Files put together byte by byte.
enum Build {
    static func bigEndian(_ value: Int, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * (bytes - 1 - $0))) }
    }

    static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let named = Array(name.utf8) + data
        return bigEndian(data.count, bytes: 4) + named + bigEndian(Int(cic_crc32(named, named.count)), bytes: 4)
    }

    static func pngHeader(width: Int, height: Int, depth: UInt8, colour: UInt8) -> [UInt8] {
        PNGChunks.signatureBytes
            + chunk("IHDR", bigEndian(width, bytes: 4) + bigEndian(height, bytes: 4) + [depth, colour, 0, 0, 0])
    }

    static func segment(_ marker: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0xFF, marker] + bigEndian(payload.count + 2, bytes: 2) + payload
    }

    /// `jpeg` with more segments behind its first marker.
    static func inserting(_ segments: [UInt8], into jpeg: [UInt8]) -> [UInt8] {
        Array(jpeg.prefix(2)) + segments + jpeg.dropFirst(2)
    }

    /// `png` with more chunks behind its header.
    static func inserting(chunks: [UInt8], into png: [UInt8]) -> [UInt8] {
        Array(png.prefix(33)) + chunks + png.dropFirst(33)
    }

    struct ExifContent {
        var isLittleEndian = true
        var orientation: Int? = 6
        var orientationType = 3
        var hasLocation = true
        var hasThumbnail = true
    }

    static let cameraName = Array("Cam 1000\0".utf8), latitude = Array("LATITUDE".utf8)
    static let thumbnail = Array("THUMBNAIL".utf8)

    /// A TIFF structure: camera, orientation, EXIF and GPS directories, and a thumbnail in a second directory.
    static func exif(_ content: ExifContent) -> [UInt8] {
        func number(_ value: Int, _ bytes: Int) -> [UInt8] {
            content.isLittleEndian ? bigEndian(value, bytes: bytes).reversed() : bigEndian(value, bytes: bytes)
        }
        func entry(_ tag: Int, type: Int, count: Int, value: Int) -> [UInt8] {
            let field = type == 3 ? number(value, 2) + [0, 0] : number(value, 4)
            return number(tag, 2) + number(type, 2) + number(count, 4) + field
        }
        func directory(_ entries: [[UInt8]], next: Int) -> [UInt8] {
            number(entries.count, 2) + entries.flatMap { $0 } + number(next, 4)
        }
        let entryCount = 2 + (content.orientation == nil ? 0 : 1) + (content.hasLocation ? 1 : 0)
        let exifAt = 8 + 2 + 12 * entryCount + 4
        let cameraAt = exifAt + 2 + 12 * 3 + 4
        let gpsAt = cameraAt + cameraName.count
        let latitudeAt = gpsAt + (content.hasLocation ? 2 + 12 + 4 : 0)
        let secondAt = latitudeAt + (content.hasLocation ? latitude.count : 0)
        let thumbnailAt = secondAt + 2 + 24 + 4
        var first = [entry(0x0110, type: 2, count: cameraName.count, value: cameraAt)]
        if let orientation = content.orientation {
            first.append(entry(0x0112, type: content.orientationType, count: 1, value: orientation))
        }
        first.append(entry(0x8769, type: 4, count: 1, value: exifAt))
        if content.hasLocation { first.append(entry(0x8825, type: 4, count: 1, value: gpsAt)) }
        var bytes = Array((content.isLittleEndian ? "II" : "MM").utf8) + number(42, 2) + number(8, 4)
        bytes += directory(first, next: content.hasThumbnail ? secondAt : 0)
        bytes += directory(
            [
                entry(0xA001, type: 3, count: 1, value: 0xFFFF), entry(0xA002, type: 4, count: 1, value: 1),
                entry(0xA003, type: 3, count: 1, value: 1),
            ], next: 0)
        bytes += cameraName
        if content.hasLocation {
            bytes += directory([entry(2, type: 2, count: latitude.count, value: latitudeAt)], next: 0) + latitude
        }
        if content.hasThumbnail {
            bytes += directory(
                [
                    entry(0x0201, type: 4, count: 1, value: thumbnailAt),
                    entry(0x0202, type: 4, count: 1, value: thumbnail.count),
                ], next: 0)
            bytes += thumbnail
        }
        return bytes
    }

    static func exifSegment(_ content: ExifContent) -> [UInt8] {
        segment(0xE1, Exif.prefix + exif(content))
    }
}

extension Sequence<UInt8> {
    func contains(sequence: [UInt8]) -> Bool {
        let all = Array(self)
        return all.withUnsafeBytes { ByteReader($0).firstIndex(of: sequence) } != nil
    }
}

/// The largest and the mean difference of two equally long sample arrays.
func difference(_ first: [UInt8], _ second: [UInt8]) -> (largest: Int, mean: Double) {
    guard first.count == second.count else { return (256, 256) }
    var largest = 0, sum = 0
    for index in first.indices {
        let difference = abs(Int(first[index]) - Int(second[index]))
        largest = max(largest, difference)
        sum += difference
    }
    return (largest, Double(sum) / Double(max(first.count, 1)))
}

extension XCTestCase {
    /// The error that `body` throws; fails where it throws none.
    func photoError(file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> Void) -> PhotoError? {
        do {
            try body()
            XCTFail("nothing was refused", file: file, line: line)
        } catch let error as PhotoError {
            return error
        } catch {
            XCTFail("unexpected error \(error)", file: file, line: line)
        }
        return nil
    }

    /// Refusing must not cost more than a glance: 50 ms and 64 MB.
    func assertRefusedCheaply(
        _ bytes: [UInt8], key: DecodingLimits.Limit, limits: DecodingLimits = DecodingLimits(),
        file: StaticString = #filePath,
        line: UInt = #line
    ) {
        // The first call may have to load libraries, and the machine may be at something else in any one of them.
        let duration = (0..<4).map { _ in
            ContinuousClock().measure { _ = try? PhotoDecoder.decode(bytes: bytes, limits: limits) }
        }.min()!
        var error: PhotoError?
        let memory = peakMemory {
            error = photoError(file: file, line: line) { _ = try PhotoDecoder.decode(bytes: bytes, limits: limits) }
        }
        XCTAssertEqual(error?.kind, .overLimit(key), file: file, line: line)
        XCTAssertLessThan(duration, .milliseconds(50), file: file, line: line)
        XCTAssertLessThan(memory, 64 << 20, file: file, line: line)
    }

    /// A line of /proc/self/status, in bytes.
    func memory(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) << 10
    }

    /// How far resident memory rises while `body` runs.
    func peakMemory(_ body: () -> Void) -> Int {
        // Linux, proc(5): 5 resets the peak to what is in use now.
        XCTAssertNoThrow(try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8))
        let before = memory("VmRSS")
        body()
        let peak = memory("VmHWM")
        XCTAssertGreaterThanOrEqual(peak, before / 2)
        return peak - before
    }
}

extension XCTestCase {
    /// Where the upright photo's pixel (x, y) lies in a stored image of `width` x `height`: the definition in EXIF's
    /// words (row 0 is the visual top, right, ...), written out independently of the decoder's arithmetic.
    private func stored(_ orientation: Int, x: Int, y: Int, width: Int, height: Int) -> (x: Int, y: Int) {
        switch orientation {
        case 2: (width - 1 - x, y)
        case 3: (width - 1 - x, height - 1 - y)
        case 4: (x, height - 1 - y)
        case 5: (y, x)
        case 6: (y, height - 1 - x)
        case 7: (width - 1 - y, height - 1 - x)
        case 8: (width - 1 - y, x)
        default: (x, y)
        }
    }

    func checkTurned(_ photo: Photo, _ base: Photo, orientation: Int, _ what: String) {
        let isTurned = (5...8).contains(orientation)
        XCTAssertEqual(photo.width, isTurned ? base.height : base.width, what)
        XCTAssertEqual(photo.height, isTurned ? base.width : base.height, what)
        var wrong = 0
        for y in 0..<photo.height {
            for x in 0..<photo.width {
                let from = stored(orientation, x: x, y: y, width: base.width, height: base.height)
                let here = y * photo.width + x, there = from.y * base.width + from.x
                if photo.pixels[3 * here..<3 * here + 3] != base.pixels[3 * there..<3 * there + 3] { wrong += 1 }
                if photo.alpha?[here] != base.alpha?[there] { wrong += 1 }
            }
        }
        XCTAssertEqual(wrong, 0, what)
    }
}
