import Foundation
import XCTest

@testable import Weights

final class PyTorchCheckpointTests: XCTestCase {
    func testRead_whatTorchSaved() throws {
        for (name, twin) in [
            ("current.pth", "current.pth"), ("odd_zip.pth", "odd_zip.pth"), ("odd_zip64.pth", "odd_zip.pth"),
            ("odd_legacy.pth", "odd_legacy.pth"),
        ] {
            let file = try PyTorchCheckpoint.read(try testFile(name))
            let expected = try Safetensors.read(try testFile("\(twin).safetensors"))
            XCTAssertEqual(Set(file.tensors.keys), Set(expected.tensors.keys), name)
            for (key, tensor) in expected.tensors {
                XCTAssertEqual(try file.floats(key, shape: tensor.shape), try tensor.floats(), "\(name) \(key)")
            }
        }
    }

    func testRead_takesTheNestedStateDictAlone() throws {
        let nested = try PyTorchCheckpoint.read(try testFile("data_parallel.pth"))
        let plain = try PyTorchCheckpoint.read(try testFile("current.pth"))
        XCTAssertEqual(Set(nested.tensors.keys), Set(plain.tensors.keys.map { "module." + $0 }))
    }

    func testRead_refusesTruncations() throws {
        for name in ["odd_zip.pth", "odd_legacy.pth"] {
            let whole = try Data(contentsOf: URL(fileURLWithPath: try testFile(name)))
            let path = try temporaryPath(name)
            for length in stride(from: 0, to: whole.count, by: 7) {
                try whole.prefix(length).write(to: URL(fileURLWithPath: path))
                XCTAssertThrowsError(try PyTorchCheckpoint.read(path), "\(name) cut to \(length) bytes") {
                    XCTAssertTrue($0 is WeightsError, "\($0)")
                }
            }
        }
    }

    func testRead_survivesDamagedBytes() throws {
        for name in ["odd_zip.pth", "odd_legacy.pth"] {
            let whole = try Data(contentsOf: URL(fileURLWithPath: try testFile(name)))
            let path = try temporaryPath(name)
            for index in stride(from: 0, to: whole.count, by: 5) {
                var damaged = whole
                damaged[index] = [0, 0xFF, whole[index] ^ 1][index % 3]
                try damaged.write(to: URL(fileURLWithPath: path))
                // Whatever is read must be an error or tensors of a size that the file could hold.
                guard let file = try? PyTorchCheckpoint.read(path) else { continue }
                for tensor in file.tensors.values {
                    let values = try tensor.floats()
                    XCTAssertEqual(values.count, tensor.elementCount)
                    XCTAssertLessThanOrEqual(values.count, whole.count)
                }
            }
        }
    }

    func testRead_refusesWholeModulesAndMaliciousPickles() throws {
        assertRefused(
            "module", try testFile("whole_module.pth"), "torch.nn.modules.linear.Linear", PyTorchCheckpoint.read)
        let cases: [(pickle: String, expected: String)] = [
            ("cos\nsystem\n(X\u{5}\0\0\0touchtR.", "os.system"),
            ("cposix\nsystem\n.", "posix.system"),
            ("cbuiltins\neval\n.", "builtins.eval"),
            ("c__builtin__\nexec\n.", "__builtin__.exec"),
            ("ctorch\nload\n.", "torch.load"),
            ("ctorch._utils\n_rebuild_tensor_v2.__globals__\n.", "_rebuild_tensor_v2.__globals__"),
            ("X\u{2}\0\0\0osX\u{6}\0\0\0system\u{93}.", "os.system"),
            // INST, OBJ, NEWOBJ and extension codes call constructors: not one of these instructions is known.
            ("(ios\nsystem\n.", "instruction 0x69"),
            ("(cos\nsystem\no.", "os.system"),
            ("ccollections\nOrderedDict\n)\u{81}.", "instruction 0x81"),
            ("\u{82}\u{1}.", "instruction 0x82"),
            // BUILD on anything but an ordered dictionary would set attributes.
            ("ccollections\nOrderedDict\n}b.", "malformed"),
            ("K\u{1})R.", "malformed"),
            ("ctorch\nFloatStorage\nK\u{5}\u{85}R.", "storage by itself"),
            ("R.", "malformed"), (".", "malformed"), ("(.", "malformed"), ("h\u{5}.", "malformed"), ("t.", "malformed"),
            ("]s.", "malformed"), ("}K\u{1}u.", "malformed"), ("Ncos\nsystem", "cut short"),
            ("X\u{FF}\u{FF}\u{FF}\u{7F}abc.", "cut short"),
            ("\u{8D}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}", "length"),
            ("K\u{1}.", "no list"), ("}.", "no list"),
        ]
        for (pickle, expected) in cases {
            let path = try legacy(object: latin1(pickle))
            assertRefused(String(pickle.debugDescription.prefix(60)), path, expected, PyTorchCheckpoint.read)
        }
    }

    func testRead_refusesTensorsOutsideOfTheirStorage() throws {
        // storage of 4 elements named "0"; offset, shape, strides vary
        func tensor(_ offset: Int, _ shape: [Int], _ strides: [Int], count: Int = 4) -> [UInt8] {
            func int(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndian(value) }
            func tuple(_ values: [Int]) -> [UInt8] { latin1("(") + values.flatMap(int) + latin1("t") }
            var bytes = latin1(
                "}U\u{1}actorch._utils\n_rebuild_tensor_v2\n((U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpu")
            bytes += int(count)
            bytes += latin1("tQ")
            bytes += int(offset)
            bytes += tuple(shape)
            bytes += tuple(strides)
            bytes += latin1("tRs.")
            return bytes
        }
        let keys = latin1("]U\u{1}0a.")
        let data = littleEndian(4 as Int64) + [UInt8](repeating: 0, count: 16)
        let good = try PyTorchCheckpoint.read(try legacy(object: tensor(0, [2, 2], [1, 2]), keys: keys, data: data))
        XCTAssertEqual(try good.floats("a", shape: [2, 2]), [0, 0, 0, 0])
        let outside: [(Int, [Int], [Int])] = [
            (1, [2, 2], [2, 1]), (4, [1], [1]), (0, [5], [1]), (0, [2, 2], [3, 1]), (0, [2], [4]), (0, [1 << 40], [0]),
            (0, [1 << 62, 4], [0, 0]), (0, [2], [Int.max]), (Int.max, [1], [1]), (-1, [1], [1]), (0, [-1], [1]),
            (3, [2], [-1]),
            (0, [2, 2], [1]),
        ]
        for (offset, shape, strides) in outside {
            let path = try legacy(object: tensor(offset, shape, strides), keys: keys, data: data)
            assertRefused("\(offset) \(shape) \(strides)", path, "tensor", PyTorchCheckpoint.read)
        }
        assertRefused(
            "count", try legacy(object: tensor(0, [4], [1], count: 8), keys: keys, data: data), "8 elements",
            PyTorchCheckpoint.read)
        assertRefused(
            "data", try legacy(object: tensor(0, [4], [1]), keys: keys, data: littleEndian(Int64.max)), "cut short",
            PyTorchCheckpoint.read)
    }

    func testRead_survivesDeepAndCircularNesting() throws {
        let deep = latin1("}U\u{1}a") + latin1(")") + [UInt8](repeating: 0x85, count: 1_000_000) + latin1("s.")
        assertRefused("deep", try legacy(object: deep, keys: latin1("].")), "no tensors", PyTorchCheckpoint.read)
        var circular = latin1("}q\u{1}")
        for key in 100..<300 {
            circular += latin1("U\u{3}\(key)h\u{1}s")
        }
        assertRefused(
            "circular", try legacy(object: circular + latin1("."), keys: latin1("].")), "more entries",
            PyTorchCheckpoint.read)
    }

    func testRead_refusesOtherFiles() throws {
        assertRefused(
            "compressed", try testFile("compressed.pth"), "compressed or encrypted entry", PyTorchCheckpoint.read)
        let path = try temporaryPath("other.pth")
        for (bytes, expected) in [
            ([], "not a PyTorch checkpoint"), (Array("%PDF-1.7".utf8), "not a PyTorch checkpoint"),
            ([0x80, 2, 0x4B, 1, 0x2E], "not a PyTorch checkpoint"), ([0x50, 0x4B, 3, 4, 0, 0], "directory"),
        ] as [([UInt8], String)] {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            assertRefused("\(bytes)", path, expected, PyTorchCheckpoint.read)
        }
    }

    func testRead_realCheckpoints() throws {
        let folder = try corpus() + "/weights"
        let legacy = try PyTorchCheckpoint.read("\(folder)/vgg_normalised_conv3_1.pth")
        let twin = try Safetensors.read("\(folder)/vgg19-normalised-to-conv3_1.safetensors")
        let names = [
            "0": "conv0_preprocess", "2": "conv1_1", "5": "conv1_2", "9": "conv2_1", "12": "conv2_2", "16": "conv3_1",
        ]
        XCTAssertEqual(legacy.tensors.count, 12)
        for (number, name) in names {
            for part in ["weight", "bias"] {
                let expected = try XCTUnwrap(twin.tensors["\(name).\(part)"])
                XCTAssertEqual(
                    try legacy.floats("\(number).\(part)", shape: expected.shape), try expected.floats(), name)
            }
        }
    }

    // MARK: Files made by hand

    /// One byte a character.
    private func latin1(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8($0.value) }
    }

    /// The legacy container around a pickle.
    private func legacy(object: [UInt8], keys: [UInt8] = [], data: [UInt8] = []) throws -> String {
        let magic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
        let system: [UInt8] = [0x80, 2, 0x7D, 0x2E]
        let filler = keys.isEmpty ? latin1("N.") : keys
        let path = try temporaryPath("made.pth")
        try Data(magic + version + system + [0x80, 2] + object + filler + data).write(to: URL(fileURLWithPath: path))
        return path
    }
}
