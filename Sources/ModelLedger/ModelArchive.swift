import Digests
import Foundation
import GRDB
import LinuxFiles
import Networks
import Weights

/// The models that a service has had: files named after their content, and rows about them in the ledger.
///
/// A file is complete and on the disk before its row is there, and a row is changed before its file is removed:
/// whatever moment the power fails at, each row that says so has its file. `recover` ends what was interrupted. Which
/// model a style is made with is the top of a stack; a promotion puts one on it, a rollback takes one off, each in one
/// transaction.
package final class ModelArchive: Sendable {
    let database: any DatabaseWriter
    /// Of the files.
    package let directory: BytePath
    static let suffix = ".safetensors", stateSuffix = ".training.safetensors"

    /// - Parameters:
    ///   - database: has been through `migrate`.
    ///   - directory: made where it is missing.
    package init(database: any DatabaseWriter, directory: BytePath) throws {
        (self.database, self.directory) = (database, directory)
        try Files.makeDirectory(directory)
    }

    /// Registers the tables.
    package static func migrate(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("models") { database in
            try database.execute(
                sql: """
                    CREATE TABLE model (
                        sha256 BLOB PRIMARY KEY, style TEXT NOT NULL, parent BLOB, origin TEXT NOT NULL,
                        added INTEGER NOT NULL, bytes INTEGER NOT NULL, data TEXT, figures TEXT, decision TEXT NOT NULL,
                        reasons TEXT NOT NULL,
                        pinned INTEGER NOT NULL DEFAULT 0, present INTEGER NOT NULL DEFAULT 1
                    ) WITHOUT ROWID;
                    CREATE INDEX model_style ON model (style, added);
                    CREATE TABLE model_stack (
                        style TEXT NOT NULL, position INTEGER NOT NULL, sha256 BLOB NOT NULL REFERENCES model (sha256),
                        since INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (style, position)
                    ) WITHOUT ROWID;
                    """)
        }
    }

    /// Where a model's file is, or would be.
    package func path(of hash: SHA256Digest) -> BytePath { directory.appending("\(hash)\(Self.suffix)") }

    /// Where the other networks of its training are, which a later run goes on with, if it has them.
    package func trainingState(of hash: SHA256Digest) -> BytePath {
        directory.appending("\(hash)\(Self.stateSuffix)")
    }

    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    // MARK: Taking models in

    /// What is known of a model that is taken in.
    package struct Facts: Sendable {
        package var style: String
        package var origin: ModelRecord.Origin
        package var parent: SHA256Digest?
        package var data: String?
        package var figures: String?
        package var decision = ModelRecord.Decision.unexamined
        package var reasons: [String] = []

        package init(style: String, origin: ModelRecord.Origin) { (self.style, self.origin) = (style, origin) }
    }

    /// Takes a copy of a model's file. Where it is there already, for the same style, what is newly known of it is
    /// added.
    /// - Throws: `WeightsError` where it is no generator's file, `ModelArchiveError`, `SystemError`, `DatabaseError`.
    @discardableResult
    package func add(_ file: BytePath, _ facts: Facts) throws -> SHA256Digest {
        let hash = try place(file, facts.style)
        let bytes = try Files.status(of: path(of: hash)).st_size
        try database.write { try Self.insert(hash, facts, bytes: Int(bytes), $0) }
        return hash
    }

    /// Takes a copy of the model that a run has made, with what a later run needs to go on from it, and puts it to use
    /// where it is to be: in one transaction, together with what else the run changes in the ledger.
    /// - Parameters:
    ///   - trainingState: a file with the other networks of its training; nil where there is none.
    ///   - why: for the history; nil where it is not to be put to use.
    ///   - change: what else belongs into the transaction. The files are in their places when it is called.
    /// - Returns: the model, and the one that was in use before.
    /// - Throws: as `add` and `promote` do, and what `change` throws.
    @discardableResult
    package func admit(
        _ file: BytePath, _ facts: Facts, trainingState: BytePath? = nil, promoting why: String? = nil,
        change: (Database, SHA256Digest) throws -> Void = { _, _ in }
    ) throws -> (hash: SHA256Digest, before: SHA256Digest?) {
        let hash = try place(file, facts.style), size = try Files.status(of: path(of: hash)).st_size
        if let trainingState {
            try copy(try Files.read(trainingState, followingLinks: true), to: self.trainingState(of: hash))
        }
        return try database.write { database in
            try Self.insert(hash, facts, bytes: Int(size), database)
            let before = try Self.stack(facts.style, database).first
            if let why, before?.hash != hash {
                try Self.push(hash, facts.style, position: (before?.position ?? 0) + 1, why: why, database)
            }
            try change(database, hash)
            return (hash, before?.hash)
        }
    }

    /// Gives a model's file its place, where it is not there yet.
    private func place(_ file: BytePath, _ style: String) throws -> SHA256Digest {
        let bytes = try Files.read(file, followingLinks: true), hash = SHA256.hash(bytes)
        // Only what can be loaded gets a name under which it may be asked for.
        let weights = try Safetensors.read(String(decoding: file.bytes, as: UTF8.self))
        try GeneratorDescription(weights).validate(weights)
        if let other = try record(hash), other.style != style {
            throw ModelArchiveError(
                "\(file) is a model of the style '\(other.style)' already; it cannot be one of '\(style)' too")
        }
        try copy(bytes, to: path(of: hash))
        return hash
    }

    private func copy(_ bytes: [UInt8], to place: BytePath) throws {
        if try Files.statusIfPresent(of: place) != nil { return }
        try AtomicFile.write(place) { append in try bytes.withUnsafeBytes { try append($0) } }
    }

    private static func insert(_ hash: SHA256Digest, _ facts: Facts, bytes: Int, _ database: Database) throws {
        let reasons = String(decoding: try JSONEncoder().encode(facts.reasons), as: UTF8.self)
        try database.execute(
            sql: """
                INSERT INTO model (sha256, style, parent, origin, added, bytes, data, figures, decision, reasons)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (sha256) DO UPDATE SET present = 1, data = coalesce(excluded.data, data),
                    parent = coalesce(excluded.parent, parent),
                    origin = iif(excluded.origin = 'imported', origin, excluded.origin),
                    figures = coalesce(excluded.figures, figures),
                    reasons = iif(excluded.decision = 'unexamined', reasons, excluded.reasons),
                    decision = iif(excluded.decision = 'unexamined', decision, excluded.decision)
                """,
            arguments: [
                Data(hash.bytes), facts.style, facts.parent.map { Data($0.bytes) }, facts.origin.rawValue, now(), bytes,
                facts.data, facts.figures, facts.decision.rawValue, reasons,
            ])
    }

    private static func push(
        _ hash: SHA256Digest, _ style: String, position: Int64, why: String, _ database: Database
    ) throws {
        try database.execute(
            sql: "INSERT INTO model_stack (style, position, sha256, since, why) VALUES (?, ?, ?, ?, ?)",
            arguments: [style, position, Data(hash.bytes), now(), why])
    }

    // MARK: Switching

    /// The model that the style's next photo is made with; nil where none was ever promoted.
    package func current(_ style: String) throws -> SHA256Digest? {
        try database.read { try Self.stack(style, $0).first?.hash }
    }

    /// Puts a model to use, from the next photo on.
    /// - Parameters:
    ///   - why: for those who look at the history.
    ///   - isForced: also where the gate did not say that it is better.
    /// - Returns: the model that was in use before.
    /// - Throws: `ModelArchiveError` where that is not to be done, or its file is not what it was.
    @discardableResult
    package func promote(_ hash: SHA256Digest, why: String, isForced: Bool = false) throws -> SHA256Digest? {
        try checkFile(hash)
        return try database.write { database in
            guard let record = try Self.record(hash, database), record.isPresent else { throw Self.missing(hash) }
            if !isForced, [.keep, .refuse].contains(record.decision) {
                let reasons = record.reasons.joined(separator: "; ")
                throw ModelArchiveError(
                    "the gate did not let model \(hash.short) pass: \(reasons); --force puts it to use all the same")
            }
            let stack = try Self.stack(record.style, database)
            if stack.first?.hash == hash { throw ModelArchiveError("model \(hash.short) is in use already") }
            try Self.push(hash, record.style, position: (stack.first?.position ?? 0) + 1, why: why, database)
            return stack.first?.hash
        }
    }

    /// Goes back to the model that was in use before the current one; from the first one that was promoted, to the
    /// model that ships under the style's name.
    /// - Returns: the model that was taken off, and the one in use now; nil for the one that ships.
    @discardableResult
    package func rollback(_ style: String) throws -> (from: SHA256Digest, to: SHA256Digest?) {
        let stack = try database.read { try Self.stack(style, $0) }
        guard let top = stack.first else {
            throw ModelArchiveError("the style '\(style)' has no promoted model to go back from")
        }
        if let below = stack.dropFirst().first { try checkFile(below.hash) }
        try database.write { database in
            try database.execute(
                sql: "DELETE FROM model_stack WHERE style = ? AND position = ? AND sha256 = ?",
                arguments: [style, top.position, Data(top.hash.bytes)])
            // Someone else was quicker.
            if database.changesCount == 0 {
                throw ModelArchiveError("another model of '\(style)' was put to use meanwhile")
            }
        }
        return (top.hash, stack.dropFirst().first?.hash)
    }

    /// The file must have the content that its name says: a picture is never made with a damaged model.
    private func checkFile(_ hash: SHA256Digest) throws {
        guard try Files.statusIfPresent(of: path(of: hash)) != nil else { throw Self.missing(hash) }
        guard try SHA256.hash(Files.read(path(of: hash))) == hash else {
            throw ModelArchiveError(
                "the file of model \(hash.short) is damaged (\(path(of: hash))); it cannot be put to use")
        }
    }

    static func missing(_ hash: SHA256Digest) -> ModelArchiveError {
        ModelArchiveError("the file of model \(hash.short) is not there any more")
    }
}

extension SHA256Digest {
    /// Enough of it for people.
    package var short: String { String(description.prefix(12)) }
}
