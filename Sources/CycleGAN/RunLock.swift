import LinuxFiles

/// Keeps two processes from training in one directory: each would take the other's checkpoints for its own. Held while
/// a run trains; the kernel lets go of it when the process ends, however it does.
struct RunLock: ~Copyable {
    private let directory: Descriptor

    /// Throws `TrainingError` where another run holds it.
    init(_ directory: String) throws {
        let opened = try Self.open(directory)
        guard try opened.lock() else {
            throw TrainingError("another process is training in \(directory); wait for it, or name another directory")
        }
        self.directory = opened
    }

    private static func open(_ directory: String) throws -> Descriptor {
        do { return try Descriptor.directory(BytePath(directory), followingLinks: true) } catch let error as SystemError
        {
            throw TrainingError("\(directory) cannot be opened: \(error.reason)")
        }
    }

    func unlock() { directory.unlock() }

    /// Before anything in the directory is changed.
    static func check(_ directory: String) throws { _ = try RunLock(directory) }
}
