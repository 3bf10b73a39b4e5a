import Glibc

/// Keeps two processes from training in one directory: each would take the other's checkpoints for its own. Held while a run
/// trains; the kernel lets go of it when the process ends, however it does.
struct RunLock {
    private let descriptor: CInt

    /// Throws `TrainingError` where another run holds it.
    init(_ directory: String) throws {
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TrainingError("\(directory) cannot be opened: \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw TrainingError("another process is training in \(directory); wait for it, or name another directory")
        }
    }

    func unlock() { close(descriptor) }

    /// Before anything in the directory is changed.
    static func check(_ directory: String) throws { try RunLock(directory).unlock() }
}
