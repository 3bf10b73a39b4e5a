import Foundation
import GRDB
import LinuxFiles
import StyleModels

extension Ledger {
    /// A finished photo that is to be made anew.
    struct Anew {
        var entry: LedgerEntry
        /// Of the original as it is now.
        var identity: FileIdentity
        /// Where it lies, if not in its inbox.
        var source: BytePath?
    }

    /// The latest rows of names in an inbox that were styled by another model and have their original still.
    func finished(_ inbox: String, notBy model: ModelIdentity, after id: Int64, limit: Int) throws -> [LedgerEntry] {
        try database.read { database in
            try LedgerEntry.fetchAll(
                database,
                sql: """
                    SELECT * FROM photo AS this WHERE id > ? AND inbox = ? AND state = 'styled' AND own_style IS NULL
                    AND elsewhere IS NULL
                    AND disposal IN ('archived', 'kept') AND model_sha256 IS NOT ?
                    AND NOT EXISTS (SELECT 1 FROM photo WHERE path = this.path AND inbox = this.inbox AND id > this.id)
                    ORDER BY id LIMIT ?
                    """,
                arguments: [id, inbox, Data(model.hash.bytes), limit])
        }
    }

    /// As the other `makeAnew`, many in one transaction.
    func makeAnew(_ photos: [Anew]) throws {
        try database.write { database in
            for photo in photos {
                let identity = photo.identity
                try database.execute(
                    sql: """
                        INSERT INTO photo (
                            inbox, path, device, inode, size, modified, state, recorded, anew, source, own_strength)
                        VALUES (?, ?, ?, ?, ?, ?, 'ready', ?, 1, ?, ?)
                        """,
                    arguments: [
                        photo.entry.file.inbox, photo.entry.file.path.blob, Int64(bitPattern: identity.device),
                        Int64(bitPattern: identity.inode), identity.size, identity.modified, LedgerTime.now,
                        photo.source?.blob,
                        photo.entry.ownStrength,
                    ])
            }
        }
    }
}
