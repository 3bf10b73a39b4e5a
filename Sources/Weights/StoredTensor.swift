/// The number formats that weights are stored in; all are read as `Float`.
package enum ElementType: Sendable, Equatable, CaseIterable {
    case float32, float16, bfloat16, float64, int64, int32, int16, int8, uint8, bool

    package var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }
}

/// A tensor in a file, read when asked for.
package struct StoredTensor: Sendable {
    /// Empty for a scalar.
    package let shape: [Int]
    package let elementType: ElementType

    let file: ReadOnlyFile
    /// Of the tensor's first element, in bytes from the start of the file.
    let offset: Int
    /// In elements; nil where the elements lie one after the other, the last index running fastest.
    let strides: [Int]?

    package var elementCount: Int { shape.reduce(1, *) }

    /// The values, the last index running fastest. Throws `WeightsError` where the file cannot be read any more.
    package func floats() throws -> [Float] {
        let count = elementCount
        guard count > 0 else { return [] }
        guard let strides else { return try contiguous(count) }
        let extent = zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
        let stored = try contiguous(extent)
        var result = [Float]()
        result.reserveCapacity(count)
        var index = [Int](repeating: 0, count: shape.count)
        var position = 0
        for _ in 0..<count {
            result.append(stored[position])
            for axis in shape.indices.reversed() {
                index[axis] += 1
                position += strides[axis]
                if index[axis] < shape[axis] { break }
                position -= strides[axis] * shape[axis]
                index[axis] = 0
            }
        }
        return result
    }

    private func contiguous(_ count: Int) throws -> [Float] {
        if elementType == .float32 {
            return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                try file.read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
                initialized = count
            }
        }
        let raw = try file.bytes(at: offset, count: count * elementType.byteCount)
        return raw.withUnsafeBytes { bytes in
            func convert<Stored>(_ type: Stored.Type, _ float: (Stored) -> Float) -> [Float] {
                (0..<count).map { float(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Stored>.size, as: type)) }
            }
            return switch elementType {
            case .float32: convert(UInt32.self) { Float(bitPattern: $0) }
            case .float16: convert(UInt16.self) { Float(Float16(bitPattern: $0)) }
            case .bfloat16: convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            case .float64: convert(UInt64.self) { Float(Double(bitPattern: $0)) }
            case .int64: convert(Int64.self) { Float($0) }
            case .int32: convert(Int32.self) { Float($0) }
            case .int16: convert(Int16.self) { Float($0) }
            case .int8: convert(Int8.self) { Float($0) }
            case .uint8: convert(UInt8.self) { Float($0) }
            case .bool: convert(UInt8.self) { $0 == 0 ? 0 : 1 }
            }
        }
    }
}

/// A file of named tensors. The file stays open while any of its tensors is kept.
package struct WeightsFile: Sendable {
    package let path: String
    /// The safetensors header's `__metadata__`, or what `models export` put into a PyTorch file; empty for those of
    /// others.
    package let metadata: [String: String]
    package let tensors: [String: StoredTensor]
}
