import LinuxFiles

extension PyTorchCheckpoint {
    /// Writes a `.pth` file with a state dict, which `torch.load(FILE, weights_only=True)` loads, and metadata, which
    /// it passes over and `read` takes back. Written atomically. Throws `WeightsError`.
    package static func write(
        _ path: String, tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String]
    ) throws {
        for tensor in tensors where tensor.values.count != tensor.shape.reduce(1, *) {
            throw WeightsError(
                path: path,
                "cannot be written: tensor \(quoted(tensor.name)) has \(tensor.values.count) values for the shape "
                    + "\(tensor.shape)"
            )
        }
        let root = "generator"
        try WeightsError.explaining(path, "cannot be written") {
            try OutputFile(BytePath(path)).write { append in
                var zip = ZipWriter(path: path, append: append)
                try Array(pickle(tensors).bytes).withUnsafeBytes { try zip.add("\(root)/data.pkl", $0) }
                try Array("little".utf8).withUnsafeBytes { try zip.add("\(root)/byteorder", $0) }
                for (index, tensor) in tensors.enumerated() {
                    try tensor.values.withUnsafeBytes { try zip.add("\(root)/data/\(index)", $0) }
                }
                try PyTorchDescription.encode(metadata)
                    .withUnsafeBytes { try zip.add("\(root)/\(PyTorchDescription.entryName)", $0) }
                try Array("3\n".utf8).withUnsafeBytes { try zip.add("\(root)/version", $0) }
                try zip.finish()
            }
        }
    }

    /// collections.OrderedDict of `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
    private static func pickle(_ tensors: [(name: String, shape: [Int], values: [Float])]) -> Pickle {
        var pickle = Pickle()
        pickle.global("collections", "OrderedDict")
        pickle.emptyTuple()
        pickle.call()
        pickle.mark()
        for (index, tensor) in tensors.enumerated() {
            var strides = [Int](repeating: 1, count: tensor.shape.count)
            for axis in tensor.shape.indices.dropLast().reversed() {
                strides[axis] = strides[axis + 1] * tensor.shape[axis + 1]
            }
            pickle.string(tensor.name)
            pickle.global("torch._utils", "_rebuild_tensor_v2")
            pickle.mark()
            pickle.mark()
            pickle.string("storage")
            pickle.global("torch", "FloatStorage")
            pickle.string(String(index))
            pickle.string("cpu")
            pickle.int(tensor.values.count)
            pickle.tuple()
            pickle.persistentID()
            pickle.int(0)
            pickle.tuple(tensor.shape)
            pickle.tuple(strides)
            pickle.bool(false)
            pickle.global("collections", "OrderedDict")
            pickle.emptyTuple()
            pickle.call()
            pickle.tuple()
            pickle.call()
        }
        pickle.setItems()
        pickle.stop()
        return pickle
    }
}

/// The few instructions of pickle protocol 2 that a state dict takes.
private struct Pickle {
    private(set) var bytes: [UInt8] = [0x80, 2]

    mutating func global(_ module: String, _ name: String) { bytes += Array("c\(module)\n\(name)\n".utf8) }
    mutating func emptyTuple() { bytes.append(UInt8(ascii: ")")) }
    mutating func call() { bytes.append(UInt8(ascii: "R")) }
    mutating func mark() { bytes.append(UInt8(ascii: "(")) }
    mutating func tuple() { bytes.append(UInt8(ascii: "t")) }
    mutating func persistentID() { bytes.append(UInt8(ascii: "Q")) }
    mutating func setItems() { bytes.append(UInt8(ascii: "u")) }
    mutating func stop() { bytes.append(UInt8(ascii: ".")) }
    mutating func bool(_ value: Bool) { bytes.append(value ? 0x88 : 0x89) }

    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "X"))
        bytes += littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    /// LONG1 of 8 bytes: any size of tensor.
    mutating func int(_ value: Int) {
        bytes += [0x8A, 8] + littleEndian(UInt64(value))
    }

    mutating func tuple(_ values: [Int]) {
        mark()
        values.forEach { int($0) }
        tuple()
    }
}
