import Glibc

/// How much memory a translation may use where the configuration does not say.
public enum MemoryBudget {
    /// Half of what the machine has, or the control group allows if that is less, in bytes.
    /// Under the unit's ProcSubset=pid there is no /proc/meminfo: sysconf(3), which asks
    /// sysinfo(2), and the control group's files tell.
    public static var automatic: Int { automatic(machine: machineMemory, limit: controlGroupLimit()) }

    static func automatic(machine: Int, limit: Int?) -> Int { min(machine, limit ?? .max) / 2 }

    static var machineMemory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// The lowest limit from this process's control group up to the root, in bytes; nil where there is none.
    ///
    /// - Parameters:
    ///   - membership: the content of /proc/self/cgroup: `0::/path` (version 2) and `N:memory:/path` (version 1).
    ///   - root: where the hierarchies are mounted.
    static func controlGroupLimit(
        membership: String? = text(BytePath("/proc/self/cgroup")), root: BytePath = BytePath("/sys/fs/cgroup")
    ) -> Int? {
        var limits: [Int] = []
        for line in (membership ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[0] == "0" && fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains("memory") else { continue }
            let top = isVersion2 ? root : root.appending("memory")
            var group = BytePath(String(fields[2])).normalized
            while true {
                let files = isVersion2 ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
                let directory = BytePath(bytes: top.bytes + (group.bytes == [UInt8(ascii: "/")] ? [] : group.bytes))
                for file in files {
                    if let limit = text(directory.appending(file)).flatMap({ Int($0.filter(\.isNumber)) }) { limits.append(limit) }
                }
                if group.components.isEmpty { break }
                group = group.parent
            }
        }
        // Version 1 says "no limit" with a huge number.
        return limits.filter { $0 > 0 && $0 < 1 << 60 }.min()
    }

    private static func text(_ path: BytePath) -> String? {
        // The kernel's files say that they are empty: read, not sized.
        guard let descriptor = try? Files.openForReading(path) else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}

extension MemoryBudget {
    /// The bytes that a size such as `2G` or `800M` means; nil for anything else.
    public static func bytes(_ text: String) -> Int? { Quantity.bytes(text).flatMap { $0 > 0 ? $0 : nil } }
}
