import LinuxFiles
import Photos

extension Configuration {
    /// A directory that the service works in, and the key that names it.
    package struct WorkDirectory: Sendable, Equatable {
        package var key: String
        package var path: BytePath
        /// Whether the service makes it where it is missing. An inbox that is missing is waited for.
        package var isMade: Bool
        package var isInbox = false
    }

    /// Every directory that the service reads and writes.
    package var workDirectories: [WorkDirectory] {
        var result = inboxes.flatMap { inbox in
            [
                WorkDirectory(
                    key: "inboxes.\(inbox.key).inbox", path: inbox.inbox, isMade: inbox.inbox.isInside(spool),
                    isInbox: true),
                WorkDirectory(key: "inboxes.\(inbox.key).outbox", path: inbox.outbox, isMade: true),
                WorkDirectory(key: "inboxes.\(inbox.key).failed", path: inbox.failed, isMade: true),
            ]
        }
        if inboxes.contains(where: { $0.originals == .archive }) {
            result.append(WorkDirectory(key: "the archive of originals", path: originals, isMade: true))
        }
        for style in styles {
            let places = [("paintings", style.paintings), ("photos", style.photos), ("failed", style.failed)]
            result += places.map { WorkDirectory(key: "styles.\(style.key).\($0)", path: $1, isMade: true) }
        }
        if sharedSpool { result.append(WorkDirectory(key: "the leases of shared-spool", path: leases, isMade: true)) }
        result.append(WorkDirectory(key: "state", path: state, isMade: true))
        return result
    }

    /// The directory of the file of metrics, where there is one. Others write there too.
    package var metricsDirectories: [WorkDirectory] {
        metrics.map { [WorkDirectory(key: "metrics", path: $0.parent, isMade: false)] } ?? []
    }

    /// The service's own directories that an inbox passes over: a picture, a failed photo or an original in it would be
    /// taken for a new photo. Relative to the inbox where they lie inside it; the others are listed in case a mount
    /// shows them there.
    package func excludedDirectories(of inbox: InboxConfiguration) -> [BytePath] {
        let root = Files.resolved(inbox.inbox)
        return workDirectories.filter { !$0.isInbox }.map { Files.resolved($0.path).relative(to: root) ?? $0.path }
    }

    /// Whether a path below an inbox is photos' territory, and not one of the service's own directories.
    package func isPhotoPath(_ relative: BytePath, in inbox: InboxConfiguration) -> Bool {
        !excludedDirectories(of: inbox).contains { !$0.isAbsolute && relative.relative(to: $0) != nil }
    }

    /// No directory may be, or lie in, another, since two inboxes that share one could not be told apart. Only an inbox
    /// may contain the others: it passes over them.
    static func reportOverlaps(
        _ configuration: Configuration, root: ConfigurationSection, problems: ConfigurationProblems
    ) {
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
                problems.add(
                    place, "\(second.key): \(second.path) \(relation); every inbox needs directories of its own")
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
}
