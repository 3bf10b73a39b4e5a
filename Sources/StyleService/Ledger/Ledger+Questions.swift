import Digests
import Foundation
import GRDB
import LinuxFiles
import Publishing

extension Ledger {
    package func entry(_ id: Int64) throws -> LedgerEntry? {
        try database.read { try LedgerEntry.fetchOne($0, sql: "SELECT * FROM photo WHERE id = ?", arguments: [id]) }
    }

    /// How many photos stand where. A failed one that was brought back stands where it is now, and counts there; what
    /// is no photo and stays in its inbox does not count.
    package func counts(_ states: [PhotoState] = PhotoState.allCases) throws -> [PhotoState: Int] {
        try database.read { database in
            var counts: [PhotoState: Int] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT state, count(*) AS n FROM photo
                    WHERE state IN (\(databaseQuestionMarks(count: states.count))) AND coalesce(disposal, '') NOT IN \
                    ('broughtBack', 'passedOver') GROUP BY state
                    """,
                arguments: StatementArguments(states.map(\.rawValue)))
            for row in rows {
                if let state = PhotoState(rawValue: row["state"]) { counts[state] = row["n"] }
            }
            return counts
        }
    }

    /// The latest photos of some states, newest first, as `counts` counts them.
    package func latest(_ states: [PhotoState], limit: Int) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo
                    WHERE state IN (\(databaseQuestionMarks(count: states.count))) AND coalesce(disposal, '') NOT IN \
                    ('broughtBack', 'passedOver')
                    ORDER BY coalesce(finished, recorded) DESC, id DESC LIMIT ?
                    """,
                arguments: StatementArguments(states.map(\.rawValue)) + [limit])
        }
    }

    /// Photos finished since a time, and the seconds they took.
    package func throughput(since: LedgerTime) throws -> (photos: Int, seconds: Double) {
        try database.read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT count(*) AS n, total(seconds) AS s FROM photo WHERE finished >= ? AND state = 'styled' "
                    + "AND elsewhere IS NULL",
                arguments: [since])
            return (row?["n"] ?? 0, row?["s"] ?? 0)
        }
    }

    /// The originals that cannot be moved out of their inboxes: how many for each inbox, and why the latest does.
    func stayingOriginals() throws -> [String: (count: Int, reason: String)] {
        try database.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT inbox, count(*) AS n, max(id) AS latest, stays FROM photo
                    WHERE disposal = 'pending' AND stays IS NOT NULL GROUP BY inbox
                    """)
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["inbox"], ($0["n"], $0["stays"])) })
        }
    }

    /// Mean seconds of the latest photos that were computed, from claim to publication; nil where none was.
    func recentSeconds(_ count: Int = 20) throws -> Double? {
        try database.read { database in
            try Double.fetchOne(
                database,
                sql: """
                    SELECT avg(seconds) FROM (
                        SELECT seconds FROM photo WHERE state = 'styled' AND seconds IS NOT NULL ORDER BY finished \
                        DESC LIMIT ?)
                    """,
                arguments: [count])
        }
    }

    /// Photos with these bytes, newest first.
    func entries(withHash hash: SHA256Digest) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database, sql: "SELECT * FROM photo WHERE sha256 = ? ORDER BY id DESC LIMIT 20",
                arguments: [Data(hash.bytes)])
        }
    }

    /// Photos of this name in whatever directory of an inbox, or whose picture or moved original has it, newest first.
    func entries(named name: [UInt8]) throws -> [LedgerEntry] {
        let end = Data([UInt8(ascii: "/")] + name), length = name.count + 1
        return try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo WHERE path = ? OR substr(path, -?) = ? OR substr(output, -?) = ? OR \
                    substr(destination, -?) = ?
                    ORDER BY id DESC LIMIT 20
                    """,
                arguments: [Data(name), length, end, length, end, length, end])
        }
    }

    /// Rows of photos with the same name and bytes that are said to lie in the failed directory.
    func failedBefore(_ entry: LedgerEntry, hash: SHA256Digest) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo WHERE path = ? AND inbox = ? AND sha256 = ? AND id != ?
                    AND state IN ('failed', 'quarantined') AND disposal = 'setAside'
                    """,
                arguments: [entry.file.path.blob, entry.file.inbox, Data(hash.bytes), entry.id])
        }
    }

    /// Queues a photo that is done to be made anew, as a row of its own.
    /// - Parameters:
    ///   - identity: of the original as it is now.
    ///   - source: where the original lies, if not in its inbox.
    func makeAnew(_ entry: LedgerEntry, identity: FileIdentity, source: BytePath?, style: String?, strength: Double?)
        throws
    {
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO photo (
                        inbox, path, device, inode, size, modified, state, recorded, anew, source, own_style, \
                        own_strength)
                    VALUES (?, ?, ?, ?, ?, ?, 'ready', ?, 1, ?, ?, ?)
                    """,
                arguments: [
                    entry.file.inbox, entry.file.path.blob, Int64(bitPattern: identity.device),
                    Int64(bitPattern: identity.inode),
                    identity.size, identity.modified, LedgerTime.now, source?.blob, style, strength,
                ])
        }
    }

    /// Makes a failed photo that stayed in its inbox ready again.
    func tryAgain(_ id: Int64) throws {
        try update(
            id,
            "state = 'ready', disposal = NULL, reason = NULL, attempts = 0, deaths = 0, suspect = 0, next_try = 0, "
                + "finished = NULL",
            [])
    }

    /// Whether a photo waits to be made anew, or is.
    func isBeingMadeAnew(_ entry: LedgerEntry) throws -> Bool {
        try database.read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM photo WHERE path = ? AND inbox = ? AND anew = 1
                    AND state IN ('ready', 'claimed', 'deferred'))
                    """,
                arguments: [entry.file.path.blob, entry.file.inbox]) ?? false
        }
    }

    /// Everything about one name in an inbox, newest first.
    package func history(inbox: String, path: BytePath, limit: Int = 20) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database, sql: "SELECT * FROM photo WHERE path = ? AND inbox = ? ORDER BY id DESC LIMIT ?",
                arguments: [path.blob, inbox, limit])
        }
    }

    /// The row of an earlier state of a file that stays in its inbox.
    func earlierKept(_ entry: LedgerEntry) throws -> LedgerEntry? {
        try history(inbox: entry.file.inbox, path: entry.file.path).first {
            $0.id != entry.id && $0.disposal == .kept
        }
    }

    /// Whether a file stays in its inbox, done, in this very state.
    func isKept(_ file: InboxFile) throws -> Bool {
        try history(inbox: file.inbox, path: file.path, limit: 1).contains {
            ($0.disposal == .kept || $0.disposal == .passedOver) && $0.file.identity.isSameContent(as: file.identity)
        }
    }

    /// Photos whose picture, or whose moved original, is this file.
    package func entries(withFile path: BytePath) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database, sql: "SELECT * FROM photo WHERE output = ? OR destination = ? ORDER BY id DESC LIMIT 20",
                arguments: [path.blob, path.blob])
        }
    }

    /// Earlier photos with the same bytes, model and settings whose pictures were published, newest first.
    func sameContent(hash: SHA256Digest, settings: String, modelHash: SHA256Digest, except id: Int64) throws
        -> [LedgerEntry]
    {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo WHERE sha256 = ? AND state = 'styled' AND settings = ? AND model_sha256 = ? \
                    AND id != ?
                    ORDER BY id DESC LIMIT 50
                    """,
                arguments: [Data(hash.bytes), settings, Data(modelHash.bytes), id])
        }
    }

    /// What a run that ended left in work: photos that were claimed, and originals still to be moved.
    func unfinished() throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database, sql: "SELECT * FROM photo WHERE state = 'claimed' OR disposal = 'pending' ORDER BY id")
        }
    }

    /// Counts one death of the service with a photo in work.
    func died(_ id: Int64, alone: Bool) throws {
        try update(
            id,
            "state = 'ready', next_try = 0, temporary = NULL, output = NULL, output_inode = NULL, suspect = 1, deaths "
                + "= deaths + ?",
            [alone ? 1 : 0])
    }

    /// Makes deferred photos due at once.
    /// - Returns: how many.
    @discardableResult
    func hurry(_ id: Int64? = nil) throws -> Int {
        try database.write { database in
            try database.execute(
                sql: "UPDATE photo SET next_try = 0 WHERE state = 'deferred' AND (? IS NULL OR id = ?)",
                arguments: [id, id])
            return database.changesCount
        }
    }

    /// Forgets photos that were done with before a time. Those whose original stays in the inbox are remembered.
    /// - Returns: how many.
    @discardableResult
    func prune(before time: LedgerTime) throws -> Int {
        try database.write { database in
            try database.execute(
                sql: """
                    DELETE FROM photo WHERE finished < ? AND state IN ('styled', 'failed', 'quarantined')
                    AND disposal NOT IN ('pending', 'kept', 'passedOver')
                    """,
                arguments: [time])
            return database.changesCount
        }
    }

    /// A file that stays in the inbox was touched and not changed: its earlier row gets its new times, and the new row
    /// goes.
    func adoptIdentity(of entry: LedgerEntry, for earlier: LedgerEntry) throws {
        let identity = entry.file.identity
        try database.write { database in
            try database.execute(sql: "DELETE FROM photo WHERE id = ?", arguments: [entry.id])
            try database.execute(
                sql: "UPDATE photo SET device = ?, inode = ?, size = ?, modified = ? WHERE id = ?",
                arguments: [
                    Int64(bitPattern: identity.device), Int64(bitPattern: identity.inode), identity.size,
                    identity.modified, earlier.id,
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
                        inbox, path, device, inode, size, modified, state, disposal, recorded, finished, sha256, \
                        settings, model_sha256,
                        output, output_device, output_inode, output_size, output_modified, reason)
                    VALUES (?, ?, ?, ?, ?, ?, 'styled', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'found in the outbox when the \
                    ledger was rebuilt')
                    """,
                arguments: [
                    file.inbox, file.path.blob, Int64(bitPattern: file.identity.device),
                    Int64(bitPattern: file.identity.inode),
                    file.identity.size, file.identity.modified, disposal.rawValue, LedgerTime.now, LedgerTime.now,
                    mark.map { Data($0.hash.bytes) }, mark?.settings, mark.map { Data($0.modelHash.bytes) },
                    picture.path.blob,
                    Int64(bitPattern: picture.identity.device), Int64(bitPattern: picture.identity.inode),
                    picture.identity.size,
                    picture.identity.modified,
                ])
        }
    }

    package func note(_ name: String) throws -> String? {
        try database.read { try String.fetchOne($0, sql: "SELECT value FROM note WHERE name = ?", arguments: [name]) }
    }

    func setNote(_ name: String, _ value: String?) throws {
        try database.write { database in
            if let value {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", arguments: [name, value])
            } else {
                try database.execute(sql: "DELETE FROM note WHERE name = ?", arguments: [name])
            }
        }
    }
}
