import CInotify

/// How a directory is watched. Every value has a default that suits people dropping photos.
public struct WatchOptions: Sendable {
    public enum Polling: String, Sendable, CaseIterable {
        /// Kernel events, and polling where they cannot be had: network file systems, exhausted limits.
        case auto
        /// Scan every `pollInterval`, ask the kernel for nothing.
        case always
        /// Kernel events even where the file system may not deliver them.
        case never
    }

    /// How long a file must stay unchanged before it counts as complete.
    public var settle: Duration = .seconds(2)
    /// The same on network file systems, whose attributes arrive late.
    public var networkSettle: Duration = .seconds(5)
    /// How long to wait, after its last change, for a photo whose end is missing. Then it is reported all the same.
    public var incompleteAfter: Duration = .seconds(60)
    /// A file that keeps changing for this long is named in an event; one with a proper end is reported in spite of it.
    public var restlessAfter: Duration = .seconds(300)
    /// The safety net: how often everything is looked at again. Each interval is drawn from 3/4 to 5/4 of this.
    public var rescanInterval: Duration = .seconds(300)
    /// How often the directory is scanned where it is polled.
    public var pollInterval: Duration = .seconds(5)
    public var polling: Polling = .auto
    /// Whether directories inside the directory are watched too.
    public var recursive = true
    /// Directories nested deeper than this are refused.
    public var maximumDepth = 32
    /// Glob patterns (`*`, `?`, `[...]`; letter case does not matter) of names that are left alone.
    public var ignoredNames = WatchOptions.defaultIgnoredNames
    /// Directories inside the watched one that are left alone, absolute or relative to it.
    public var excludedDirectories: [BytePath] = []
    /// Whether the owner knows a file (by its path below the directory) as done in this very state: it is then not read to its
    /// end, and nothing is told of it until it changes.
    public var isDone: @Sendable (BytePath, FileIdentity) -> Bool = { _, _ in false }
    /// Suffixes of the control files that a download manager keeps beside an unfinished file.
    public var companionSuffixes = [".aria2", ".part", ".crdownload"]

    public init() {}

    /// Names that programs use for files that are not there to stay, or not meant for people.
    public static let defaultIgnoredNames = [
        // Hidden names: rsync, Syncthing, ProFTPD, Pure-FTPd, NFS, GNOME, LibreOffice locks, macOS, this service's own.
        ".*",
        // Downloads and uploads in progress.
        "*.part", "*.partial", "*.crdownload", "*.download", "*.opdownload", "*.filepart", "*.tacitpart", "*.tmp", "*.temp",
        "*.!sync", "*.!ut", "*.!qB", "*.bts", "*.aria2", "*.swp", "*~", "~$*",
        // Furniture of desktops and network storage.
        "Thumbs.db", "desktop.ini", "@eaDir", "@Recycle", "#recycle", "#snapshot", "__MACOSX", "lost+found",
        "$RECYCLE.BIN", "System Volume Information",
    ]
}

/// Decides which names are left alone.
struct IgnoreRules {
    private let patterns: [(text: String, bytes: [UInt8])]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { ($0, Array($0.utf8)) }
    }

    /// The first pattern that matches the name.
    func pattern(matching name: [UInt8]) -> String? {
        withName(name) { name in
            patterns.first { pattern in withName(pattern.bytes) { CInotify_nameMatches($0, name) != 0 } }?.text
        }
    }
}
