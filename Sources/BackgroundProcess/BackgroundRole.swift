import CLinux
import Glibc
import LinuxFiles

/// What a process makes of itself so that nobody notices its work. To be taken before it starts any thread, since
/// threads have what the one that starts them has.
package enum BackgroundRole {
    /// Where the machine's memory runs out, this process goes first (-1000 to 1000; proc(5)).
    package static let outOfMemoryScore = 800

    /// The process that started this one is gone: there is nobody to work for.
    package struct Orphaned: Error, CustomStringConvertible {
        package let description = "the process that started this one has ended"
    }

    /// Processors and disks only when they would idle; the first to go where memory is short; ended by the kernel when
    /// the parent ends.
    /// - Parameters:
    ///   - parent: the process that started this one.
    ///   - memoryLimit: bytes of memory of its own (RLIMIT_DATA); nil for no limit.
    /// - Returns: what the kernel did not grant, a line each; the work can be done without.
    /// - Throws: `Orphaned`; `SystemError` where it could outlive its parent.
    package static func assume(parent: pid_t, memoryLimit: Int? = nil) throws -> [String] {
        // SIGKILL: a process that is stopped, or that hangs, must die as well.
        try retrying("ask for a signal at the parent's end") { CLinux_signalAtParentsDeath(SIGKILL) }
        // A parent that had ended before that sends nothing any more.
        guard getppid() == parent else { throw Orphaned() }
        var refused: [String] = []
        func attempt(_ body: () throws -> Void) { do { try body() } catch { refused.append("\(error)") } }
        attempt { try retrying("be scheduled when processors idle") { CLinux_runWhenIdle() } }
        attempt { try retrying("read and write when disks idle") { CLinux_readAndWriteWhenIdle() } }
        attempt {
            let path: BytePath = "/proc/self/oom_score_adj"
            let file = try Descriptor.open(path, flags: O_WRONLY)
            try Array("\(outOfMemoryScore)".utf8).withUnsafeBytes { try Files.write($0, to: file.raw, path) }
        }
        if let memoryLimit {
            attempt {
                try retrying("limit memory to \(memoryLimit) bytes") { CLinux_limitMemory(UInt64(max(0, memoryLimit))) }
            }
        }
        return refused
    }
}
