import Digests
import Foundation
import GRDB
import LinuxFiles
import ModelLedger
import Publishing
import ServiceConfiguration
import StyleModels

/// What the service knows about every photo, on disk: SQLite in write-ahead mode, every transaction durable before it
/// returns. Photos that are ready wait here and not in memory.
package final class Ledger: Sendable {
    let database: DatabaseQueue
    /// Where a damaged predecessor was put when this one was made anew.
    package let setAside: BytePath?

    /// Opens the ledger, or makes it. One that is damaged is set aside (nothing is deleted) and a new one begun.
    package init(_ path: BytePath) throws {
        let isNew = try Files.statusIfPresent(of: path) == nil
        do {
            database = try Self.open(path)
            setAside = nil
        } catch let error where Self.isDamage(error) {
            let aside = BytePath(
                "\(String(decoding: path.bytes, as: UTF8.self)).corrupt-\(LedgerTime.now.milliseconds)")
            for suffix in ["", "-wal", "-shm"] {
                let part = BytePath(bytes: path.bytes + Array(suffix.utf8))
                if try Files.statusIfPresent(of: part) != nil {
                    try Files.rename(part, to: BytePath(bytes: aside.bytes + Array(suffix.utf8)))
                }
            }
            database = try Self.open(path)
            setAside = aside
        }
        if isNew || setAside != nil { try setIncomplete(true) }
    }

    /// Whether it is new, and what lies in the directories is still to be found out. Says so until that is done, also
    /// after a death.
    package var isIncomplete: Bool {
        get throws { try note("incomplete") != nil }
    }
    package func setIncomplete(_ isIncomplete: Bool) throws {
        try setNote("incomplete", isIncomplete ? "since \(LedgerTime.now.milliseconds)" : nil)
    }

    static func isDamage(_ error: any Error) -> Bool {
        (error as? DatabaseError).map { [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains($0.resultCode) } ?? false
    }

    private static func open(_ path: BytePath) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216")
        }
        let queue = try DatabaseQueue(path: String(decoding: path.bytes, as: UTF8.self), configuration: configuration)
        try queue.read { database in
            let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
            guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
        }
        try migrator.migrate(queue)
        return queue
    }

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("photos") { database in
            try database.execute(
                sql: """
                    CREATE TABLE photo (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        inbox TEXT NOT NULL, path BLOB NOT NULL,
                        device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT \
                        NULL,
                        state TEXT NOT NULL, disposal TEXT, attempts INTEGER NOT NULL DEFAULT 0,
                        deaths INTEGER NOT NULL DEFAULT 0, suspect INTEGER NOT NULL DEFAULT 0,
                        reason TEXT, sha256 BLOB, settings TEXT, model TEXT, model_sha256 BLOB,
                        recorded INTEGER NOT NULL, claimed INTEGER, finished INTEGER, next_try INTEGER NOT NULL \
                        DEFAULT 0,
                        temporary BLOB, output BLOB,
                        output_device INTEGER, output_inode INTEGER, output_size INTEGER, output_modified INTEGER,
                        destination BLOB, seconds REAL
                    );
                    CREATE INDEX photo_queue ON photo (state, next_try, id);
                    CREATE INDEX photo_path ON photo (path, inbox);
                    CREATE INDEX photo_content ON photo (sha256) WHERE sha256 IS NOT NULL;
                    CREATE INDEX photo_output ON photo (output) WHERE output IS NOT NULL;
                    CREATE INDEX photo_destination ON photo (destination) WHERE destination IS NOT NULL;
                    CREATE INDEX photo_finished ON photo (finished) WHERE finished IS NOT NULL;
                    CREATE INDEX photo_disposal ON photo (id) WHERE disposal = 'pending';
                    CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("originals that stay, photos made anew") { database in
            try database.execute(
                sql: """
                    ALTER TABLE photo ADD COLUMN stays TEXT;
                    ALTER TABLE photo ADD COLUMN anew INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE photo ADD COLUMN source BLOB;
                    ALTER TABLE photo ADD COLUMN own_style TEXT;
                    ALTER TABLE photo ADD COLUMN own_strength REAL;
                    """)
        }
        ModelArchive.migrate(&migrator)
        migrateDomains(&migrator)
        migrateSharing(&migrator)
        return migrator
    }()

    /// Milliseconds since 1970.

    /// Folds the write-ahead log into the database and closes it.
    package func close() throws {
        try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try database.close()
    }

    // MARK: The way of a photo

    /// Takes up files that are complete. A file that is known, unchanged and still to be done, or kept in the inbox
    /// after it was done, is not taken up again; one that came back after its original was moved is a new drop.
    /// - Returns: those that were new.
    @discardableResult
    package func record(_ files: [InboxFile]) throws -> Set<InboxFile> {
        try database.write { database in
            Set(
                try files.filter { file in
                    let latest = try LedgerEntry.fetchAll(
                        database, sql: "SELECT * FROM photo WHERE path = ? AND inbox = ? ORDER BY id DESC LIMIT 2",
                        arguments: [file.path.blob, file.inbox])
                    for entry in latest where entry.file.identity.isSameContent(as: file.identity) {
                        let isStillHere =
                            entry.disposal == nil || entry.disposal == .pending || entry.disposal == .kept
                            || entry.disposal == .passedOver
                        if isStillHere { return false }
                    }
                    if let waiting = latest.first, waiting.state == .ready || waiting.state == .deferred,
                        waiting.source == nil
                    {
                        try database.execute(
                            sql: "DELETE FROM photo WHERE id = ?", arguments: [waiting.id])
                    }
                    try database.execute(
                        sql: """
                            INSERT INTO photo (inbox, path, device, inode, size, modified, state, recorded) VALUES (?, \
                            ?, ?, ?, ?, ?, 'ready', ?)
                            """,
                        arguments: [
                            file.inbox, file.path.blob, Int64(bitPattern: file.identity.device),
                            Int64(bitPattern: file.identity.inode),
                            file.identity.size, file.identity.modified, LedgerTime.now,
                        ])
                    return true
                })
        }
    }

    /// The longest that a photo is put off.
    private static let longestWait = Duration.seconds(3600)

    /// The next photo to be done: those whose second try is due, then the longest waiting. One that is put off for
    /// longer than can be is due as well: the clock has been set back.
    func next(inboxes: [String], except away: [Int64] = [], now: LedgerTime = .now) throws -> LedgerEntry? {
        let places = databaseQuestionMarks(count: inboxes.count)
        let isHere = away.isEmpty ? "" : "AND id NOT IN (\(databaseQuestionMarks(count: away.count)))"
        return try database.read { database in
            for state in [PhotoState.deferred, .ready] {
                let found = try LedgerEntry.fetchOne(
                    database,
                    sql: """
                        SELECT * FROM photo WHERE state = ? AND (next_try <= ? OR next_try > ?) AND inbox IN (\(places))
                        \(isHere) ORDER BY next_try, id LIMIT 1
                        """,
                    arguments: StatementArguments([state.rawValue]) + [now, now + Self.longestWait]
                        + StatementArguments(inboxes) + StatementArguments(away))
                if let found { return found }
            }
            return nil
        }
    }

    /// When the next deferred photo is due.
    func nextDue(inboxes: [String]) throws -> LedgerTime? {
        try database.read { database in
            try LedgerTime.fetchOne(
                database,
                sql:
                    "SELECT min(next_try) FROM photo WHERE state = 'deferred' AND inbox IN "
                    + "(\(databaseQuestionMarks(count: inboxes.count)))",
                arguments: StatementArguments(inboxes))
        }
    }

    /// - Returns: false where the photo was withdrawn or replaced in the meantime.
    func claim(_ id: Int64, hash: SHA256Digest, settings: String, model: ModelIdentity) throws -> Bool {
        try update(
            id,
            "state = 'claimed', attempts = attempts + 1, sha256 = ?, settings = ?, model = ?, model_sha256 = ?, "
                + "claimed = ?, reason = NULL",
            [Data(hash.bytes), settings, model.name, Data(model.hash.bytes), LedgerTime.now])
    }

    /// Notes, before the rename that publishes it, which file is about to become which picture: after a crash the inode
    /// tells whether the rename had happened.
    func publishing(_ id: Int64, temporary: TemporaryFile, output: BytePath) throws {
        try update(
            id, "temporary = ?, output = ?, output_device = ?, output_inode = ?, output_size = ?, output_modified = ?",
            [
                temporary.path.blob, output.blob, Int64(bitPattern: temporary.identity.device),
                Int64(bitPattern: temporary.identity.inode),
                temporary.identity.size, temporary.identity.modified,
            ])
    }

    func styled(_ id: Int64, output: BytePath, seconds: Double?) throws {
        try update(
            id,
            "state = 'styled', disposal = 'pending', output = ?, temporary = NULL, seconds = ?, finished = ?, deaths = "
                + "0, suspect = 0",
            [output.blob, seconds, LedgerTime.now])
    }

    func failed(_ id: Int64, state: PhotoState = .failed, reason: String) throws {
        try update(
            id,
            "state = ?, disposal = 'pending', reason = ?, finished = ?, temporary = NULL, output = NULL, output_inode "
                + "= NULL",
            [state.rawValue, reason, LedgerTime.now])
    }

    /// No photo, and left where it is.
    func passedOver(_ id: Int64, reason: String) throws {
        try update(
            id,
            "state = 'failed', disposal = 'passedOver', reason = ?, finished = ?, temporary = NULL, output = NULL, "
                + "output_inode = NULL",
            [reason, LedgerTime.now])
    }

    func disposed(_ id: Int64, _ disposal: Disposal, destination: BytePath? = nil) throws {
        try update(id, "disposal = ?, destination = ?, stays = NULL", [disposal.rawValue, destination?.blob])
    }

    /// Notes where an original was copied to, before it is removed from its inbox.
    func copied(_ id: Int64, to destination: BytePath) throws { try update(id, "destination = ?", [destination.blob]) }

    /// Notes why an original cannot be moved.
    func stays(_ id: Int64, _ reason: String) throws { try update(id, "stays = ?", [reason]) }

    /// Puts a photo off for a reason that may pass. The wait doubles from 5 seconds to an hour.
    /// - Returns: the wait.
    func deferPhoto(_ entry: LedgerEntry, reason: String) throws -> Duration {
        let wait = min(.seconds(5) * (1 << min(max(entry.attempts, 0), 20)), Self.longestWait)
        try update(
            entry.id, "state = 'deferred', attempts = ?, reason = ?, next_try = ?",
            [entry.attempts + 1, reason, LedgerTime.now + wait])
        return wait
    }

    /// Gives a claimed photo back untouched, as at a stop.
    func release(_ id: Int64) throws {
        try update(
            id,
            "state = 'ready', attempts = max(attempts - 1, 0), next_try = 0, temporary = NULL, output = NULL, "
                + "output_inode = NULL",
            [])
    }

    /// Forgets a photo whose file is gone from the inbox, or is another by now, before anything was made of it.
    func forget(_ id: Int64) throws {
        try database.write { try $0.execute(sql: "DELETE FROM photo WHERE id = ?", arguments: [id]) }
    }

    /// - Returns: whether the photo is still there.
    @discardableResult
    func update(_ id: Int64, _ assignments: String, _ values: [(any DatabaseValueConvertible)?]) throws -> Bool {
        try database.write { database in
            try database.execute(
                sql: "UPDATE photo SET \(assignments) WHERE id = ?", arguments: StatementArguments(values) + [id])
            return database.changesCount > 0
        }
    }
}
