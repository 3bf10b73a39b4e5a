import Digests
import Foundation
import GRDB

extension ModelArchive {
    /// The model with that content; nil where it was never here.
    package func record(_ hash: SHA256Digest) throws -> ModelRecord? { try database.read { try Self.record(hash, $0) } }

    /// The latest first.
    /// - Parameter style: nil for all of them.
    package func records(style: String? = nil) throws -> [ModelRecord] {
        try database.read { try Self.records(style: style, $0) }
    }

    /// The model whose digest begins so.
    /// - Throws: `ModelArchiveError` where there is none, or several.
    package func record(named text: String) throws -> ModelRecord {
        let prefix = text.lowercased()
        guard prefix.count >= 4, prefix.allSatisfy(\.isHexDigit) else {
            throw ModelArchiveError(
                "'\(text)' names no model; give the first digits of its SHA-256, four or more ('models list')")
        }
        let found = try records().filter { $0.hash.description.hasPrefix(prefix) }
        if found.isEmpty {
            throw ModelArchiveError("no model's SHA-256 begins with '\(text)'; 'models list' shows them")
        }
        guard found.count == 1 else {
            let names = found.map(\.hash.short).joined(separator: ", ")
            throw ModelArchiveError("\(found.count) models begin with '\(text)': \(names)")
        }
        return found[0]
    }

    /// The models that a style was made with, the current one first, and since when, in milliseconds since 1970.
    package func history(_ style: String) throws -> [(hash: SHA256Digest, since: Int64, why: String)] {
        try database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT sha256, since, why FROM model_stack WHERE style = ? ORDER BY position DESC",
                arguments: [style]
            ).map { (try Self.digest($0["sha256"]), $0["since"], $0["why"]) }
        }
    }

    static func digest(_ data: Data) throws -> SHA256Digest {
        guard let digest = SHA256Digest(data) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a model's digest has \(data.count) bytes")
        }
        return digest
    }

    /// The top first.
    static func stack(_ style: String, _ database: Database) throws -> [(position: Int64, hash: SHA256Digest)] {
        try Row.fetchAll(
            database, sql: "SELECT position, sha256 FROM model_stack WHERE style = ? ORDER BY position DESC",
            arguments: [style]
        ).map { ($0["position"], try digest($0["sha256"])) }
    }

    static func record(_ hash: SHA256Digest, _ database: Database) throws -> ModelRecord? {
        guard
            let style = try String.fetchOne(
                database, sql: "SELECT style FROM model WHERE sha256 = ?", arguments: [Data(hash.bytes)])
        else { return nil }
        return try records(style: style, database).first { $0.hash == hash }
    }

    static func records(style: String?, _ database: Database) throws -> [ModelRecord] {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT * FROM model WHERE style = ? OR ? IS NULL ORDER BY added DESC, sha256",
            arguments: [style, style])
        var stacks: [String: [SHA256Digest]] = [:]
        return try rows.map { row in
            let style: String = row["style"], hash = try digest(row["sha256"])
            if stacks[style] == nil { stacks[style] = try stack(style, database).map(\.hash) }
            let stack = stacks[style]!, reasons: String = row["reasons"]
            return ModelRecord(
                hash: hash, style: style, parent: try (row["parent"] as Data?).map(digest),
                origin: .init(rawValue: row["origin"]) ?? .imported, added: row["added"], byteCount: row["bytes"],
                data: row["data"], figures: row["figures"],
                decision: .init(rawValue: row["decision"]) ?? .unexamined,
                reasons: (try? JSONDecoder().decode([String].self, from: Data(reasons.utf8))) ?? [],
                isPinned: row["pinned"], isPresent: row["present"], isInUse: stack.first == hash,
                isPredecessor: stack.dropFirst().first == hash)
        }
    }
}
