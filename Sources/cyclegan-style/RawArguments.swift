import LinuxFiles

/// The command line as the kernel has it. Swift's arguments are text, in which bytes that are no UTF-8 have been
/// replaced: a file of such a name could not be named.
enum RawArguments {
    /// The paths that arguments stand for, in their order.
    static func paths(_ arguments: [String]) -> [BytePath] {
        var left = (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { BytePath(bytes: String.bytes($0)) }
        }
        return arguments.map { argument in
            guard let index = left.firstIndex(where: { String(decoding: $0.bytes, as: UTF8.self) == argument }) else {
                return BytePath(argument)
            }
            return left.remove(at: index)
        }
    }
}

extension String {
    fileprivate static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        var bytes: [UInt8] = [], next = text
        while next.pointee != 0 {
            bytes.append(UInt8(bitPattern: next.pointee))
            next += 1
        }
        return bytes
    }
}
