import Digests
import Foundation
import GRDB
import LinuxFiles
import Retraining
import ServiceConfiguration

/// One of the two sets of images that a style is learnt from.
package struct DomainKey: Sendable, Hashable, CustomStringConvertible {
    package var style: String
    package var domain: StyleConfiguration.Domain

    package init(_ style: String, _ domain: StyleConfiguration.Domain) { (self.style, self.domain) = (style, domain) }

    package var description: String { "\(style)/\(domain.rawValue)" }
}

/// How many images a domain has.
package struct DomainCount: Sendable, Equatable {
    package var images = 0
    /// Of those, the ones that no run has learnt from.
    package var new = 0
}

/// What the ledger knows about images to learn from. A *file* is where an image lies; the *image* is its content, which
/// counts once however many files have it, and keeps its side (`DomainSplit`) for good, also where it goes and comes.
extension Ledger {
    /// Where an image came from: a domain's directory, or an inbox that the style learns from.
    enum DomainOrigin: Sendable, Hashable {
        case directory
        case inbox(String)

        var text: String { if case .inbox(let key) = self { "inbox:\(key)" } else { "directory" } }
    }

    static func migrateDomains(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("images to learn from, and runs") { database in
            try database.execute(
                sql: """
                    CREATE TABLE domain_image (
                        style TEXT NOT NULL, domain TEXT NOT NULL, sha256 BLOB NOT NULL, side TEXT, used INTEGER,
                        added INTEGER NOT NULL, present INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (style, domain, sha256)
                    ) WITHOUT ROWID;
                    CREATE TABLE domain_file (
                        style TEXT NOT NULL, domain TEXT NOT NULL, origin TEXT NOT NULL, path BLOB NOT NULL,
                        device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT \
                        NULL,
                        sha256 BLOB NOT NULL, PRIMARY KEY (style, domain, origin, path)
                    ) WITHOUT ROWID;
                    CREATE INDEX domain_file_content ON domain_file (style, domain, sha256);
                    CREATE TABLE training_run (
                        id INTEGER PRIMARY KEY AUTOINCREMENT, style TEXT NOT NULL, directory BLOB NOT NULL,
                        mode TEXT NOT NULL, parent BLOB, began INTEGER NOT NULL, ended INTEGER, state TEXT NOT NULL,
                        reason TEXT, model BLOB, attempts INTEGER NOT NULL DEFAULT 0
                    );
                    CREATE INDEX training_run_style ON training_run (style, id);
                    """)
        }
    }

    // MARK: Files

    /// Notes that a file has this content.
    /// - Returns: the contents that no file has any more since.
    func addDomainFile(
        _ key: DomainKey, _ origin: DomainOrigin, _ path: BytePath, _ identity: FileIdentity, _ image: SHA256Digest
    ) throws -> [SHA256Digest] {
        try database.write { database in
            let before = try Self.content(key, origin, path, database)
            try database.execute(
                sql: "INSERT OR REPLACE INTO domain_file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    key.style, key.domain.rawValue, origin.text, path.blob, Int64(bitPattern: identity.device),
                    Int64(bitPattern: identity.inode), identity.size, identity.modified, Data(image.bytes),
                ])
            try database.execute(
                sql: """
                    INSERT INTO domain_image (style, domain, sha256, added) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET present = 1
                    """,
                arguments: [key.style, key.domain.rawValue, Data(image.bytes), LedgerTime.now])
            guard let before, before != image else { return [] }
            return try Self.release(key, [before], database)
        }
    }

    /// Forgets files that are not there any more.
    /// - Returns: the contents that no file has any more since.
    func removeDomainFiles(_ key: DomainKey, _ origin: DomainOrigin, _ paths: [BytePath]) throws -> [SHA256Digest] {
        try database.write { database in
            let contents = try paths.compactMap { try Self.content(key, origin, $0, database) }
            for path in paths {
                try database.execute(
                    sql: "DELETE FROM domain_file WHERE style = ? AND domain = ? AND origin = ? AND path = ?",
                    arguments: [key.style, key.domain.rawValue, origin.text, path.blob])
            }
            return try Self.release(key, contents, database)
        }
    }

    /// Whether a file was taken in as it is.
    func hasDomainFile(_ key: DomainKey, _ origin: DomainOrigin, _ path: BytePath, _ identity: FileIdentity) throws
        -> Bool
    {
        try database.read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM domain_file WHERE style = ? AND domain = ? AND origin = ? AND path = ?
                    AND device = ? AND inode = ? AND size = ? AND modified = ?)
                    """,
                arguments: [
                    key.style, key.domain.rawValue, origin.text, path.blob, Int64(bitPattern: identity.device),
                    Int64(bitPattern: identity.inode), identity.size, identity.modified,
                ]) ?? false
        }
    }

    func domainFiles(_ key: DomainKey, _ origin: DomainOrigin) throws -> [(path: BytePath, image: SHA256Digest)] {
        try database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT path, sha256 FROM domain_file WHERE style = ? AND domain = ? AND origin = ?",
                arguments: [key.style, key.domain.rawValue, origin.text]
            ).map { (BytePath(bytes: Array($0["path"] as Data)), try Self.digest($0["sha256"])) }
        }
    }

    /// Inboxes from which a domain has images.
    func inboxesLearntFrom(_ key: DomainKey) throws -> [String] {
        try database.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT substr(origin, 7) FROM domain_file
                    WHERE style = ? AND domain = ? AND origin LIKE 'inbox:%'
                    """,
                arguments: [key.style, key.domain.rawValue])
        }
    }

    // MARK: Images

    func domainImages(_ key: DomainKey) throws -> Set<SHA256Digest> {
        try database.read { database in
            Set(
                try Data.fetchAll(
                    database, sql: "SELECT sha256 FROM domain_image WHERE style = ? AND domain = ? AND present = 1",
                    arguments: [key.style, key.domain.rawValue]
                ).map(Self.digest))
        }
    }

    /// An image's copy is gone: it is taken in again when its file is next seen.
    /// - Returns: its files in the domain's directory.
    func domainImageLost(_ key: DomainKey, _ image: SHA256Digest) throws -> [BytePath] {
        try database.write { database in
            let arguments: StatementArguments = [key.style, key.domain.rawValue, Data(image.bytes)]
            let paths = try Data.fetchAll(
                database,
                sql:
                    "SELECT path FROM domain_file WHERE style = ? AND domain = ? AND sha256 = ? AND origin = "
                    + "'directory'",
                arguments: arguments)
            try database.execute(
                sql: "DELETE FROM domain_file WHERE style = ? AND domain = ? AND sha256 = ?", arguments: arguments)
            try database.execute(
                sql: "UPDATE domain_image SET present = 0 WHERE style = ? AND domain = ? AND sha256 = ?",
                arguments: arguments)
            return paths.map { BytePath(bytes: Array($0)) }
        }
    }

    /// The sides of all images that ever took part in a run.
    func domainSides(_ key: DomainKey) throws -> [SHA256Digest: DomainSplit.Side] {
        try database.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT sha256, side FROM domain_image WHERE style = ? AND domain = ? AND side IS NOT NULL",
                arguments: [key.style, key.domain.rawValue])
            return try Dictionary(
                uniqueKeysWithValues: rows.map {
                    (try Self.digest($0["sha256"]), DomainSplit.Side(rawValue: $0["side"])!)
                })
        }
    }

    func domainCount(_ key: DomainKey) throws -> DomainCount {
        try database.read { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT count(*) AS images, count(*) FILTER (WHERE used IS NULL) AS new FROM domain_image
                    WHERE style = ? AND domain = ? AND present = 1
                    """,
                arguments: [key.style, key.domain.rawValue])
            return DomainCount(images: row?["images"] ?? 0, new: row?["new"] ?? 0)
        }
    }

    /// When the latest image of a style came.
    func lastDomainImage(_ style: String) throws -> LedgerTime? {
        try database.read { database in
            try LedgerTime.fetchOne(
                database, sql: "SELECT max(added) FROM domain_image WHERE style = ? AND present = 1", arguments: [style]
            )
        }
    }

    // MARK: Parts

    private static func content(
        _ key: DomainKey, _ origin: DomainOrigin, _ path: BytePath, _ database: Database
    ) throws -> SHA256Digest? {
        try Data.fetchOne(
            database, sql: "SELECT sha256 FROM domain_file WHERE style = ? AND domain = ? AND origin = ? AND path = ?",
            arguments: [key.style, key.domain.rawValue, origin.text, path.blob]
        ).map(digest)
    }

    /// Marks those contents that no file has any more.
    private static func release(
        _ key: DomainKey, _ contents: [SHA256Digest], _ database: Database
    ) throws -> [SHA256Digest] {
        try Set(contents).filter { image in
            let arguments: StatementArguments = [key.style, key.domain.rawValue, Data(image.bytes)]
            let isThere =
                try Bool.fetchOne(
                    database,
                    sql: "SELECT EXISTS (SELECT 1 FROM domain_file WHERE style = ? AND domain = ? AND sha256 = ?)",
                    arguments: arguments) ?? false
            if isThere { return false }
            try database.execute(
                sql: "UPDATE domain_image SET present = 0 WHERE style = ? AND domain = ? AND sha256 = ?",
                arguments: arguments)
            return true
        }
    }

    static func digest(_ data: Data) throws -> SHA256Digest {
        guard let digest = SHA256Digest(data) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a digest has \(data.count) bytes")
        }
        return digest
    }
}
