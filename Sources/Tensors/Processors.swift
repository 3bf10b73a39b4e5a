import CTensorKernels
import Glibc

/// How much of the machine this process may use.
public enum Processors {
    /// Processors that the affinity mask and the cgroup's quota (`cpu.max`, `cpu.cfs_quota_us`) leave us, at least 1.
    public static var usable: Int {
        max(1, min(Int(ctk_processors_in_affinity()), quota ?? Int.max))
    }

    /// The cgroup's processor quota, rounded up to whole processors; the tightest of all the ancestors'.
    static var quota: Int? {
        guard let membership = text("/proc/self/cgroup") else { return nil }
        var quotas: [Double] = []
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            var path = String(parts[2])
            let controllers = parts[1].split(separator: ",")
            while true {
                if parts[1].isEmpty, let both = text("/sys/fs/cgroup\(path)/cpu.max") {
                    let values = both.split(separator: " ").compactMap { Double($0.filter { $0 != "\n" }) }
                    if values.count == 2 { quotas.append(values[0] / values[1]) }
                } else if controllers.contains("cpu"),
                    let quota = text("/sys/fs/cgroup/cpu\(path)/cpu.cfs_quota_us").flatMap({ Double($0.filter { $0 != "\n" }) }),
                    let period = text("/sys/fs/cgroup/cpu\(path)/cpu.cfs_period_us").flatMap({ Double($0.filter { $0 != "\n" }) }),
                    quota > 0
                {
                    quotas.append(quota / period)
                }
                guard let slash = path.lastIndex(of: "/"), path != "/" else { break }
                path = slash == path.startIndex ? "/" : String(path[..<slash])
            }
        }
        return quotas.min().map { max(1, Int($0.rounded(.up))) }
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<n], as: UTF8.self)
    }
}
