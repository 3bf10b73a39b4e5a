import Glibc
import Photos

extension Configuration {
    /// A directory that the service works in, and the key that names it.
    public struct WorkDirectory: Sendable, Equatable {
        public var key: String
        public var path: BytePath
        /// Whether the service makes it where it is missing. An inbox that is missing is waited for.
        public var isMade: Bool
        public var isInbox = false
    }

    /// Every directory that the service reads and writes.
    public var workDirectories: [WorkDirectory] {
        var result = inboxes.flatMap { inbox in
            [
                WorkDirectory(key: "inboxes.\(inbox.key).inbox", path: inbox.inbox, isMade: inbox.inbox.isInside(spool), isInbox: true),
                WorkDirectory(key: "inboxes.\(inbox.key).outbox", path: inbox.outbox, isMade: true),
                WorkDirectory(key: "inboxes.\(inbox.key).failed", path: inbox.failed, isMade: true),
            ]
        }
        if inboxes.contains(where: { $0.originals == .archive }) {
            result.append(WorkDirectory(key: "the archive of originals", path: originals, isMade: true))
        }
        result.append(WorkDirectory(key: "state", path: state, isMade: true))
        return result
    }

    /// The service's own directories that an inbox passes over: a picture, a failed photo or an original in it would be taken for
    /// a new photo. Relative to the inbox where they lie inside it; the others are listed in case a mount shows them there.
    func excludedDirectories(of inbox: InboxConfiguration) -> [BytePath] {
        let root = Files.resolved(inbox.inbox)
        return workDirectories.filter { !$0.isInbox }.map { Files.resolved($0.path).relative(to: root) ?? $0.path }
    }

    /// Whether a path below an inbox is photos' territory, and not one of the service's own directories.
    func isPhotoPath(_ relative: BytePath, in inbox: InboxConfiguration) -> Bool {
        !excludedDirectories(of: inbox).contains { !$0.isAbsolute && relative.relative(to: $0) != nil }
    }

    /// No directory may be, or lie in, another, since two inboxes that share one could not be told apart. Only an inbox may contain
    /// the others: it passes over them.
    static func reportOverlaps(_ configuration: Configuration, root: ConfigurationSection, problems: ConfigurationProblems) {
        let directories = configuration.workDirectories.map { ($0, Files.resolved($0.path)) }
        for (index, (second, secondPath)) in directories.enumerated() {
            for (first, firstPath) in directories[..<index] {
                let relation: String
                if firstPath == secondPath {
                    relation = "is the same directory as \(first.key)"
                } else if secondPath.isInside(firstPath) {
                    if first.isInbox, !second.isInbox { continue }
                    relation = "lies inside \(first.key) (\(first.path))"
                } else if firstPath.isInside(secondPath) {
                    if second.isInbox, !first.isInbox { continue }
                    relation = "contains \(first.key) (\(first.path))"
                } else {
                    continue
                }
                let place = place(of: second.key, root: root) ?? place(of: first.key, root: root)
                problems.add(place, "\(second.key): \(second.path) \(relation); every inbox needs directories of its own")
            }
        }
    }

    /// Where a dotted key stands, or the nearest section that would hold it.
    private static func place(of key: String, root: ConfigurationSection) -> SourcePosition? {
        var section = root, place: SourcePosition?
        for part in key.split(separator: ".").map(String.init) {
            guard let entry = section.entry(part) else { break }
            place = entry.node.position
            guard case .map = entry.node.value else { break }
            place = entry.position
            section = ConfigurationSection(entry.node, problems: ConfigurationProblems())
        }
        return place
    }

    /// What `--print-config` shows: the values in effect, as a configuration file that means the same.
    public var yaml: String {
        func quoted(_ path: BytePath) -> String { "\"\(path.description.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"" }
        func kept(_ duration: Duration?) -> String { duration.map(Quantity.text) ?? "forever" }
        var lines = [
            files.isEmpty ? "# No configuration file: every value is the default." : "# From \(files.joined(separator: ", "))",
            "spool: \(quoted(spool))", "state: \(quoted(state))", "inboxes:",
        ]
        for inbox in inboxes {
            let picture = inbox.picture
            lines += [
                "  \(inbox.key):", "    inbox: \(quoted(inbox.inbox))", "    outbox: \(quoted(inbox.outbox))",
                "    failed: \(quoted(inbox.failed))", "    originals: \(inbox.originals.rawValue)",
                "    style: \(quoted(BytePath(picture.style)))", "    render: \(picture.render)", "    strength: \(picture.strength)",
                "    format: \(picture.format.rawValue)", "    quality: \(picture.quality)",
                "    subsampling: \"\(picture.subsampling == .yuv420 ? "4:2:0" : "4:4:4")\"", "    metadata: \(picture.metadata)",
                "    truncated: \(picture.truncated)", "    duplicates: \(inbox.duplicates.rawValue)",
                "    keep-modification-time: \(inbox.keepModificationTime ? "yes" : "no")", "    settle: \(Quantity.text(inbox.settle))",
                "    incomplete-after: \(Quantity.text(inbox.incompleteAfter))",
            ]
        }
        lines += [
            "rescan: \(Quantity.text(rescan))", "stop-within: \(Quantity.text(stopWithin))",
            "memory: \(memory.map(Quantity.text(bytes:)) ?? "auto")", "threads: \(threads.map(String.init) ?? "auto")",
            "keep-originals: \(kept(keepOriginals))", "keep-failed: \(kept(keepFailed))", "keep-history: \(kept(keepHistory))",
            "log-level: \(logLevel.rawValue)", "limits:", "  max-pixels: \(limits.maxPixels)", "  max-side: \(limits.maxSide)",
            "  max-file-bytes: \(Quantity.text(bytes: limits.maxFileBytes))",
            "  max-chunk-bytes: \(Quantity.text(bytes: limits.maxChunkBytes))", "  max-chunks: \(limits.maxChunks)",
            "  max-scans: \(limits.maxScans)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
