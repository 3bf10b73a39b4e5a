import DirectoryWatching
import Glibc
import LinuxFiles
import ServiceConfiguration

/// Whether services of several machines could share a spool as configured: what `--check-config` says about it.
package struct SharedSpoolCheck: Sendable {
    /// What keeps the services from sharing it.
    package private(set) var troubles: [String] = []
    /// What a person should know.
    package private(set) var notes: [String] = []

    /// The shortest lease where a network lies between: servers are away for some seconds now and then.
    private static let shortestOverANetwork = Duration.seconds(30)

    /// Tries it out, in directories that are there.
    /// - Parameter remoteName: the name of a file system on which other machines change files, by its magic number.
    package init(
        _ configuration: Configuration, remoteName: (UInt64) -> String? = FileSystemKind.remoteName(magic:)
    ) {
        guard configuration.sharedSpool else { return }
        func kind(_ path: BytePath) -> String? {
            let directory = Self.nearestDirectory(path)
            return (try? Descriptor.directory(directory, followingLinks: true).fileSystemMagic()).flatMap(remoteName)
        }
        if let kind = kind(configuration.state) {
            troubles.append(
                "state: \(configuration.state) lies on a file system of the network (\(kind)): the ledger "
                    + "cannot be kept there, and each service needs one of its own, on a disk of its own machine")
        }
        if let kind = kind(configuration.spool) {
            if configuration.lease < Self.shortestOverANetwork {
                troubles.append(
                    "lease: \(Quantity.text(configuration.lease)) is too short over a network (\(kind)): a server that "
                        + "is away for a moment would have photos done twice; "
                        + "\(Quantity.text(Self.shortestOverANetwork)) at least")
            }
        } else {
            notes.append("shared-spool: \(configuration.spool) lies on a file system of this machine alone")
        }
        let device = Self.device(configuration.spool)
        for directory in configuration.workDirectories where directory.key != "state" {
            if directory.key.hasPrefix("inboxes."), device != Self.device(directory.path) {
                notes.append(
                    "\(directory.key): \(directory.path) lies on another file system than the spool; every service "
                        + "must see the same directory there")
            }
            guard directory.isMade, let problem = Self.linkProblem(directory.path) else { continue }
            troubles.append(
                "\(directory.key): \(directory.path) has no hard links (\(problem)), which a shared spool needs")
        }
    }

    private static func nearestDirectory(_ path: BytePath) -> BytePath {
        var path = path
        while path != path.parent, (try? Files.status(ofTarget: path)) == nil { path = path.parent }
        return path
    }

    private static func device(_ path: BytePath) -> UInt64? {
        (try? Files.identity(ofTarget: nearestDirectory(path)))?.device
    }

    /// Why files cannot be linked there; nil where they can, and where nothing can be written at all, which is told of
    /// otherwise.
    private static func linkProblem(_ path: BytePath) -> String? {
        let directory = nearestDirectory(path)
        let name = ".cyclegan-styled-check-\(getpid())"
        let (file, second) = (directory.appending("\(name)-1.tmp"), directory.appending("\(name)-2.tmp"))
        defer { for path in [file, second] { try? Files.unlinkIfPresent(path) } }
        guard (try? Descriptor.open(file, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)) != nil else { return nil }
        do { try Files.link(file, to: second) } catch let error as SystemError { return error.reason } catch {}
        return nil
    }
}
