import Crypto
import Foundation
import Glibc
import Weights

/// What has arrived of a download, kept beside its destination as `NAME.part` so that the next attempt can go on from there.
/// Locked: two downloads to the same place would mix their bytes.
final class PartialFile {
    let path: String
    private let destination: String
    private let descriptor: CInt

    init(destination: String) throws {
        self.destination = destination
        path = destination + ".part"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be opened") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw WeightsError(path: path, "is being downloaded by another process already")
        }
    }

    deinit {
        close(descriptor)
    }

    /// At the end of the work: a finished session may keep this object for a moment longer.
    func unlock() {
        flock(descriptor, LOCK_UN)
    }

    private static func failure(_ path: String, _ what: String) -> WeightsError {
        WeightsError(path: path, "\(what): \(String(cString: strerror(errno)))")
    }

    var size: Int {
        get throws {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw Self.failure(path, "cannot be examined") }
            return Int(status.st_size)
        }
    }

    func truncate() throws {
        guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(path, "cannot be emptied") }
    }

    func append(_ data: Data, at offset: Int) throws {
        try data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw Self.failure(path, "cannot be written; make room and run this again, it goes on from here")
                }
                done += count
            }
        }
    }

    /// In lower-case hexadecimal digits.
    func sha256() throws -> String {
        try Self.sha256(descriptor, path)
    }

    /// Of any file; nil where there is none.
    static func sha256(ofFile path: String) throws -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure(path, "cannot be opened")
        }
        defer { close(descriptor) }
        return try sha256(descriptor, path)
    }

    private static func sha256(_ descriptor: CInt, _ path: String) throws -> String {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path, "cannot be read")
            }
            if count == 0 { break }
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += count
        }
        return hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    func publish() throws {
        guard fsync(descriptor) == 0 else { throw Self.failure(path, "cannot be written") }
        guard rename(path, destination) == 0 else { throw Self.failure(destination, "cannot be put in place") }
    }

    func remove() {
        unlink(path)
    }
}
