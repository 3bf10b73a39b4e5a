import Digests
import Foundation
import GRDB
import LinuxFiles
import Publishing

/// What the ledger knows of photos that other services of a shared spool have done.
extension Ledger {
    static func migrateSharing(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("photos done elsewhere") { database in
            try database.execute(sql: "ALTER TABLE photo ADD COLUMN elsewhere TEXT")
        }
    }

    /// What the others know this service by: made once, and kept.
    package func serviceIdentity() throws -> String {
        if let known = try note("service") { return known }
        let made = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
        try setNote("service", made)
        return made
    }

    /// Notes that a photo has its picture, by another service (its machine's name), or by an earlier run of this one.
    func adoptStyled(_ id: Int64, _ decision: SharedDecision, output: BytePath, by host: String?) throws {
        let digest = { (text: String?) in text.flatMap { SHA256Digest(hexadecimal: $0) }.map { Data($0.bytes) } }
        let device = try Files.identity(of: output)?.device
        try update(
            id,
            "sha256 = ?, settings = ?, model = ?, model_sha256 = ?, output_device = ?, output_inode = ?, "
                + "output_size = ?, output_modified = ?, elsewhere = ?",
            [
                digest(decision.sha256), decision.settings, decision.model, digest(decision.modelSHA256),
                device.map { Int64(bitPattern: $0) },
                device.flatMap { _ in decision.pictureInode }.map { Int64(bitPattern: $0) },
                decision.pictureSize, decision.pictureModified, host,
            ])
        try styled(id, output: output, seconds: nil)
    }

    func doneElsewhere(_ id: Int64, by host: String?) throws { try update(id, "elsewhere = ?", [host]) }

    /// Whether an earlier row about the same picture has come to its end, its original out of the inbox.
    func wasDealtWith(_ entry: LedgerEntry, picture inode: UInt64) throws -> Bool {
        try history(inbox: entry.file.inbox, path: entry.file.path).contains { earlier in
            earlier.id < entry.id && earlier.file.leaseKey == entry.file.leaseKey
                && earlier.outputIdentity?.inode == inode && earlier.state == .styled
                && ![.pending, .kept, nil].contains(earlier.disposal)
        }
    }

    /// Whether a file is recorded, and not done with.
    func isWaiting(_ file: InboxFile) throws -> Bool {
        try history(inbox: file.inbox, path: file.path, limit: 2).contains { entry in
            [.ready, .claimed, .deferred].contains(entry.state) && !entry.isAnew
                && entry.file.leaseKey == file.leaseKey
        }
    }
}
