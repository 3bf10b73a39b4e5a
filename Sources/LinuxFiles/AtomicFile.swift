import Glibc

/// Writes a whole file under a temporary name beside it, then renames it: readers see the old file or the new one,
/// never a part.
package enum AtomicFile {
    /// `body` gets a function that appends bytes. On any error the temporary file is removed and `path` is as it was.
    /// - Parameter prepare: is given the new file before anything is in it.
    /// - Throws: `SystemError`, and what `body` throws.
    package static func write(
        _ path: BytePath, mode: mode_t = 0o644, prepare: (borrowing Descriptor) throws -> Void = { _ in },
        body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let directory = path.parent.isEmpty ? BytePath(".") : path.parent
        // A name of 255 bytes leaves no room for a suffix, so the temporary name does not contain it.
        let temporary = directory.appending(
            ".writing-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).tmp")
        let file = try Descriptor.open(
            temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode, trying: "create")
        do {
            try prepare(file)
            let descriptor = file.raw
            try body { try Files.write($0, to: descriptor, temporary) }
            try file.synchronize()
            try Files.rename(temporary, to: path)
        } catch {
            try? Files.unlinkIfPresent(temporary)
            throw error
        }
        // A file system that cannot make the rename itself durable is no reason to fail: the file is complete either
        // way.
        try? Files.synchronizeDirectory(directory)
    }
}
