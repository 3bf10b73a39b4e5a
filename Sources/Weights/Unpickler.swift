/// Reads the pickles of state dicts and nothing else: a machine for the instructions that build plain values, and a
/// short list of names (`PickleGlobal`). No code out of a file is ever run. Source: the instruction table of CPython's
/// pickletools.
struct Unpickler {
    var reader: PickleReader
    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []
    private var stack: [PickleValue] = []
    private var memo: [Int: PickleValue] = [:]

    init(_ reader: PickleReader) {
        self.reader = reader
    }

    func failure(_ reason: String) -> WeightsError {
        WeightsError(path: reader.file.path, reason)
    }

    /// The value of the next pickle; containers of earlier ones stay valid.
    mutating func load() throws -> PickleValue {
        stack = []
        memo = [:]
        while true {
            let start = reader.position
            let code = try reader.byte()
            if code == UInt8(ascii: ".") { return try pop() }
            guard try constant(code) || container(code) || object(code) || memory(code) else {
                throw failure(
                    "has the pickle instruction 0x\(String(code, radix: 16)) at byte \(start), which no state dict "
                        + "needs; "
                        + "save it again with torch.save(network.state_dict(), FILE)")
            }
        }
    }

    private mutating func pop() throws -> PickleValue {
        guard let value = stack.popLast() else { throw malformed() }
        if case .mark = value { throw malformed() }
        return value
    }

    private func malformed() -> WeightsError {
        failure("has a malformed description of the tensors before byte \(reader.position): it is damaged")
    }

    private mutating func popToMark() throws -> [PickleValue] {
        let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
        guard let mark else { throw malformed() }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[(mark + 1)...])
    }

    /// Numbers and strings. True where `code` was one of these instructions, here and below.
    private mutating func constant(_ code: UInt8) throws -> Bool {
        switch code {
        case 0x80: _ = try reader.byte()  // PROTO
        case 0x95: _ = try reader.bytes(8)  // FRAME
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "K"): stack.append(.int(Int(try reader.byte())))
        case UInt8(ascii: "M"): stack.append(.int(try reader.number(2)))
        case UInt8(ascii: "J"): stack.append(.int(Int(Int32(truncatingIfNeeded: try reader.number(4)))))
        case 0x8A:  // LONG1
            let bytes = Array(try reader.bytes(Int(try reader.byte())))
            stack.append(bytes.count > 8 ? .longInt(bytes) : .int(Self.signed(bytes)))
        case UInt8(ascii: "G"):
            let bits = try reader.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            stack.append(.double(Double(bitPattern: bits)))
        // Unicode, then the byte strings of Python 2, whose state dicts have such keys.
        case UInt8(ascii: "X"), UInt8(ascii: "T"): stack.append(.string(try reader.string(try reader.number(4))))
        case 0x8C, UInt8(ascii: "U"): stack.append(.string(try reader.string(Int(try reader.byte()))))
        case 0x8D: stack.append(.string(try reader.string(try reader.number(8))))
        default: return false
        }
        return true
    }

    private static func signed(_ bytes: [UInt8]) -> Int {
        let negative = bytes.last.map { $0 & 0x80 != 0 } ?? false
        return Int(truncatingIfNeeded: bytes.reversed().reduce(negative ? UInt64.max : 0) { $0 << 8 | UInt64($1) })
    }

    private mutating func container(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "("): stack.append(.mark)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: ")"): push(tuple: [])
        case UInt8(ascii: "t"): push(tuple: try popToMark())
        case 0x85: push(tuple: [try pop()])
        case 0x86:
            let second = try pop()
            push(tuple: [try pop(), second])
        case 0x87:
            let (third, second) = (try pop(), try pop())
            push(tuple: [try pop(), second, third])
        case UInt8(ascii: "]"):
            stack.append(.list(lists.count))
            lists.append([])
        case UInt8(ascii: "}"): stack.append(newDictionary())
        case UInt8(ascii: "a"):
            let item = try pop()
            try append([item])
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "s"):
            let value = try pop()
            try set([try pop(), value])
        case UInt8(ascii: "u"): try set(try popToMark())
        default: return false
        }
        return true
    }

    private mutating func push(tuple: [PickleValue]) {
        stack.append(.tuple(tuples.count))
        tuples.append(tuple)
    }

    mutating func newDictionary() -> PickleValue {
        dictionaries.append([])
        return .dictionary(dictionaries.count - 1)
    }

    private mutating func append(_ items: [PickleValue]) throws {
        guard case .list(let index)? = stack.last else { throw malformed() }
        lists[index] += items
    }

    private mutating func set(_ items: [PickleValue]) throws {
        guard case .dictionary(let index)? = stack.last, items.count.isMultiple(of: 2) else { throw malformed() }
        for pair in stride(from: 0, to: items.count, by: 2) {
            dictionaries[index].append((items[pair], items[pair + 1]))
        }
    }

    private mutating func memory(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "q"): try remember(Int(try reader.byte()))
        case UInt8(ascii: "r"): try remember(try reader.number(4))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "h"): try recall(Int(try reader.byte()))
        case UInt8(ascii: "j"): try recall(try reader.number(4))
        default: return false
        }
        return true
    }

    private mutating func remember(_ index: Int) throws {
        guard let value = stack.last else { throw malformed() }
        memo[index] = value
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw malformed() }
        stack.append(value)
    }

    private mutating func object(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "c"):
            let module = try reader.line()
            try pushGlobal(module, try reader.line())
        case 0x93:  // STACK_GLOBAL
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else { throw malformed() }
            try pushGlobal(module, name)
        case UInt8(ascii: "R"):
            guard case .tuple(let arguments) = try pop(), case .global(let global) = try pop() else {
                throw malformed()
            }
            stack.append(try make(global, tuples[arguments]))
        case UInt8(ascii: "b"):  // BUILD: an ordered dictionary's attributes, such as the versions of its modules
            _ = try pop()
            guard case .dictionary? = stack.last else { throw malformed() }
        case UInt8(ascii: "Q"):
            guard case .tuple(let identifier) = try pop() else { throw malformed() }
            storages.append(try storage(tuples[identifier]))
            stack.append(.storage(storages.count - 1))
        default: return false
        }
        return true
    }

    private mutating func pushGlobal(_ module: String, _ name: String) throws {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw failure(
                "asks for \(quoted(module + "." + name)), which is no part of a state dict: it is malicious or a whole "
                    + "program "
                    + "object; nothing in it was run; save it again with torch.save(network.state_dict(), FILE)")
        }
        stack.append(.global(global))
    }
}
