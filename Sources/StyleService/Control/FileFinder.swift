import Digests
import Foundation
import LinuxFiles
import Publishing
import ServiceConfiguration
import ServiceControl

/// What a person may mean by a file.
struct FileFinder {
    let ledger: Ledger
    let configuration: Configuration

    struct Found {
        /// Absolute paths, the likeliest first.
        var paths: [BytePath]
        /// The one of them where something was found, or is known of.
        var place: BytePath?
        /// The ledger's rows about it, the likeliest first.
        var entries: [LedgerEntry] = []
        /// How the rows were found.
        var clue = Clue.path
        enum Clue { case path, content, name }
    }

    /// Finds the photo that a person means: by its place, now or when it was dropped; by the content of the file that
    /// they have before them; by its name.
    func find(_ file: FileReference) throws -> Found {
        var found = Found(paths: candidates(for: file))
        for path in found.paths {
            found.entries = try entries(at: path)
            // A file that lies in one of the service's directories is what is meant, also where nothing is known of it.
            if try !found.entries.isEmpty || isTheirs(path) && Self.mayBeThere(path) {
                found.place = path
                return found
            }
        }
        if let hash = file.sha256.flatMap({ SHA256Digest(hexadecimal: $0) }) {
            found.entries = try ledger.entries(withHash: hash)
            found.clue = .content
            if !found.entries.isEmpty { return found }
        }
        found.clue = .name
        let name = file.name.bytePath.name
        guard !name.isEmpty else { return found }
        let named = try ledger.entries(named: name)
        // Whoever shows a file means no other of its name: it must be the picture, as large as that.
        if file.sha256 != nil {
            found.entries = named.filter { $0.output?.name == name && $0.outputIdentity?.size == file.size }
        } else if !file.name.bytePath.isAbsolute, file.exists != true {
            let end = file.name.bytePath.normalized
            found.entries = named.filter { entry in
                [entry.file.path, entry.output, entry.destination].contains {
                    $0.map { $0 == end || $0.ends(with: end) } ?? false
                }
            }
        }
        return found
    }

    /// Whether there is something, as far as the service may look.
    static func mayBeThere(_ path: BytePath) -> Bool {
        do { return try Files.statusIfPresent(of: path) != nil } catch { return true }
    }

    /// The ledger's rows about a path: of what was dropped there, of the picture or the moved original there.
    private func entries(at path: BytePath) throws -> [LedgerEntry] {
        if let (inbox, relative) = location(path, \.inbox) {
            let history = try ledger.history(inbox: inbox.key, path: relative)
            if !history.isEmpty { return history }
        }
        return try ledger.entries(withFile: path)
    }

    func inbox(_ key: String) -> InboxConfiguration? { configuration.inboxes.first { $0.key == key } }

    private func isTheirs(_ path: BytePath) throws -> Bool {
        [\InboxConfiguration.inbox, \.outbox, \.failed].contains { location(path, $0) != nil }
    }

    /// The absolute paths that a person may mean: where they stand, then in the service's directories.
    func candidates(for file: FileReference) -> [BytePath] {
        let typed = file.name.bytePath
        var paths = [file.path?.bytePath, typed.isAbsolute ? typed : nil].compactMap { $0?.normalized }
        let inboxes = configuration.inboxes
        if !typed.isAbsolute {
            paths += (inboxes.flatMap { [$0.inbox, $0.failed, $0.outbox] } + [configuration.originals]).map {
                $0.appending(typed).normalized
            }
        }
        return paths.enumerated().filter { index, path in !paths[..<index].contains(path) }.map(\.element)
    }

    /// The inbox whose directory of a kind holds a path, and the path below that directory. What lies in an outbox
    /// inside an inbox lies in the outbox.
    func location(_ path: BytePath, _ directory: KeyPath<InboxConfiguration, BytePath>) -> (
        InboxConfiguration, BytePath
    )? {
        for inbox in configuration.inboxes {
            for root in [inbox[keyPath: directory], Files.resolved(inbox[keyPath: directory])] {
                guard let relative = path.relative(to: root), !relative.isEmpty else { continue }
                if directory != \.inbox || configuration.isPhotoPath(relative, in: inbox) { return (inbox, relative) }
            }
        }
        return nil
    }
}

extension FileReference {
    /// For messages.
    var shown: String { name.bytePath.description }
}

extension BytePath {
    /// Whether the last components are those of `other`.
    func ends(with other: BytePath) -> Bool {
        let (own, end) = (components, other.components)
        return !end.isEmpty && own.count >= end.count && Array(own.suffix(end.count)) == end
    }
}
