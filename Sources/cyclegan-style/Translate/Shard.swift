import ArgumentParser
import Digests
import LinuxFiles

/// One of N parts of an archive. Which photo belongs to which follows from its name alone, so that a list may grow
/// between tasks and a task that starts anew takes the same photos.
struct Shard: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let index, count: Int

    /// `I/N`. Schedulers count from 0 or from 1: both are taken, and N/N is 0/N.
    init?(argument: String) {
        let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1], (1...1_000_000).contains(count),
            (0...count).contains(index)
        else { return nil }
        (self.index, self.count) = (index % count, count)
    }

    var description: String { "\(index)/\(count)" }

    /// The first 64 bits of the name's SHA-256, big-endian, modulo N.
    func contains(_ name: BytePath) -> Bool {
        let number = SHA256.hash(name.bytes).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return number % UInt64(count) == UInt64(index)
    }
}
