import Glibc

/// An open file read at given offsets. Reads, not a mapping: a file that shrinks under us becomes an error instead of a signal.
final class ReadOnlyFile: Sendable {
    let path: String
    let size: Int
    private let descriptor: CInt

    init(_ path: String) throws {
        self.path = path
        // Without O_NONBLOCK the opening of a FIFO waits for a writer.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw WeightsError(path: path, "cannot be opened: \(lastErrorText())")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let text = lastErrorText()
            close(descriptor)
            throw WeightsError(path: path, "cannot be examined: \(text)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw WeightsError(path: path, "is not a regular file")
        }
        size = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Fills `buffer` from byte `offset` on.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw WeightsError(path: path, "cannot be read: \(lastErrorText())")
            }
            guard count > 0 else {
                throw WeightsError(path: path, "ends at byte \(offset + done): it was cut short; copy or download it again")
            }
            done += count
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

func lastErrorText() -> String {
    String(cString: strerror(errno))
}
