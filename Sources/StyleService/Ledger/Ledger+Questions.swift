import Foundation
import GRDB

extension Ledger {
    public func entry(_ id: Int64) throws -> LedgerEntry? {
        try database.read { try LedgerEntry.fetchOne($0, sql: "SELECT * FROM photo WHERE id = ?", arguments: [id]) }
    }

    /// How many photos stand where.
    public func counts(_ states: [PhotoState] = PhotoState.allCases) throws -> [PhotoState: Int] {
        try database.read { database in
            var counts: [PhotoState: Int] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT state, count(*) AS n FROM photo WHERE state IN (\(databaseQuestionMarks(count: states.count))) GROUP BY state",
                arguments: StatementArguments(states.map(\.rawValue)))
            for row in rows {
                if let state = PhotoState(rawValue: row["state"]) { counts[state] = row["n"] }
            }
            return counts
        }
    }

    /// The latest photos of some states, newest first.
    public func latest(_ states: [PhotoState], limit: Int) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo WHERE state IN (\(databaseQuestionMarks(count: states.count)))
                    ORDER BY coalesce(finished, recorded) DESC, id DESC LIMIT ?
                    """,
                arguments: StatementArguments(states.map(\.rawValue)) + [limit])
        }
    }

    /// Photos finished since a time, and the seconds they took.
    public func throughput(since: Int64) throws -> (photos: Int, seconds: Double) {
        try database.read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT count(*) AS n, total(seconds) AS s FROM photo WHERE finished >= ? AND state = 'styled'",
                arguments: [since])
            return (row?["n"] ?? 0, row?["s"] ?? 0)
        }
    }

    /// Everything about one name in an inbox, newest first.
    public func history(inbox: String, path: BytePath, limit: Int = 20) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database, sql: "SELECT * FROM photo WHERE path = ? AND inbox = ? ORDER BY id DESC LIMIT ?",
                arguments: [path.blob, inbox, limit])
        }
    }

    /// Whether a file stays in its inbox, done, in this very state.
    func isKept(_ file: InboxFile) throws -> Bool {
        try history(inbox: file.inbox, path: file.path, limit: 1).contains {
            $0.disposal == .kept && $0.file.identity.isSameContent(as: file.identity)
        }
    }

    /// Photos whose picture, or whose moved original, is this file.
    public func entries(withFile path: BytePath) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database, sql: "SELECT * FROM photo WHERE output = ? OR destination = ? ORDER BY id DESC LIMIT 20",
                arguments: [path.blob, path.blob])
        }
    }

    /// Earlier photos with the same bytes, model and settings whose pictures were published, newest first.
    func sameContent(hash: [UInt8], settings: String, modelHash: [UInt8], except id: Int64) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo WHERE sha256 = ? AND state = 'styled' AND settings = ? AND model_sha256 = ? AND id != ?
                    ORDER BY id DESC LIMIT 50
                    """,
                arguments: [Data(hash), settings, Data(modelHash), id])
        }
    }

    /// What a run that ended left in work: photos that were claimed, and originals still to be moved.
    func unfinished() throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(database, sql: "SELECT * FROM photo WHERE state = 'claimed' OR disposal = 'pending' ORDER BY id")
        }
    }

    /// Counts one death of the service with a photo in work.
    func died(_ id: Int64, alone: Bool) throws {
        try update(
            id, "state = 'ready', next_try = 0, temporary = NULL, output = NULL, output_inode = NULL, suspect = 1, deaths = deaths + ?",
            [alone ? 1 : 0])
    }

    /// Makes deferred photos due at once.
    /// - Returns: how many.
    @discardableResult
    func hurry(_ id: Int64? = nil) throws -> Int {
        try database.write { database in
            try database.execute(
                sql: "UPDATE photo SET next_try = 0 WHERE state = 'deferred' AND (? IS NULL OR id = ?)", arguments: [id, id])
            return database.changesCount
        }
    }

    /// Forgets photos that were done with before a time. Those whose original stays in the inbox are remembered.
    /// - Returns: how many.
    @discardableResult
    func prune(before time: Int64) throws -> Int {
        try database.write { database in
            try database.execute(
                sql: """
                    DELETE FROM photo WHERE finished < ? AND state IN ('styled', 'failed', 'quarantined')
                    AND disposal NOT IN ('pending', 'kept')
                    """,
                arguments: [time])
            return database.changesCount
        }
    }

    /// A file that stays in the inbox was touched and not changed: its earlier row gets its new times, and the new row goes.
    func adoptIdentity(of entry: LedgerEntry, for earlier: LedgerEntry) throws {
        let identity = entry.file.identity
        try database.write { database in
            try database.execute(sql: "DELETE FROM photo WHERE id = ?", arguments: [entry.id])
            try database.execute(
                sql: "UPDATE photo SET device = ?, inode = ?, size = ?, modified = ? WHERE id = ?",
                arguments: [
                    Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode), identity.size, identity.modified, earlier.id,
                ])
        }
    }

    /// Records that a file's picture was there before this ledger was.
    func adopt(_ file: InboxFile, _ picture: FoundPicture, disposal: Disposal) throws {
        let mark = picture.mark
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO photo (
                        inbox, path, device, inode, size, modified, state, disposal, recorded, finished, sha256, settings, model_sha256,
                        output, output_device, output_inode, output_size, output_modified, reason)
                    VALUES (?, ?, ?, ?, ?, ?, 'styled', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'found in the outbox when the ledger was rebuilt')
                    """,
                arguments: [
                    file.inbox, file.path.blob, Int64(bitPattern: file.identity.device), Int64(bitPattern: file.identity.inode),
                    file.identity.size, file.identity.modified, disposal.rawValue, Self.now(), Self.now(),
                    mark.map { Data($0.hash) }, mark?.settings, mark.map { Data($0.modelHash) }, picture.path.blob,
                    Int64(bitPattern: picture.identity.device), Int64(bitPattern: picture.identity.inode), picture.identity.size,
                    picture.identity.modified,
                ])
        }
    }

    public func note(_ name: String) throws -> String? {
        try database.read { try String.fetchOne($0, sql: "SELECT value FROM note WHERE name = ?", arguments: [name]) }
    }

    func setNote(_ name: String, _ value: String?) throws {
        try database.write { database in
            if let value {
                try database.execute(sql: "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", arguments: [name, value])
            } else {
                try database.execute(sql: "DELETE FROM note WHERE name = ?", arguments: [name])
            }
        }
    }
}
