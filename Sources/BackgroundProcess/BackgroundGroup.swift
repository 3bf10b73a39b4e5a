import Glibc
import LinuxFiles

/// A control group below this process's own, for children that are to get what is left over: only where whoever started
/// this process has delegated its group to it (`Delegate=` of a systemd unit) and the hierarchy can be written.
///
/// A group that hands out resources may have no processes itself (cgroups(7), "no internal processes"): this process
/// moves into a group of its own beside the children's.
package struct BackgroundGroup: Sendable {
    package let directory: BytePath
    /// What the kernel did not grant, a line each; the children work without.
    package let refused: [String]

    private static let ownName = "service", controllers = ["cpu", "memory"]
    /// What systemd marks a delegated group with.
    private static let mark = "user.delegate"

    /// - Parameters:
    ///   - name: of the children's group.
    ///   - memoryLimit: bytes that they may use together; nil for no limit.
    /// - Returns: nil where no group is delegated.
    /// - Throws: `SystemError` where one is, and cannot be used.
    package init?(
        _ name: String, memoryLimit: Int?, membership: String? = ControlGroup.membership,
        root: String = ControlGroup.root
    ) throws {
        guard var above = Self.delegated(membership, root) else { return nil }
        let own = Array(Self.ownName.utf8)
        if above.components.last == own, !Self.isMarked(above) { above = above.parent }
        guard Self.isMarked(above) else { return nil }
        let service = above.appending(own)
        try Files.makeDirectory(service)
        try Self.write(String(getpid()), service.appending("cgroup.procs"))
        let place = above.appending(name)
        try Files.makeDirectory(place)
        var refused: [String] = []
        func attempt(_ body: () throws -> Void) { do { try body() } catch { refused.append("\(error)") } }
        for controller in Self.controllers {
            attempt { try Self.write("+\(controller)", above.appending("cgroup.subtree_control")) }
        }
        // Nothing while anyone else wants a processor; kernels before 5.15 know the lowest weight only.
        let idle = place.appending("cpu.idle")
        if (try? Files.statusIfPresent(of: idle)) ?? nil != nil {
            attempt { try Self.write("1", idle) }
        } else {
            attempt { try Self.write("1", place.appending("cpu.weight")) }
        }
        if let memoryLimit { attempt { try Self.write(String(memoryLimit), place.appending("memory.max")) } }
        (directory, self.refused) = (place, refused)
    }

    /// Moves a child into the group.
    /// - Throws: `SystemError`
    package func adopt(_ process: pid_t) throws { try Self.write(String(process), directory.appending("cgroup.procs")) }

    /// This process's group in the hierarchy of version 2; nil where there is none.
    private static func delegated(_ membership: String?, _ root: String) -> BytePath? {
        let line = (membership ?? "").split(separator: "\n").first { $0.hasPrefix("0::/") }
        guard let group = line?.dropFirst(3), !group.split(separator: "/").contains("..") else { return nil }
        return BytePath(root + (group == "/" ? "" : group))
    }

    private static func isMarked(_ group: BytePath) -> Bool {
        Files.attribute(mark, of: group)?.first == UInt8(ascii: "1")
    }

    private static func write(_ text: String, _ path: BytePath) throws {
        let file = try Descriptor.open(path, flags: O_WRONLY)
        try Array(text.utf8).withUnsafeBytes { try Files.write($0, to: file.raw, path) }
    }
}
