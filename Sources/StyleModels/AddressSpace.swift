import Glibc
import LinuxFiles
import Photos

/// What the limits of this process (`ulimit -v`, `ulimit -d`, LimitAS=, LimitDATA=) leave of memory. Where a limit is
/// met, an allocation fails, which in Swift ends the process: what needs much is refused before.
package enum AddressSpace {
    /// Kept for everything that nobody counts: stacks of threads, the ledger, a photo on its way.
    package static let reserve = 64 << 20

    /// Bytes that may still be allocated; nil where nothing limits them.
    package static var left: Int? {
        let limits = [limit(RLIMIT_AS), limit(RLIMIT_DATA)]
        guard limits.contains(where: { $0 != nil }), let used = usage else { return nil }
        return [limits[0].map { $0 - used.size }, limits[1].map { $0 - used.data }].compactMap(\.self).min()
    }

    private static func limit(_ resource: __rlimit_resource) -> Int? {
        var value = rlimit()
        guard getrlimit(__rlimit_resource_t(resource.rawValue), &value) == 0, value.rlim_cur < rlim_t(Int.max) else {
            return nil
        }
        return Int(value.rlim_cur)
    }

    /// Whether some more bytes can be allocated with a reserve left.
    /// - Throws: `PhotoError.outOfMemory`, which puts a photo off.
    package static func require(_ bytes: Int, for what: String) throws {
        guard let left, bytes > left - reserve else { return }
        throw PhotoError(
            kind: .outOfMemory,
            reason:
                "memory is short: \(what) needs \(megabytes(bytes)), and the process's limit (ulimit -v, LimitAS=) "
                + "leaves "
                + megabytes(max(0, left - reserve)))
    }

    package static func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }

    /// The whole address space, and what of it are data and stacks, in bytes: proc_pid_statm(5).
    private static var usage: (size: Int, data: Int)? {
        let fields = (Files.kernelText("/proc/self/statm") ?? "").split(separator: " ").map { Int($0) }
        guard fields.count >= 6, let size = fields[0], let data = fields[5] else { return nil }
        let page = sysconf(Int32(_SC_PAGESIZE))
        return (size * page, data * page)
    }
}
