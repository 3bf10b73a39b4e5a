import CInotify
import Glibc

/// Linux calls on byte paths that Swift cannot import by itself, for whoever handles the files that were found.
/// Paths are taken relative to an open directory, or to the working directory (`FileCalls.workingDirectory`).
public enum FileCalls {
    public static let workingDirectory = AT_FDCWD

    /// Opens a file; the caller closes it. The corresponding C function is `openat`.
    /// - Parameter mode: of a file that is created.
    /// - Throws: `WatchError`.
    public static func open(_ path: BytePath, at directory: CInt = workingDirectory, flags: CInt, mode: mode_t = 0o640) throws -> CInt {
        try result("open", path) { CInotify_openAt(directory, $0, flags | O_CLOEXEC, mode) }
    }

    /// Opens a found file for reading: no link is followed, no pipe waits for a writer.
    /// - Throws: `WatchError`.
    public static func openForReading(_ path: BytePath, at directory: CInt = workingDirectory) throws -> CInt {
        try open(path, at: directory, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    }

    /// Creates a file without a name in an open directory (O_TMPFILE). It vanishes if it is never given one.
    /// - Throws: `WatchError`, with EOPNOTSUPP on file systems that have no such files.
    public static func openUnnamed(in directory: CInt, mode: mode_t = 0o640) throws -> CInt {
        let descriptor = CInotify_openUnnamed(directory, mode)
        guard descriptor >= 0 else { throw WatchError(call: "open", code: -descriptor) }
        return descriptor
    }

    /// Gives an open file a name, replacing nothing. The corresponding C function is `linkat`.
    /// - Throws: `WatchError`, with EEXIST where the name is taken.
    public static func link(_ descriptor: CInt, as path: BytePath, at directory: CInt = workingDirectory) throws {
        _ = try result("link", path) { CInotify_linkOpenFile(descriptor, directory, $0) }
    }

    public enum RenameMode: Sendable {
        case replace, noReplace, exchange
    }

    /// Renames a file. The corresponding C function is `renameat2`.
    /// - Throws: `WatchError`, with EEXIST where the name is taken and must not be replaced, EXDEV between mounts.
    public static func rename(
        _ from: BytePath, to: BytePath, at fromDirectory: CInt = workingDirectory,
        to toDirectory: CInt = workingDirectory, mode: RenameMode = .replace
    ) throws {
        _ = try result("rename", from) { from in
            to.withCString { to in
                CInotify_rename(fromDirectory, from, toDirectory, to, mode == .noReplace ? 1 : 0, mode == .exchange ? 1 : 0)
            }
        }
    }

    /// Reserves space so that a full disk shows before anything is written. The corresponding C function is `fallocate`.
    /// - Throws: `WatchError`, with ENOSPC or EDQUOT where there is not enough of it.
    public static func reserve(_ bytes: Int, for descriptor: CInt) throws {
        let code = CInotify_reserve(descriptor, off_t(bytes))
        guard code == 0 else { throw WatchError(call: "fallocate", code: -code) }
    }

    /// The identity of whatever a name stands for; links are not followed.
    /// - Throws: `WatchError`.
    public static func identity(of path: BytePath, at directory: CInt = workingDirectory) throws -> FileIdentity {
        FileIdentity(try status(at: directory, path.bytes))
    }

    private static func result(_ call: String, _ path: BytePath, _ body: (UnsafePointer<CChar>) -> CInt) throws -> CInt {
        let result = path.withCString(body)
        guard result >= 0 else { throw WatchError(call: call, code: -result, path: path) }
        return result
    }
}
