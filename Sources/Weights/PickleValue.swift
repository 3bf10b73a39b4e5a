/// A Python value out of a pickle. Containers live in the unpickler's lists and are named by their index there: however
/// deeply, often or circularly they contain each other, making and freeing them needs no recursion.
enum PickleValue {
    case none
    case bool(Bool)
    case int(Int)
    /// Too long for `int`: little-endian, two's complement.
    case longInt([UInt8])
    case double(Double)
    case string(String)
    case global(PickleGlobal)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    case mark
}

/// The only names that a pickle may mention. None of them is ever called: each stands for something done here.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case size
    case storage(ElementType)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "Size"): self = .size
        default:
            guard module == "torch", let type = Self.storages[name] else { return nil }
            self = .storage(type)
        }
    }

    private static let storages: [String: ElementType] = [
        "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "DoubleStorage": .float64,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8,
        "BoolStorage": .bool,
    ]
}

/// A storage that a pickle refers to; its numbers stand elsewhere in the file under `key`.
struct PickleStorage {
    let elementType: ElementType
    let key: String
    /// Of the whole storage.
    let elementCount: Int
    /// Of the part that is meant, for the views that old files know.
    let viewOffset: Int
    let viewCount: Int
}

struct PickleTensor {
    let storage: PickleStorage
    /// In elements from the start of the storage.
    let offset: Int
    let shape: [Int]
    /// nil where contiguous.
    let strides: [Int]?
}
