import Glibc
import LinuxFiles
import Publishing

/// One daemon for one state directory: a lock that the kernel lifts when its holder dies.
final class StateLock: Sendable {
    private let file: Descriptor

    /// - Throws: `StateLocked` where another process holds it.
    init(_ path: BytePath) throws {
        try Files.makeDirectory(path.parent)
        file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o660)
        guard try file.lock() else {
            let holder = (try? Files.read(path)).map {
                String(decoding: $0, as: UTF8.self).trimmingSuffix(while: \.isWhitespace)
            }
            throw StateLocked(directory: path.parent, holder: holder.flatMap { $0.isEmpty ? nil : String($0) })
        }
        try file.truncate()
        try file.write(Array("\(getpid())\n".utf8))
    }
}

/// Another daemon works with this state directory.
package struct StateLocked: Error, Sendable, CustomStringConvertible {
    package let directory: BytePath
    /// Its process id.
    package let holder: String?

    package var description: String {
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
