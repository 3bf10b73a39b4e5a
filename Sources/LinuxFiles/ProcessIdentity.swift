import Glibc

/// What tells a process from every other one, on this machine and on others.
package struct ProcessIdentity: Codable, Hashable, Sendable {
    /// The machine's name, for people.
    package var host: String
    /// The kernel's boot id: the same for processes of one kernel since its start alone.
    package var boot: String?
    /// Which process numbers are meant: those of one container are not those of another.
    package var namespace: String?
    package var process: Int32
    /// Clock ticks from the boot to the process's start: a number that was given out again belongs to a later one.
    package var started: String?

    package init(host: String, boot: String?, namespace: String?, process: Int32, started: String?) {
        (self.host, self.boot, self.namespace) = (host, boot, namespace)
        (self.process, self.started) = (process, started)
    }

    /// This process.
    /// - Parameter boot: the boot id where /proc/sys is hidden from this process.
    package static func current(boot: String? = nil) -> ProcessIdentity {
        ProcessIdentity(
            host: hostName, boot: boot ?? Files.kernelText("/proc/sys/kernel/random/boot_id"),
            namespace: target(ofLink: "/proc/self/ns/pid"), process: getpid(), started: stat(of: getpid())?.started)
    }

    /// Whether that process has ended for certain. false where it lives, and where that cannot be told from here.
    package func hasEnded(asSeenBy own: ProcessIdentity) -> Bool {
        guard let boot, boot == own.boot, let namespace, namespace == own.namespace else { return false }
        if kill(process, 0) == -1 { return errno == ESRCH }
        guard let found = Self.stat(of: process) else { return false }
        // What nobody has waited for yet is still in the table, and does nothing any more.
        return "ZX".contains(found.state) || started != nil && found.started != started
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func target(ofLink path: BytePath) -> String? {
        var text = [UInt8](repeating: 0, count: 256)
        let count = path.withCString { name in
            text.withUnsafeMutableBytes { readlink(name, $0.baseAddress!, $0.count) }
        }
        return count > 0 ? String(decoding: text[..<count], as: UTF8.self) : nil
    }

    /// From /proc/PID/stat; nil where that cannot be read.
    private static func stat(of process: Int32) -> (state: Character, started: String)? {
        // The program's name, in brackets, may have blanks and brackets in it.
        guard let text = Files.kernelText(BytePath("/proc/\(process)/stat")), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first else { return nil }
        return (state, String(fields[19]))
    }
}
