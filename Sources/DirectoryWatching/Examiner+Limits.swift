import Glibc
import LinuxFiles

/// What an administrator is told when the kernel's limits are reached: the limit's name, its value, what is needed.
extension Examiner {
    func watchLimitNotice(_ code: CInt) -> String {
        guard code == ENOSPC else {
            let reason = SystemError.reason(code)
            return
                "\(rootPath): directories cannot be watched (\(reason)); they are scanned every \(pollSeconds) s "
                + "instead"
        }
        return """
            \(rootPath): the limit fs.inotify.max_user_watches \(Self.limit("max_user_watches")), shared by all \
            programs of this \
            user; \(directories) director\(directories == 1 ? "y needs" : "ies need") a watch each, \(watches) got \
            one. \
            Those without are scanned every \(pollSeconds) s. To raise it: sysctl fs.inotify.max_user_watches=NUMBER
            """
    }

    func instanceLimitNotice(_ code: CInt) -> String {
        guard code == EMFILE else {
            let reason = SystemError.reason(code)
            return "\(rootPath): inotify is not available (\(reason)); scanning every \(pollSeconds) s instead"
        }
        return """
            \(rootPath): the limit fs.inotify.max_user_instances \(Self.limit("max_user_instances")), shared by all \
            programs of \
            this user; 1 more is needed. Scanning every \(pollSeconds) s instead. \
            To raise it: sysctl fs.inotify.max_user_instances=NUMBER
            """
    }

    private var pollSeconds: Double { options.pollInterval / .seconds(1) }

    /// `is 8192`, or no more than that it is reached where /proc/sys is hidden from the service.
    private static func limit(_ name: String) -> String {
        Files.kernelText(BytePath("/proc/sys/fs/inotify/\(name)")).map { "is \($0)" } ?? "is reached"
    }
}
