import CLinux
import LinuxFiles

/// How a directory is watched. Every value has a default that suits people dropping photos.
package struct WatchOptions: Sendable {
    package enum Polling: String, Sendable, CaseIterable {
        /// Kernel events, and polling where they cannot be had: network file systems, exhausted limits.
        case auto
        /// Scan every `pollInterval`, ask the kernel for nothing.
        case always
        /// Kernel events even where the file system may not deliver them.
        case never
    }

    /// How long a file must stay unchanged before it counts as complete.
    package var settle: Duration = .seconds(2)
    /// The same on network file systems, whose attributes arrive late.
    package var networkSettle: Duration = .seconds(5)
    /// How long to wait, after its last change, for a photo whose end is missing. Then it is reported all the same.
    package var incompleteAfter: Duration = .seconds(60)
    /// A file that keeps changing for this long is named in an event; one with a proper end is reported in spite of it.
    package var restlessAfter: Duration = .seconds(300)
    /// The safety net: how often everything is looked at again. Each interval is drawn from 3/4 to 5/4 of this.
    package var rescanInterval: Duration = .seconds(300)
    /// How often the directory is scanned where it is polled.
    package var pollInterval: Duration = .seconds(5)
    package var polling: Polling = .auto
    /// Whether directories inside the directory are watched too.
    package var recursive = true
    /// Directories nested deeper than this are refused.
    package var maximumDepth = 32
    /// Glob patterns (`*`, `?`, `[...]`; letter case does not matter) of names that are left alone.
    package var ignoredNames = WatchOptions.defaultIgnoredNames
    /// Directories inside the watched one that are left alone, absolute or relative to it.
    package var excludedDirectories: [BytePath] = []
    /// Whether the owner knows a file (by its path below the directory) as done in this very state: it is then not read
    /// to its end, and nothing is told of it until it changes.
    package var isDone: @Sendable (BytePath, FileIdentity) -> Bool = { _, _ in false }
    /// Whether the end of an open file is there, by the structure of its format. The watcher knows no format: without a
    /// check of its owner's, a file that is left alone is complete. Throws `SystemError`.
    package var structuralEnd: @Sendable (borrowing Descriptor) throws -> StructuralEnd = { _ in .unknownFormat }
    /// Suffixes of the control files that a download manager keeps beside an unfinished file.
    package var companionSuffixes = [".aria2", ".part", ".crdownload"]

    /// Whether every decision about a file is told, for a log: also that it is waited for, or left alone.
    package var tellsDecisions = false

    package init() {}

    /// Names that programs use for files that are not there to stay, or not meant for people.
    package static let defaultIgnoredNames =
        [
            // Hidden names: rsync, Syncthing, ProFTPD, Pure-FTPd, NFS, GNOME, LibreOffice locks, macOS, our own
            // temporary files.
            ".*",
            // Downloads and uploads in progress.
            "*.part", "*.partial", "*.crdownload", "*.download", "*.opdownload", "*.filepart", "*.tacitpart", "*.tmp",
            "*.temp",
            "*.!sync", "*.!ut", "*.!qB", "*.bts", "*.aria2", "*.swp", "*~", "~$*",
        ] + FurnitureNames.patterns
}

/// Decides which names are left alone.
struct IgnoreRules {
    private let patterns: [(text: String, bytes: BytePath)]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { ($0, BytePath($0)) }
    }

    /// The first pattern that matches the name.
    func pattern(matching name: [UInt8]) -> String? {
        BytePath(bytes: name).withCString { name in
            patterns.first { pattern in pattern.bytes.withCString { CLinux_nameMatches($0, name) != 0 } }?.text
        }
    }
}
