import FoundationEssentials
import Glibc
import XCTest

@testable import Weights

final class SafetensorsTests: XCTestCase {
    func testRoundTrip_keepsValuesShapesOrderAndMetadata() throws {
        let path = try temporaryPath("round.safetensors")
        let values = (0..<24).map { Float($0) * 0.37 - 4 }
        try Safetensors.write(
            path,
            tensors: [("b/\"quoted\" ü", [2, 3, 4], values), ("a", [], [.pi]), ("empty", [0, 5], [])],
            metadata: ["style": "van \"Gogh\"\n/x", "format": "anything"])
        let file = try Safetensors.read(path)
        XCTAssertEqual(file.metadata, ["style": "van \"Gogh\"\n/x", "format": "anything"])
        XCTAssertEqual(Set(file.tensors.keys), ["b/\"quoted\" ü", "a", "empty"])
        XCTAssertEqual(try file.floats("b/\"quoted\" ü", shape: [2, 3, 4]), values)
        XCTAssertEqual(try file.floats("a", shape: []), [.pi])
        XCTAssertEqual(try file.floats("empty"), [])
        XCTAssertThrowsError(try file.floats("a", shape: [1]))
        XCTAssertThrowsError(try file.floats("c"))
        XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)).count % 4, 0)
    }

    func testRead_convertsEveryNumberFormat() throws {
        func little<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
            values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        }
        let cases: [(String, [UInt8], [Float])] = [
            ("F32", little([Float(1.5).bitPattern, Float(-3).bitPattern]), [1.5, -3]),
            ("F16", little([0x3C00, 0xC500, 0x0001] as [UInt16]), [1, -5, 5.9604645e-8]),
            ("BF16", little([0x3F80, 0xC0A0] as [UInt16]), [1, -5]),
            ("F64", little([(0.1 as Double).bitPattern]), [0.1]),
            ("I64", little([-7, 1 << 40] as [Int64]), [-7, 1_099_511_627_776]),
            ("I32", little([-7, 9] as [Int32]), [-7, 9]),
            ("I16", little([-300] as [Int16]), [-300]),
            ("I8", [0xFF, 0x7F], [-1, 127]),
            ("U8", [0xFF, 0x7F], [255, 127]),
            ("BOOL", [0, 1], [0, 1]),
        ]
        for (type, data, expected) in cases {
            let path = try write(
                header: #"{"t":{"dtype":"\#(type)","shape":[\#(expected.count)],"data_offsets":[0,\#(data.count)]}}"#,
                data: data)
            XCTAssertEqual(try Safetensors.read(path).floats("t"), expected, type)
        }
    }

    func testRead_refusesHostileHeaders() throws {
        func tensor(_ shape: String, _ offsets: String, type: String = "F32") -> String {
            #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
        }
        let cases: [(header: String, dataSize: Int, expected: String)] = [
            ("{", 0, "header"),
            ("[]", 0, "header"),
            ("", 0, "header"),
            (#"{"t":3}"#, 0, "header"),
            (#"{"t":{"dtype":"F32","shape":[1]}}"#, 4, "data_offsets"),
            (#"{"__metadata__":{"a":1}}"#, 0, "header"),
            (String(repeating: "[", count: 100_000), 0, "header"),
            (#"{"t":\#(tensor("[1]", "[0,4]", type: "F8_E4M3"))}"#, 4, "number format"),
            (#"{"t":\#(tensor("[1.5]", "[0,4]"))}"#, 4, "header"),
            (#"{"t":\#(tensor("[-1]", "[0,4]"))}"#, 4, "non-negative"),
            (#"{"t":\#(tensor("[1]", "[0]"))}"#, 4, "two numbers"),
            (#"{"t":\#(tensor("[1]", "[4,0]"))}"#, 4, "not a range"),
            (#"{"t":\#(tensor("[1]", "[-4,0]"))}"#, 4, "not a range"),
            (#"{"t":\#(tensor("[2]", "[0,8]"))}"#, 4, "cut short"),
            (#"{"t":\#(tensor("[2]", "[0,4]"))}"#, 4, "does not fill"),
            (#"{"t":\#(tensor("[4611686018427387904,2]", "[0,4]"))}"#, 4, "does not fill"),
            (#"{"t":\#(tensor("[1]", "[0,99999999999999999999]"))}"#, 4, "header"),
            (#"{"a":\#(tensor("[2]", "[0,8]")),"b":\#(tensor("[2]", "[4,12]"))}"#, 12, "overlaps"),
            (#"{"a":\#(tensor("[1]", "[0,4]")),"b":\#(tensor("[1]", "[8,12]"))}"#, 12, "unused"),
            (#"{"a":\#(tensor("[1]", "[0,4]"))}"#, 8, "after its last tensor"),
        ]
        for (header, dataSize, expected) in cases {
            let path = try write(header: header, data: [UInt8](repeating: 0, count: dataSize))
            assertRefused(String(header.prefix(80)), path, expected, Safetensors.read)
        }
    }

    func testRead_refusesFalseLengthsAndWhatIsNoFile() throws {
        assertRefused("short", try write(bytes: [1, 2, 3]), "too few", Safetensors.read)
        assertRefused(
            "huge", try write(bytes: [UInt8](repeating: 0xFF, count: 32)), "claims a header", Safetensors.read)
        assertRefused(
            "long", try write(bytes: [100, 0, 0, 0, 0, 0, 0, 0, 123, 125]), "claims a header", Safetensors.read)
        assertRefused("directory", "/", "not a regular file", Safetensors.read)
        assertRefused("absent", "/nonexistent/file", "cannot be opened", Safetensors.read)
        let fifo = try temporaryPath("fifo")
        XCTAssertEqual(mkfifo(fifo, 0o600), 0)
        assertRefused("one that nobody writes to", fifo, "not a regular file", Safetensors.read)
    }

    func testTheContentDecidesWhatAFileIs() throws {
        let path = try temporaryPath("network.pth")
        // A header of 640 bytes begins as a pickle does: 80 02.
        try Safetensors.write(
            path, tensors: [("a", [2], [1, 2])], metadata: ["long": String(repeating: "x", count: 500)])
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let header = bytes[8..<8 + Int(bytes[0]) + Int(bytes[1]) << 8]
        bytes =
            Data([0x80, 2, 0, 0, 0, 0, 0, 0]) + header + Data(repeating: UInt8(ascii: " "), count: 640 - header.count)
            + bytes.suffix(8)
        try bytes.write(to: URL(fileURLWithPath: path))
        XCTAssertEqual(try WeightsFile.read(path).floats("a"), [1, 2])
        for name in ["odd_zip.pth", "odd_legacy.pth"] {
            let copy = try temporaryPath("network.safetensors")
            try FileManager.default.copyItem(atPath: try testFile(name), toPath: copy)
            XCTAssertEqual(
                Set(try WeightsFile.read(copy).tensors.keys),
                Set(try PyTorchCheckpoint.read(testFile(name)).tensors.keys))
        }
        assertRefused("empty", try write(bytes: []), "not a PyTorch checkpoint", WeightsFile.read)
        assertRefused(
            "text", try write(bytes: Array("hello, this is text".utf8)), "not a PyTorch checkpoint", WeightsFile.read)
    }

    func testFloats_whenTheFileShrinksAfterwards() throws {
        let path = try temporaryPath("shrinks.safetensors")
        try Safetensors.write(path, tensors: [("a", [1000], [Float](repeating: 1, count: 1000))], metadata: [:])
        let file = try Safetensors.read(path)
        try Data(try Data(contentsOf: URL(fileURLWithPath: path)).prefix(2000)).write(to: URL(fileURLWithPath: path))
        XCTAssertThrowsError(try file.floats("a")) { XCTAssertTrue("\($0)".contains("cut short"), "\($0)") }
    }

    func testWrite_leavesTheOldFileWhereItFails() throws {
        let path = try temporaryPath("kept.safetensors")
        try Safetensors.write(path, tensors: [("a", [1], [1])], metadata: [:])
        XCTAssertThrowsError(try Safetensors.write(path, tensors: [("a", [2], [1])], metadata: [:]))
        XCTAssertThrowsError(try Safetensors.write(path, tensors: [("a", [1], [1]), ("a", [1], [1])], metadata: [:]))
        XCTAssertThrowsError(try Safetensors.write(path + "/below", tensors: [], metadata: [:]))
        XCTAssertEqual(try Safetensors.read(path).floats("a"), [1])
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: directory), ["kept.safetensors"])
    }

    private func write(header: String, data: [UInt8]) throws -> String {
        let bytes = Array(header.utf8)
        return try write(bytes: withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes + data)
    }

    private func write(bytes: [UInt8]) throws -> String {
        let path = try temporaryPath("hostile.safetensors")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    func testWriting_followsLinksKeepsTheModeAndSparesDevices() throws {
        func write(_ path: String) throws { try Safetensors.write(path, tensors: [("a", [1], [1])], metadata: [:]) }
        let path = try temporaryPath("real.safetensors"), link = path + ".link"
        try write(path)
        XCTAssertEqual(chmod(path, 0o600), 0)
        XCTAssertEqual(symlink(path, link), 0)
        try write(link)
        var status = stat()
        XCTAssertEqual(lstat(link, &status), 0)
        XCTAssertEqual(status.st_mode & S_IFMT, S_IFLNK)
        XCTAssertEqual(stat(path, &status), 0)
        XCTAssertEqual(status.st_mode & 0o777, 0o600)
        try write("/dev/null")
        XCTAssertEqual(lstat("/dev/null", &status), 0)
        XCTAssertEqual(status.st_mode & S_IFMT, S_IFCHR)
        XCTAssertThrowsError(try write("/dev/full")) { XCTAssertTrue($0 is WeightsError, "\($0)") }
        XCTAssertThrowsError(try write(path + ".none/x")) {
            XCTAssertTrue("\($0)".contains("there is no directory"), "\($0)")
        }
    }
}
