import Glibc

/// Writes a whole file under a temporary name beside it, then renames it: readers see the old file or the new one, never a part.
enum AtomicFile {
    /// `body` gets a function that appends bytes. On any error the temporary file is removed and `path` is as it was.
    static func write(
        _ path: String, body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let (directory, name) = split(path)
        // A name of 255 bytes leaves no room for a suffix, so the temporary name does not contain it.
        let temporary = "\(directory)/.weights-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw WeightsError(path: path, "cannot be written in \(directory): \(lastErrorText())")
        }
        var isOpen = true
        do {
            try body { try writeAll($0, to: descriptor, path: path) }
            guard fsync(descriptor) == 0 else {
                throw WeightsError(path: path, "cannot be written: \(lastErrorText())")
            }
            isOpen = false
            guard close(descriptor) == 0 else {
                throw WeightsError(path: path, "cannot be written: \(lastErrorText())")
            }
            guard rename(temporary, "\(directory)/\(name)") == 0 else {
                throw WeightsError(path: path, "cannot be put in place: \(lastErrorText())")
            }
        } catch {
            if isOpen { close(descriptor) }
            unlink(temporary)
            throw error
        }
        syncDirectory(directory)
    }

    private static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = path[..<slash]
        return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, path: String) throws {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0 {
                if errno == EINTR { continue }
                throw WeightsError(path: path, "cannot be written: \(lastErrorText())")
            }
            done += count
        }
    }

    /// Makes the rename itself durable; a file system that cannot is no reason to fail, the file is complete either way.
    private static func syncDirectory(_ directory: String) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
