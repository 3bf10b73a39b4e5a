import Digests
import Foundation
import GRDB
import LinuxFiles
import Weights

// What stays, what goes, and what a start puts right.
extension ModelArchive {
    package func pin(_ hash: SHA256Digest, _ isPinned: Bool) throws {
        try database.write { database in
            try database.execute(
                sql: "UPDATE model SET pinned = ? WHERE sha256 = ?", arguments: [isPinned, Data(hash.bytes)])
            if database.changesCount == 0 { throw Self.missing(hash) }
        }
    }

    /// Removes a model's file; what is known of it stays, since pictures name it.
    /// - Throws: `ModelArchiveError` where it is in use, the one before that, or pinned.
    package func forget(_ hash: SHA256Digest) throws {
        try database.write { database in
            guard let record = try Self.record(hash, database), record.isPresent else { throw Self.missing(hash) }
            let obstacles = [
                record.isInUse ? "in use; 'models rollback' or 'models promote' puts another one there" : nil,
                record.isPredecessor ? "the one that a rollback leads to" : nil,
                record.isPinned ? "pinned; 'models pin --off' lets go of it" : nil,
            ]
            if let obstacle = obstacles.compactMap(\.self).first {
                throw ModelArchiveError("model \(hash.short) cannot be forgotten: it is \(obstacle)")
            }
            try Self.markForgotten(hash, database)
        }
        try removeFiles(hash)
    }

    private func removeFiles(_ hash: SHA256Digest) throws {
        try Files.unlinkIfPresent(path(of: hash))
        try Files.unlinkIfPresent(trainingState(of: hash))
    }

    /// Forgets a style's oldest models until `keep` are left; those that must stay count, and stay also where they are
    /// more.
    /// - Returns: what was forgotten.
    @discardableResult
    package func prune(_ style: String, keep: Int) throws -> [SHA256Digest] {
        let forgotten = try database.write { database in
            let present = try Self.records(style: style, database).filter(\.isPresent)
            let surplus = present.filter { !$0.isPinned && !$0.isInUse && !$0.isPredecessor }
                .suffix(max(0, present.count - max(0, keep)))
            for record in surplus { try Self.markForgotten(record.hash, database) }
            return surplus.map(\.hash)
        }
        for hash in forgotten { try removeFiles(hash) }
        return forgotten
    }

    /// A model deeper in the stack may be forgotten: it leaves it, and rollbacks lead past it.
    private static func markForgotten(_ hash: SHA256Digest, _ database: Database) throws {
        try database.execute(sql: "UPDATE model SET present = 0 WHERE sha256 = ?", arguments: [Data(hash.bytes)])
        try database.execute(sql: "DELETE FROM model_stack WHERE sha256 = ?", arguments: [Data(hash.bytes)])
    }

    /// What `recover` found.
    package struct Recovery: Sendable, Equatable {
        /// A style whose model in use is gone, and what is in use now; nil for the one that ships.
        package struct Loss: Sendable, Equatable {
            package var style: String
            package var lost: SHA256Digest
            package var now: SHA256Digest?
        }
        package var losses: [Loss] = []
        /// Files without a row that are models: the ledger was lost, or a crash came between file and row.
        package var adopted: [SHA256Digest] = []
    }

    /// After a start: ends what a crash interrupted, takes up models that have no row, and notes whose file was taken
    /// away by others. No model is removed that was not forgotten.
    package func recover() throws -> Recovery {
        var recovery = Recovery()
        for name in try Files.names(in: directory) {
            let path = directory.appending(name), text = String(decoding: name, as: UTF8.self)
            if text.hasPrefix(".writing-") { try Files.unlinkIfPresent(path) }
            if text.hasSuffix(Self.stateSuffix) { try sweepTrainingState(text.dropLast(Self.stateSuffix.count)) }
            guard text.hasSuffix(Self.suffix), let hash = SHA256Digest(hexadecimal: text.dropLast(Self.suffix.count))
            else { continue }
            if let record = try record(hash) {
                if !record.isPresent { try removeFiles(hash) }
            } else if try adopt(hash) {
                recovery.adopted.append(hash)
            }
        }
        let before = try records().filter(\.isInUse)
        let lost = try records().filter { try $0.isPresent && Files.statusIfPresent(of: path(of: $0.hash)) == nil }
        try database.write { database in for record in lost { try Self.markForgotten(record.hash, database) } }
        recovery.losses = try before.filter { record in lost.contains { $0.hash == record.hash } }
            .map { .init(style: $0.style, lost: $0.hash, now: try current($0.style)) }
        return recovery
    }

    /// What a model's training left goes with the model.
    private func sweepTrainingState(_ name: Substring) throws {
        guard let hash = SHA256Digest(hexadecimal: name), try record(hash)?.isPresent != true,
            try Files.statusIfPresent(of: path(of: hash)) == nil
        else { return }
        try Files.unlinkIfPresent(trainingState(of: hash))
    }

    /// Gives a file a row where it is a model that says which style it is of. Anything else stays as it is.
    private func adopt(_ hash: SHA256Digest) throws -> Bool {
        let path = path(of: hash)
        guard let weights = try? Safetensors.read(String(decoding: path.bytes, as: UTF8.self)),
            let style = weights.metadata["style"], try SHA256.hash(Files.read(path)) == hash
        else { return false }
        return (try? add(path, Facts(style: style, origin: .imported))) != nil
    }
}
