/// What the control groups of this process allow it.
package enum ControlGroup {
    /// The content of a controller's files, for each group from this process's own up to the root: one list for each
    /// group that has all of them.
    ///
    /// - Parameters:
    ///   - unified: names of the files in the hierarchy of version 2.
    ///   - legacy: the same in the controller's own hierarchy of version 1.
    ///   - membership: the content of /proc/self/cgroup: `0::/path` (version 2) and `N:cpu,cpuacct:/path` (version 1).
    package static func values(
        of controller: String, unified: [String], legacy: [String], membership: String? = ControlGroup.membership,
        root: String = ControlGroup.root
    ) -> [[String]] {
        var found: [[String]] = []
        for line in (membership ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains(controller[...]) else { continue }
            // A group outside this namespace begins with `..`.
            var group = fields[2].split(separator: "/").filter { $0 != ".." }
            while true {
                let directory = ([isUnified ? root : "\(root)/\(controller)"] + group.map(String.init)).joined(
                    separator: "/")
                let values = (isUnified ? unified : legacy).map { Files.kernelText(BytePath("\(directory)/\($0)")) }
                if !values.contains(nil) { found.append(values.compactMap(\.self)) }
                if group.isEmpty { break }
                group.removeLast()
            }
        }
        return found
    }

    /// The groups of this process.
    package static var membership: String? { Files.kernelText("/proc/self/cgroup") }

    /// Where the hierarchies are mounted.
    package static let root = "/sys/fs/cgroup"
}
