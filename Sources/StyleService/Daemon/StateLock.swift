import Glibc

/// One daemon for one state directory: a lock that the kernel lifts when its holder dies.
final class StateLock: Sendable {
    private let descriptor: CInt

    /// - Throws: `StateLocked` where another process holds it.
    init(_ path: BytePath) throws {
        try Files.makeDirectory(path.parent)
        descriptor = try retrying("open", path) { path.withCString { open($0, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o660) } }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? Files.read(path)).map { String(decoding: $0, as: UTF8.self).trimmingSuffix(while: \.isWhitespace) }
            close(descriptor)
            throw StateLocked(directory: path.parent, holder: holder.flatMap { $0.isEmpty ? nil : String($0) })
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            throw SystemError(errno, "write", path)
        }
    }

    deinit { close(descriptor) }
}

/// Another daemon works with this state directory.
public struct StateLocked: Error, Sendable, CustomStringConvertible {
    public let directory: BytePath
    /// Its process id.
    public let holder: String?

    public var description: String {
        "another cyclegan-styled\(holder.map { " (process \($0))" } ?? "") uses the state directory \(directory); "
            + "stop it first, or give this one a 'state' directory of its own"
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while isCut: (Character) -> Bool) -> SubSequence {
        var rest = self[...]
        while let last = rest.last, isCut(last) { rest.removeLast() }
        return rest
    }
}
