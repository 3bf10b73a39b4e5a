import FoundationEssentials
import LinuxFiles

/// The safetensors format: the header's length (8 bytes, little-endian), a JSON header, the raw tensors.
/// Source: the format section of the safetensors project's README.
package enum Safetensors {
    /// A header is a few hundred bytes a layer; a larger one than this is an attack or not a header.
    static let maxHeaderBytes = 16 << 20

    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]
    }

    private struct Header: Decodable {
        static let metadataKey = "__metadata__"
        var metadata: [String: String] = [:]
        var entries: [String: Entry] = [:]

        struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            for key in container.allKeys {
                if key.stringValue == Self.metadataKey {
                    metadata = try container.decode([String: String].self, forKey: key)
                } else {
                    entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
                }
            }
        }
    }

    private static let elementTypes: [String: ElementType] = [
        "F32": .float32, "F16": .float16, "BF16": .bfloat16, "F64": .float64,
        "I64": .int64, "I32": .int32, "I16": .int16, "I8": .int8, "U8": .uint8, "BOOL": .bool,
    ]

    /// Reads the header and checks every claim in it against the file; the tensors are read when asked for.
    package static func read(_ path: String) throws -> WeightsFile { try read(ReadOnlyFile(path)) }

    /// The same of a file's bytes in memory.
    /// - Parameter name: what errors call them.
    package static func decoded(_ bytes: [UInt8], name: String) throws -> WeightsFile {
        try read(ReadOnlyFile(bytes, name: name))
    }

    private static func read(_ file: ReadOnlyFile) throws -> WeightsFile {
        let path = file.path
        guard file.size >= 8 else {
            throw WeightsError(path: path, "is not a safetensors file: \(file.size) bytes are too few")
        }
        let length = try file.bytes(at: 0, count: 8).withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
        }
        guard length <= UInt64(maxHeaderBytes) else {
            throw WeightsError(
                path: path,
                "is not a safetensors file: it claims a header of \(length) bytes, at most \(maxHeaderBytes) are "
                    + "believed"
            )
        }
        guard length <= UInt64(file.size - 8) else {
            throw WeightsError(
                path: path,
                "is cut short or not a safetensors file: it claims a header of \(length) bytes, but has \(file.size) "
                    + "in all"
            )
        }
        let header = try decodeHeader(file, length: Int(length))
        return WeightsFile(
            path: path, metadata: header.metadata,
            tensors: try locate(header.entries, in: file, dataStart: 8 + Int(length)))
    }

    private static func decodeHeader(_ file: ReadOnlyFile, length: Int) throws -> Header {
        let data = Data(try file.bytes(at: 8, count: length))
        do {
            return try JSONDecoder().decode(Header.self, from: data)
        } catch let error as DecodingError {
            throw WeightsError(path: file.path, "has a header that is not safetensors': \(describe(error))")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: "/")
            return (place.isEmpty ? "" : "\(quoted(place)): ") + context.debugDescription
        @unknown default:
            return "\(error)"
        }
    }

    private static func locate(
        _ entries: [String: Entry], in file: ReadOnlyFile, dataStart: Int
    ) throws -> [String: StoredTensor] {
        let dataSize = file.size - dataStart
        func fail(_ name: String, _ reason: String) -> WeightsError {
            WeightsError(path: file.path, "tensor \(quoted(name)): \(reason)")
        }
        var tensors: [String: StoredTensor] = [:]
        var ranges: [(name: String, start: Int, end: Int)] = []
        for (name, entry) in entries {
            guard let type = elementTypes[entry.dtype] else {
                throw fail(
                    name,
                    "number format \(quoted(entry.dtype)) is not supported; save it as one of "
                        + "\(elementTypes.keys.sorted())"
                )
            }
            guard entry.data_offsets.count == 2, entry.shape.allSatisfy({ $0 >= 0 }) else {
                throw fail(name, "data_offsets must be two numbers and shape non-negative")
            }
            let (start, end) = (entry.data_offsets[0], entry.data_offsets[1])
            guard 0 <= start, start <= end else {
                throw fail(name, "data_offsets [\(start), \(end)] are not a range")
            }
            guard end <= dataSize else {
                throw fail(
                    name, "ends at byte \(end) of \(dataSize): the file was cut short; copy or download it again")
            }
            guard let size = checkedProduct(entry.shape + [type.byteCount]), size == end - start else {
                throw fail(name, "shape \(entry.shape) of \(entry.dtype) does not fill data_offsets [\(start), \(end)]")
            }
            tensors[name] = StoredTensor(
                shape: entry.shape, elementType: type, file: file, offset: dataStart + start, strides: nil)
            ranges.append((name, start, end))
        }
        // Tensors must tile the data: an overlap or a hole means that the header does not belong to these bytes.
        ranges.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        var covered = 0
        for range in ranges {
            guard range.start == covered else {
                throw fail(
                    range.name,
                    range.start < covered
                        ? "overlaps the tensor before it at byte \(range.start)"
                        : "leaves the bytes \(covered) to \(range.start) before it unused")
            }
            covered = range.end
        }
        guard covered == dataSize else {
            throw WeightsError(path: file.path, "has \(dataSize - covered) bytes after its last tensor")
        }
        return tensors
    }

    /// Writes tensors in the given order, atomically: a temporary file beside `path`, synced, renamed.
    /// - Parameter half: as float16, each value rounded to the nearest, in place of float32.
    /// - Throws: `WeightsError`, also where a value is too large for float16.
    package static func write(
        _ path: String, tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String],
        half: Bool = false
    ) throws {
        let header = try encodeHeader(path, tensors: tensors, metadata: metadata, half: half)
        let largest = Float(Float16.greatestFiniteMagnitude)
        if half, let tensor = tensors.first(where: { $0.values.contains { !(abs($0) <= largest) } }) {
            throw WeightsError(
                path: path, "cannot be written: tensor \(quoted(tensor.name)) has values that float16 cannot hold")
        }
        try WeightsError.explaining(path, "cannot be written") {
            try OutputFile(BytePath(path)).write { append in
                try Self.append(header, tensors, half: half, append)
            }
        }
    }

    /// What `write` would write, in memory.
    package static func encoded(
        _ tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String]
    ) throws -> [UInt8] {
        let header = try encodeHeader("a file in memory", tensors: tensors, metadata: metadata, half: false)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + header.count + tensors.reduce(0) { $0 + 4 * $1.values.count })
        append(header, tensors, half: false) { bytes += $0 }
        return bytes
    }

    private static func append(
        _ header: [UInt8], _ tensors: [(name: String, shape: [Int], values: [Float])], half: Bool,
        _ append: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try append($0) }
        try header.withUnsafeBytes { try append($0) }
        for tensor in tensors {
            if half {
                try tensor.values.map { Float16($0).bitPattern.littleEndian }.withUnsafeBytes { try append($0) }
            } else {
                try tensor.values.withUnsafeBytes { try append($0) }
            }
        }
    }

    private struct HeaderEntry: Encodable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]
    }

    private static func encodeHeader(
        _ path: String, tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String], half: Bool
    ) throws -> [UInt8] {
        let (name, bytes) = half ? ("F16", 2) : ("F32", 4)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var members: [String] = []
        if !metadata.isEmpty {
            members.append(
                "\"\(Header.metadataKey)\":" + String(decoding: try encoder.encode(metadata), as: UTF8.self))
        }
        var names: Set<String> = []
        var offset = 0
        for tensor in tensors {
            guard tensor.name != Header.metadataKey, names.insert(tensor.name).inserted else {
                throw WeightsError(
                    path: path, "cannot be written: tensor name \(quoted(tensor.name)) is reserved or used twice")
            }
            guard tensor.shape.allSatisfy({ $0 >= 0 }), checkedProduct(tensor.shape) == tensor.values.count else {
                throw WeightsError(
                    path: path,
                    "cannot be written: tensor \(quoted(tensor.name)) has \(tensor.values.count) values for the shape "
                        + "\(tensor.shape)"
                )
            }
            let end = offset + tensor.values.count * bytes
            let entry = HeaderEntry(dtype: name, shape: tensor.shape, data_offsets: [offset, end])
            members.append(
                String(decoding: try encoder.encode(tensor.name), as: UTF8.self) + ":"
                    + String(decoding: try encoder.encode(entry), as: UTF8.self))
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        // Spaces align the tensors to 8 bytes, as the format's own writer does.
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        return header
    }
}

/// The product, or nil where it overflows.
func checkedProduct(_ factors: [Int]) -> Int? {
    var product = 1
    for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        product = next
    }
    return product
}
