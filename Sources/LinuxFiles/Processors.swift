import CLinux

/// How much of the machine this process may use.
package enum Processors {
    /// Processors that the affinity mask and the cgroup's quota (`cpu.max`, `cpu.cfs_quota_us`) leave us, at least 1.
    package static var usable: Int {
        max(1, min(Int(CLinux_processorsInAffinity()), quota ?? Int.max))
    }

    /// The cgroup's processor quota, rounded up to whole processors; the tightest of all the ancestors'.
    static var quota: Int? {
        quota(ControlGroup.values(of: "cpu", unified: ["cpu.max"], legacy: ["cpu.cfs_quota_us", "cpu.cfs_period_us"]))
    }

    /// - Parameter values: quota and period of each group, in one text or in two; `max`, or a negative quota, is none.
    static func quota(_ values: [[String]]) -> Int? {
        let quotas = values.compactMap { texts -> Double? in
            let numbers = texts.joined(separator: " ").split(separator: " ").compactMap { Double($0) }
            return numbers.count == 2 && numbers[0] > 0 && numbers[1] > 0 ? numbers[0] / numbers[1] : nil
        }
        return quotas.min().map { max(1, Int($0.rounded(.up))) }
    }
}
