extension Unpickler {
    /// What Python would get by calling `global`.
    mutating func make(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        switch global {
        case .orderedDictionary:
            let result = newDictionary()
            // Python 2 wrote the pairs as an argument.
            if case .dictionary(let index) = result, case .list(let pairs)? = arguments.first {
                dictionaries[index] = try lists[pairs].map { pair in
                    switch pair {
                    case .list(let items) where lists[items].count == 2: (lists[items][0], lists[items][1])
                    case .tuple(let items) where tuples[items].count == 2: (tuples[items][0], tuples[items][1])
                    default: throw failure("has an ordered dictionary that is not made of pairs: it is damaged")
                    }
                }
            }
            return result
        case .rebuildTensor:
            tensors.append(try tensor(arguments))
            return .tensor(tensors.count - 1)
        case .rebuildParameter:
            guard case .tensor? = arguments.first else {
                throw failure("has a parameter without a tensor: it is damaged")
            }
            return arguments[0]
        case .size:
            guard case .tuple? = arguments.first else { throw failure("has a malformed size: it is damaged") }
            return arguments[0]
        case .storage:
            throw failure(
                "makes a storage by itself, which no state dict needs; save it again with "
                    + "torch.save(network.state_dict(), FILE)"
            )
        }
    }

    /// From the persistent id ("storage", type, key, device, element count, view or None).
    func storage(_ parts: [PickleValue]) throws -> PickleStorage {
        guard parts.count >= 5, case .string("storage") = parts[0], case .global(.storage(let type)) = parts[1],
            case .int(let count) = parts[4], count >= 0
        else { throw failure("refers to something else than a storage of numbers: it is damaged or not a state dict") }
        let key: String
        switch parts[2] {
        case .string(let text): key = text
        case .int(let number): key = String(number)
        default: throw failure("has a storage without a name: it is damaged")
        }
        var view = (offset: 0, count: count)
        if parts.count > 5, case .tuple(let index) = parts[5] {
            let numbers = tuples[index].dropFirst().map { if case .int(let number) = $0 { number } else { -1 } }
            guard numbers.count == 2, numbers.allSatisfy({ 0...count ~= $0 }), numbers[1] <= count - numbers[0] else {
                throw failure("has a view outside of its storage \(quoted(key)): it is damaged")
            }
            view = (numbers[0], numbers[1])
        }
        return PickleStorage(
            elementType: type, key: key, elementCount: count, viewOffset: view.offset, viewCount: view.count)
    }

    /// From (storage, offset, shape, strides, ...), checked against the storage.
    private func tensor(_ arguments: [PickleValue]) throws -> PickleTensor {
        guard arguments.count >= 4, case .storage(let index) = arguments[0], case .int(let offset) = arguments[1],
            let shape = numbers(arguments[2]), let strides = numbers(arguments[3]), shape.count == strides.count,
            offset >= 0, shape.count <= 64
        else { throw failure("has a malformed tensor: it is damaged") }
        let storage = storages[index]
        // A tensor never needs more elements than its storage has: strides of 0 would make petabytes out of one number.
        guard let count = checkedProduct(shape), count <= storage.viewCount else {
            throw failure(
                "has a tensor of the shape \(shape) in a storage of \(storage.viewCount) elements: it is damaged")
        }
        guard count > 0 else { return PickleTensor(storage: storage, offset: 0, shape: shape, strides: nil) }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            guard !overflow, step <= storage.viewCount, last <= storage.viewCount else {
                last = Int.max
                break
            }
            last += step
        }
        guard last < storage.viewCount else {
            throw failure("has a tensor that reaches outside of its storage \(quoted(storage.key)): it is damaged")
        }
        return PickleTensor(
            storage: storage, offset: storage.viewOffset + offset, shape: shape,
            strides: Self.isContiguous(shape, strides) ? nil : strides)
    }

    private func numbers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let index) = value else { return nil }
        let numbers = tuples[index].compactMap { if case .int(let number) = $0, number >= 0 { number } else { nil } }
        return numbers.count == tuples[index].count ? numbers : nil
    }

    private static func isContiguous(_ shape: [Int], _ strides: [Int]) -> Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
