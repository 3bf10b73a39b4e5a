import Foundation
import Glibc

/// Whether the service could work with its directories, and what the unit must be told about those outside its spool.
public struct DirectoryProbe: Sendable {
    public struct Finding: Sendable, Equatable {
        public var directory: Configuration.WorkDirectory
        /// nil where everything is well.
        public var problem: String?
    }

    /// The account that the unit runs under.
    public static let serviceUser = "cyclegan-styled"

    public var findings: [Finding]

    /// Tries each directory as the process's own user: see `becomeServiceUser`.
    public init(_ configuration: Configuration) {
        findings = configuration.workDirectories.map { Finding(directory: $0, problem: Self.problem($0)) }
    }

    private static func problem(_ directory: Configuration.WorkDirectory) -> String? {
        var path = directory.path
        var target = stat()
        while path.withCString({ stat($0, &target) }) != 0 {
            guard errno == ENOENT else { return "\(path): \(String(cString: strerror(errno)))" }
            if !directory.isMade { return "is not there; it is waited for" }
            path = path.parent
        }
        guard target.st_mode & S_IFMT == S_IFDIR else { return "\(path) is not a directory" }
        if path.withCString({ access($0, R_OK | W_OK | X_OK) }) == 0 { return nil }
        let reason = String(cString: strerror(errno))
        return path == directory.path ? "cannot be read and written: \(reason)" : "cannot be created in \(path): \(reason)"
    }

    /// Gives up root for the service's account, for the rest of this process.
    /// - Returns: the account's name; nil where this process is not root or there is no such account.
    public static func becomeServiceUser() -> String? {
        guard geteuid() == 0, let account = getpwnam(serviceUser) else { return nil }
        let (user, group) = (account.pointee.pw_uid, account.pointee.pw_gid)
        guard initgroups(serviceUser, group) == 0, setgid(group) == 0, setuid(user) == 0 else { return nil }
        return serviceUser
    }

    /// The drop-in that lets the hardened unit write the configured directories; nil where it needs none.
    public static func dropIn(for configuration: Configuration) -> String? {
        let standard = Configuration()
        let hidden = ["/home", "/root", "/run/user"].map { BytePath($0) }
        let temporary = ["/tmp", "/var/tmp"].map { BytePath($0) }
        var writable: [BytePath] = [], bound: [BytePath] = [], isTemporary = false
        let candidates = [configuration.spool, configuration.state] + configuration.workDirectories.map(\.path)
        for path in candidates {
            let known = [standard.spool, standard.state] + writable + bound
            if known.contains(where: { path == $0 || path.isInside($0) }) { continue }
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
        if isTemporary { lines += ["# The service has a /tmp of its own unless it is told otherwise.", "PrivateTmp=no"] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A path in a unit file: a missing one does not keep the service from starting (-), and specifiers and quotes are escaped.
    private static func unitPath(_ path: BytePath) -> String {
        let text = String(decoding: path.bytes, as: UTF8.self).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("%", with: "%%")
        return text.contains { $0.isWhitespace || $0 == "\"" || $0 == "\\" } ? "\"-\(text)\"" : "-\(text)"
    }
}
