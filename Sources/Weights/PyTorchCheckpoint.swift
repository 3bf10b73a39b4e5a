/// State dicts saved by PyTorch, in both of its containers: the zip file of 1.6 and later, and the five pickles before.
/// Source: torch/serialization.py. No code from the file is run; see `Unpickler`.
package enum PyTorchCheckpoint {
    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let legacyProtocol = 1001

    /// The tensors of a state dict. Those of nested dictionaries are named `outer.inner`, but where all tensors are in
    /// one (`{"state_dict": {...}, "epoch": 3}`), or one is called `state_dict`, it is taken alone and its name left
    /// out.
    package static func read(_ path: String) throws -> WeightsFile {
        let file = try ReadOnlyFile(path)
        let isZip = try file.bytes(at: 0, count: min(4, file.size)) == [0x50, 0x4B, 3, 4]
        let (tensors, metadata) = try isZip ? readZip(file) : (readLegacy(file), [:])
        guard !tensors.isEmpty else {
            throw WeightsError(
                path: path, "holds no tensors; save it again with torch.save(network.state_dict(), FILE)")
        }
        return WeightsFile(path: path, metadata: metadata, tensors: tensors)
    }

    private static func readZip(
        _ file: ReadOnlyFile
    ) throws -> (tensors: [String: StoredTensor], metadata: [String: String]) {
        let archive = try ZipArchive(file)
        let pickles = archive.names.filter { $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2 }
        guard pickles.count == 1, let pickleName = pickles.first else {
            throw WeightsError(path: file.path, "is a zip file, but not one that torch.save wrote: it has no data.pkl")
        }
        let root = pickleName.dropLast("data.pkl".count)
        guard !archive.names.contains(where: { $0.hasPrefix(root + "code/") }) else {
            throw WeightsError(
                path: file.path,
                "is a TorchScript program; save its weights with torch.save(network.state_dict(), FILE)")
        }
        if archive.names.contains(root + "byteorder") {
            let entry = try archive.entry(root + "byteorder")
            guard entry.size == 6, try file.bytes(at: entry.offset, count: 6) == Array("little".utf8) else {
                throw WeightsError(
                    path: file.path, "was saved on a big-endian machine; save it again on a little-endian one")
            }
        }
        let pickle = try archive.entry(pickleName)
        var unpickler = Unpickler(PickleReader(file, start: pickle.offset, end: pickle.offset + pickle.size))
        let value = try unpickler.load()
        let tensors = try stateDict(value, unpickler).mapValues { tensor in
            let entry = try archive.entry("\(root)data/\(tensor.storage.key)")
            return try locate(tensor, at: entry.offset, byteCount: entry.size, in: file)
        }
        return (tensors, try PyTorchDescription.read(archive, root: root, in: file))
    }

    private static func readLegacy(_ file: ReadOnlyFile) throws -> [String: StoredTensor] {
        var unpickler = Unpickler(PickleReader(file, start: 0))
        guard file.size > 0, try file.bytes(at: 0, count: 1) == [0x80],
            case .longInt(let number) = try unpickler.load(), number == magic
        else {
            throw WeightsError(path: file.path, "is not a PyTorch checkpoint")
        }
        guard case .int(legacyProtocol) = try unpickler.load(), case .dictionary(let system) = try unpickler.load()
        else {
            throw WeightsError(path: file.path, "is a PyTorch checkpoint of an unknown version")
        }
        for case (.string("little_endian"), .bool(false)) in unpickler.dictionaries[system] {
            throw WeightsError(
                path: file.path, "was saved on a big-endian machine; save it again on a little-endian one")
        }
        let value = try unpickler.load()
        guard case .list(let order) = try unpickler.load() else {
            throw WeightsError(path: file.path, "has no list of its storages: it is damaged")
        }
        let places = try legacyPlaces(unpickler.lists[order], unpickler)
        return try stateDict(value, unpickler).mapValues { tensor in
            guard let place = places[tensor.storage.key] else {
                throw WeightsError(path: file.path, "lacks the storage \(quoted(tensor.storage.key)): it is damaged")
            }
            return try locate(tensor, at: place.offset, byteCount: place.byteCount, in: file)
        }
    }

    /// After the pickles, for each key: the element count (8 bytes) and the elements.
    private static func legacyPlaces(
        _ keys: [PickleValue], _ unpickler: Unpickler
    ) throws -> [String: (offset: Int, byteCount: Int)] {
        let file = unpickler.reader.file
        let types = Dictionary(
            unpickler.storages.map { ($0.key, $0.elementType) }, uniquingKeysWith: { first, _ in first })
        var places: [String: (offset: Int, byteCount: Int)] = [:]
        var offset = unpickler.reader.position
        for key in keys {
            guard case .string(let name) = key, let type = types[name] else {
                throw WeightsError(path: file.path, "lists a storage that no tensor uses: it is damaged")
            }
            let count = try file.bytes(at: offset, count: 8).withUnsafeBytes {
                Int64(littleEndian: $0.loadUnaligned(as: Int64.self))
            }
            offset += 8
            guard count >= 0, let byteCount = checkedProduct([Int(count), type.byteCount]),
                byteCount <= file.size - offset
            else {
                throw WeightsError(
                    path: file.path, "is cut short in the storage \(quoted(name)); copy or download it again")
            }
            places[name] = (offset, byteCount)
            offset += byteCount
        }
        return places
    }

    private static func locate(
        _ tensor: PickleTensor, at offset: Int, byteCount: Int, in file: ReadOnlyFile
    ) throws -> StoredTensor {
        let type = tensor.storage.elementType
        guard let needed = checkedProduct([tensor.storage.elementCount, type.byteCount]), needed <= byteCount else {
            throw WeightsError(
                path: file.path,
                "has \(byteCount) bytes in the storage \(quoted(tensor.storage.key)), \(tensor.storage.elementCount) "
                    + "elements are claimed: it is damaged"
            )
        }
        return StoredTensor(
            shape: tensor.shape, elementType: type, file: file, offset: offset + tensor.offset * type.byteCount,
            strides: tensor.strides)
    }

    // MARK: Finding the state dict

    /// Far more than any checkpoint nests, and few enough that dictionaries which contain themselves do no harm.
    private static let maxDepth = 8
    private static let maxVisits = 1_000_000

    private static func stateDict(_ value: PickleValue, _ unpickler: Unpickler) throws -> [String: PickleTensor] {
        guard case .dictionary(var index) = value else { return [:] }
        var visits = 0
        for _ in 0..<maxDepth {
            let members = unpickler.dictionaries[index]
            let inner = try members.compactMap { key, value -> (name: String, index: Int)? in
                guard case .dictionary(let inner) = value, try !tensors(value, unpickler, &visits).isEmpty else {
                    return nil
                }
                if case .string(let name) = key { return (name, inner) }
                return ("", inner)
            }
            let hasOwn = members.contains { if case .tensor = $0.value { true } else { false } }
            guard !hasOwn,
                let only = inner.first(where: { $0.name == "state_dict" }) ?? (inner.count == 1 ? inner[0] : nil)
            else { break }
            index = only.index
        }
        return try tensors(.dictionary(index), unpickler, &visits)
    }

    /// All tensors in the dictionary and those inside it, by their joined names.
    private static func tensors(
        _ root: PickleValue, _ unpickler: Unpickler, _ visits: inout Int
    ) throws -> [String: PickleTensor] {
        var found: [String: PickleTensor] = [:]
        var pending: [(prefix: String, depth: Int, value: PickleValue)] = [("", 0, root)]
        while let (prefix, depth, value) = pending.popLast() {
            visits += 1
            guard visits <= maxVisits else {
                throw WeightsError(
                    path: unpickler.reader.file.path, "has more entries than any checkpoint: it is malicious")
            }
            switch value {
            case .tensor(let index): found[prefix] = unpickler.tensors[index]
            case .dictionary(let index) where depth < maxDepth:
                for (key, value) in unpickler.dictionaries[index] {
                    let name: String
                    switch key {
                    case .string(let text): name = text
                    case .int(let number): name = String(number)
                    default: continue
                    }
                    pending.append((prefix.isEmpty ? name : "\(prefix).\(name)", depth + 1, value))
                }
            default: continue
            }
        }
        return found
    }
}
