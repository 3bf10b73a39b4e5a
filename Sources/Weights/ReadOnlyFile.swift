import Glibc
import LinuxFiles

/// An open file read at given offsets, or bytes that stand for one. Reads, not a mapping: a file that shrinks under us
/// becomes an error instead of a signal.
final class ReadOnlyFile: Sendable {
    let path: String
    let size: Int
    private let source: Source

    private enum Source: ~Copyable, Sendable {
        case file(Descriptor)
        case memory([UInt8])
    }

    /// Bytes in memory.
    /// - Parameter name: what errors call them.
    init(_ contents: [UInt8], name: String) {
        path = name
        size = contents.count
        source = .memory(contents)
    }

    init(_ path: String) throws {
        self.path = path
        let file = try WeightsError.explaining(path, "cannot be opened") {
            try Descriptor.forReading(BytePath(path), followingLinks: true)
        }
        let status: stat
        do { status = try file.status() } catch let error as SystemError {
            throw WeightsError(path: path, "cannot be examined: \(error.reason)")
        }
        guard Files.isRegular(status) else { throw WeightsError(path: path, "is not a regular file") }
        size = Int(status.st_size)
        source = .file(file)
    }

    /// Fills `buffer` from byte `offset` on.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        let count: Int
        switch source {
        case .file(let file):
            count = try WeightsError.explaining(path, "cannot be read") { try file.read(at: offset, into: buffer) }
        case .memory(let contents):
            count = max(0, min(buffer.count, size - offset))
            contents.withUnsafeBytes { bytes in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[min(offset, size)...].prefix(count)))
            }
        }
        guard count == buffer.count else {
            throw WeightsError(
                path: path, "ends at byte \(offset + count): it was cut short; copy or download it again")
        }
    }

    func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
            throw WeightsError(
                path: path,
                "is cut short: \(count) bytes wanted at byte \(offset), but it has \(size); copy or download it again")
        }
        var result = [UInt8](repeating: 0, count: count)
        try result.withUnsafeMutableBytes { try read(at: offset, into: $0) }
        return result
    }
}
