import Digests
import Foundation
import GRDB
import LinuxFiles
import Retraining
import ServiceConfiguration

/// A run of training as the ledger has it.
package struct RunEntry: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// Its child process works, or is to be started again.
        case running
        /// The gate has decided; `reason` says how.
        case decided
        /// Given up on request.
        case stopped
        /// Given up because it could not be done.
        case failed
    }

    package let id: Int64
    package let style: String
    package let directory: BytePath
    package let mode: TrainingMode
    /// The model that its candidate is compared with; nil where there was none.
    package let parent: SHA256Digest?
    package let began: LedgerTime
    package let ended: LedgerTime?
    package let state: State
    package let reason: String?
    /// The candidate.
    package let model: SHA256Digest?
    /// How often its process ended without having come further.
    package let attempts: Int

    init(_ row: Row) throws {
        (id, style, began, ended) = (row["id"], row["style"], row["began"], row["ended"])
        directory = BytePath(bytes: Array(row["directory"] as Data))
        mode = TrainingMode(rawValue: row["mode"]) ?? .finetune
        state = State(rawValue: row["state"]) ?? .failed
        (reason, attempts) = (row["reason"], row["attempts"])
        parent = try (row["parent"] as Data?).map(Ledger.digest)
        model = try (row["model"] as Data?).map(Ledger.digest)
    }
}

/// What a run begins with: what the ledger notes in one transaction.
struct RunBeginning: Sendable {
    var style: String
    var directory: BytePath
    var mode: TrainingMode
    var parent: SHA256Digest?
    var began = LedgerTime.now
    /// The images that take part, with their sides.
    var sides: [StyleConfiguration.Domain: [SHA256Digest: DomainSplit.Side]] = [:]
}

extension Ledger {
    /// Notes a run whose directory is complete. From here on it is gone on with after every start.
    func begin(_ run: RunBeginning) throws -> RunEntry {
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO training_run (style, directory, mode, parent, began, state) VALUES (?, ?, ?, ?, ?, \
                    'running')
                    """,
                arguments: [
                    run.style, run.directory.blob, run.mode.rawValue, run.parent.map { Data($0.bytes) }, run.began,
                ])
            let id = database.lastInsertedRowID
            for (domain, sides) in run.sides {
                for (image, side) in sides {
                    try database.execute(
                        sql: """
                            UPDATE domain_image SET side = ?, used = coalesce(used, ?)
                            WHERE style = ? AND domain = ? AND sha256 = ?
                            """,
                        arguments: [side.rawValue, id, run.style, domain.rawValue, Data(image.bytes)])
                }
            }
            try Self.noteTrial(run.style, run.began, database)
            return try RunEntry(
                Row.fetchOne(database, sql: "SELECT * FROM training_run WHERE id = ?", arguments: [id])!)
        }
    }

    /// Ends a run that brought no decision; its images count as new again.
    func end(_ run: RunEntry, _ state: RunEntry.State, reason: String) throws {
        try database.write { database in
            try database.execute(
                sql: "UPDATE training_run SET state = ?, reason = ?, ended = ? WHERE id = ?",
                arguments: [state.rawValue, reason, LedgerTime.now, run.id])
            try database.execute(sql: "UPDATE domain_image SET used = NULL WHERE used = ?", arguments: [run.id])
        }
    }

    /// What a decision changes here, in the transaction that takes the candidate in.
    static func decided(_ run: RunEntry, _ model: SHA256Digest?, reason: String, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE training_run SET state = 'decided', reason = ?, model = ?, ended = ? WHERE id = ?",
            arguments: [reason, model.map { Data($0.bytes) }, LedgerTime.now, run.id])
    }

    func setAttempts(_ run: RunEntry, _ attempts: Int) throws {
        try database.write {
            try $0.execute(sql: "UPDATE training_run SET attempts = ? WHERE id = ?", arguments: [attempts, run.id])
        }
    }

    /// Runs that are to be gone on with.
    package func runningRuns() throws -> [RunEntry] { try runs("state = 'running' ORDER BY id", []) }

    /// A style's runs, the latest first; nil for those of all styles.
    package func runs(style: String?, limit: Int = 20) throws -> [RunEntry] {
        try runs("style = ? OR ? IS NULL ORDER BY id DESC LIMIT ?", [style, style, limit])
    }

    private func runs(_ condition: String, _ arguments: StatementArguments) throws -> [RunEntry] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM training_run WHERE \(condition)", arguments: arguments)
                .map { try RunEntry($0) }
        }
    }

    // MARK: The schedule

    private static func trialNote(_ style: String) -> String { "training.\(style)" }

    private static func noteTrial(_ style: String, _ time: LedgerTime, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)",
            arguments: [trialNote(style), String(time.milliseconds)])
    }

    /// When the schedule was last followed: a run began, or there was too little to learn from. Where it never was, it
    /// is noted as seen now.
    func lastTrial(_ style: String, now: LedgerTime = .now) throws -> LedgerTime {
        if let text = try note(Self.trialNote(style)), let time = Int64(text) { return LedgerTime(milliseconds: time) }
        try noteTrial(style, now)
        return now
    }

    func noteTrial(_ style: String, _ time: LedgerTime = .now) throws {
        try database.write { try Self.noteTrial(style, time, $0) }
    }
}
