import Glibc
import LinuxFiles
import ServiceConfiguration

/// How much memory a translation may use where the configuration does not say.
package enum MemoryBudget {
    /// Half of what the machine has, or the control group allows if that is less, in bytes.
    /// Under the unit's ProcSubset=pid there is no /proc/meminfo: sysconf(3), which asks
    /// sysinfo(2), and the control group's files tell.
    /// What the process's own limits leave counts as well.
    package static var automatic: Int {
        automatic(machine: machineMemory, limit: controlGroupLimit(), left: AddressSpace.left)
    }

    static func automatic(machine: Int, limit: Int?, left: Int? = nil) -> Int {
        max(0, min(machine, limit ?? .max, left ?? .max)) / 2
    }

    static var machineMemory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// The lowest limit of this process's control groups, in bytes; nil where there is none.
    static func controlGroupLimit(membership: String? = ControlGroup.membership, root: String = ControlGroup.root)
        -> Int?
    {
        let files = [
            (unified: ["memory.max"], legacy: ["memory.limit_in_bytes"]), (unified: ["memory.high"], legacy: []),
        ]
        let values = files.flatMap {
            ControlGroup.values(
                of: "memory", unified: $0.unified, legacy: $0.legacy, membership: membership, root: root
            ).joined()
        }
        // Version 1 says "no limit" with a huge number.
        return values.compactMap { Int($0) }.filter { $0 > 0 && $0 < 1 << 60 }.min()
    }
}

extension MemoryBudget {
    /// The bytes that a size such as `2G` or `800M` means; nil for anything else.
    package static func bytes(_ text: String) -> Int? { Quantity.bytes(text).flatMap { $0 > 0 ? $0 : nil } }
}
