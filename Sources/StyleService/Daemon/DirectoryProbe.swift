import Foundation
import Glibc
import LinuxFiles
import Publishing
import ServiceConfiguration

/// Whether the service could work with its directories, and what the unit must be told about those outside its spool.
package struct DirectoryProbe: Sendable {
    package struct Finding: Sendable, Equatable {
        package var directory: Configuration.WorkDirectory
        /// nil where everything is well.
        package var problem: String?
        /// Whether the service cannot work with it. An inbox that is not there is waited for.
        package var isTrouble = false
    }

    /// The account that the unit runs under.
    package static let serviceUser = "cyclegan-styled"

    package var findings: [Finding]

    /// Tries each directory as the process's own user: see `becomeServiceUser`.
    package init(_ configuration: Configuration) {
        let homes = [configuration.spool, configuration.state]
        findings = (configuration.workDirectories + configuration.metricsDirectories).map { directory in
            let problem = Self.problem(directory, homes: homes)
            return Finding(directory: directory, problem: problem?.text, isTrouble: problem?.isTrouble ?? false)
        }
    }

    private static func problem(_ directory: Configuration.WorkDirectory, homes: [BytePath]) -> (
        text: String, isTrouble: Bool
    )? {
        var path = directory.path, missing: [BytePath] = []
        while true {
            do {
                guard Files.isDirectory(try Files.status(ofTarget: path)) else {
                    return ("\(path) is not a directory", true)
                }
                break
            } catch let error as SystemError where error.code == ENOENT {
                missing.append(path)
                path = path.parent
            } catch { return ("\(path): \((error as? SystemError)?.reason ?? "\(error)")", true) }
        }
        if let kind = kernelFileSystem(path) {
            return ("lies in \(path), which is of the kernel's own file systems (\(kind)) and keeps no files", true)
        }
        if missing.isEmpty {
            if path.withCString({ access($0, R_OK | W_OK | X_OK) }) == 0 { return nil }
            return ("cannot be read and written: \(SystemError.reason(errno))", true)
        }
        if !directory.isMade {
            return (
                directory.isInbox
                    ? "is not there; it is waited for" : "is not there; nothing is written there until it is", false
            )
        }
        // The service makes directories in its spool and its state. Elsewhere a path whose parent is missing too is a
        // mistake, or a mount that has not come.
        let root = homes.first { directory.path == $0 || directory.path.isInside($0) } ?? directory.path
        if missing.contains(root), path != root.parent {
            return ("is not there, and neither is \(root.parent): make it, or correct the path", true)
        }
        // What the kernel says is tried out: permissions do not tell everything.
        let attempt = missing.last!
        do { try retrying("create", attempt) { mkdir($0, 0o700) } } catch {
            return ("cannot be created in \(path): \((error as? SystemError)?.reason ?? "\(error)")", true)
        }
        _ = attempt.withCString { rmdir($0) }
        return nil
    }

    /// The path, or what is there above it.
    private static func nearestPresent(_ path: BytePath) -> BytePath {
        var path = path
        while path != path.parent, (try? Files.statusIfPresent(of: path)) ?? nil == nil { path = path.parent }
        return path
    }

    /// The name of a file system that only shows what the kernel knows; nil for any other.
    private static func kernelFileSystem(_ path: BytePath) -> String? {
        guard let magic = try? Descriptor.directory(path, followingLinks: true).fileSystemMagic() else { return nil }
        return [
            0x9FA0: "proc", 0x6265_6572: "sysfs", 0x6367_7270: "cgroup2", 0x27_E0EB: "cgroup", 0x1CD1: "devpts",
            0x6462_6720: "debugfs", 0x7472_6163: "tracefs", 0x6265_6570: "configfs", 0x7363_6673: "securityfs",
            0xCAFE_4A11: "bpf",
        ][magic]
    }

    /// Gives up root for the service's account, for the rest of this process.
    /// - Returns: the account's name; nil where this process is not root or there is no such account.
    package static func becomeServiceUser() -> String? {
        guard geteuid() == 0, let account = getpwnam(serviceUser) else { return nil }
        let (user, group) = (account.pointee.pw_uid, account.pointee.pw_gid)
        guard initgroups(serviceUser, group) == 0, setgid(group) == 0, setuid(user) == 0 else { return nil }
        return serviceUser
    }

    /// The directories of the drop-in that are not there. The unit can show a directory to the service only if it is
    /// there when the service starts: one that comes later is read-only for it.
    package static func absentOutside(_ configuration: Configuration) -> [BytePath] {
        outside(configuration).filter { path in (try? Files.statusIfPresent(of: path)) ?? nil == nil }
    }

    /// The directories that the unit does not know, each but once and none within another.
    private static func outside(_ configuration: Configuration) -> [BytePath] {
        let standard = Configuration()
        var result: [BytePath] = []
        for path in [configuration.spool, configuration.state]
            + (configuration.workDirectories + configuration.metricsDirectories).map(\.path)
        {
            let known = [standard.spool, standard.state] + result
            // No drop-in makes a directory of one of those.
            if kernelFileSystem(nearestPresent(path)) != nil { continue }
            if !known.contains(where: { path == $0 || path.isInside($0) }) { result.append(path) }
        }
        return result
    }

    /// The drop-in that lets the hardened unit write the configured directories; nil where it needs none.
    package static func dropIn(for configuration: Configuration) -> String? {
        let hidden = ["/home", "/root", "/run/user"].map { BytePath($0) }
        let temporary = ["/tmp", "/var/tmp"].map { BytePath($0) }
        var writable: [BytePath] = [], bound: [BytePath] = [], isTemporary = false
        for path in outside(configuration) {
            if hidden.contains(where: { path == $0 || path.isInside($0) }) {
                bound.append(path)
            } else {
                writable.append(path)
                isTemporary = isTemporary || temporary.contains { path == $0 || path.isInside($0) }
            }
        }
        guard !writable.isEmpty || !bound.isEmpty else { return nil }
        var lines = ["# /etc/systemd/system/cyclegan-styled.service.d/directories.conf", "[Service]"]
        if !writable.isEmpty { lines.append("ReadWritePaths=" + writable.map(unitPath).joined(separator: " ")) }
        if !bound.isEmpty {
            lines += ["# Home directories are hidden from the service; these are shown to it.", "ProtectHome=tmpfs"]
            lines.append("BindPaths=" + bound.map(unitPath).joined(separator: " "))
        }
        if isTemporary {
            lines += ["# The service has a /tmp of its own unless it is told otherwise.", "PrivateTmp=no"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A path in a unit file: a missing one does not keep the service from starting (-), and specifiers and quotes are
    /// escaped.
    private static func unitPath(_ path: BytePath) -> String {
        let text = String(decoding: path.bytes, as: UTF8.self).replacing("\\", with: "\\\\").replacing(
            "\"", with: "\\\""
        ).replacing("%", with: "%%")
        return text.contains { $0.isWhitespace || $0 == "\"" || $0 == "\\" } ? "\"-\(text)\"" : "-\(text)"
    }
}
