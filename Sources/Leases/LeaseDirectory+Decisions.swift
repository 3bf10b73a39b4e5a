import Glibc
import LinuxFiles

/// Something was decided, and its file does not say what: a disk has lost it. Nothing is done again by itself.
package struct DecisionUnreadable: Error, Sendable, CustomStringConvertible {
    package let path: BytePath
    package var description: String {
        "what was decided about it cannot be read; remove \(path) to have it done (again)"
    }
}

extension LeaseDirectory {
    /// Decides, under a lease, for all services and for good.
    /// - Parameter text: what is decided. Others read it as soon as it holds, whole.
    /// - Returns: the decision; that of another where one had been made before.
    /// - Throws: `LeaseLost` where the lease was taken over: then nothing is decided. `SystemError`.
    package func decide(_ lease: Lease, text: String) throws -> Decision {
        let record = LeaseRecord(owner: owner, token: lease.token, text: text)
        try Self.rewrite(try openOwn(lease), record)
        let target = decisionPath(lease.key)
        try Files.makeDirectory(target.parent)
        do { try Files.link(path(lease), to: target) } catch let error as SystemError where error.code == EEXIST {
            // A server may have done it, and its answer been lost.
            if let found = try decision(lease.key) { return found }
            throw error
        } catch let error as SystemError where error.isGone {
            try check(lease)
            throw error
        }
        try Files.synchronizeDirectory(target.parent)
        return Decision(key: lease.key, record: record, inode: lease.inode)
    }

    /// What was decided about a key; nil where nothing was.
    /// - Throws: `SystemError`, `DecisionUnreadable`.
    package func decision(_ key: String) throws -> Decision? {
        let path = decisionPath(key)
        do { try Files.refresh(path.parent) } catch let error as SystemError where error.isGone { return nil }
        guard let file = try openIfPresent(path) else { return nil }
        guard let record = try LeaseRecord(file) else { throw DecisionUnreadable(path: path) }
        return Decision(key: key, record: record, inode: try file.identity().inode)
    }

    /// Puts other words for the same decision: where a name turned out taken, say.
    /// - Parameter lease: the one under which that is done.
    /// - Throws: `LeaseLost`, `SystemError`.
    package func reword(_ decision: Decision, under lease: Lease, text: String) throws -> Decision {
        try check(lease)
        var decision = decision
        decision.record.text = text
        let file = try Descriptor.open(decisionPath(decision.key), flags: O_WRONLY | O_NOFOLLOW)
        try Self.rewrite(file, decision.record)
        return decision
    }

    /// Forgets a decision, if it is still that one.
    /// - Throws: `SystemError`.
    package func forget(_ decision: Decision) throws {
        let path = decisionPath(decision.key)
        guard try Files.identity(of: path)?.inode == decision.inode else { return }
        try Files.unlinkIfPresent(path)
    }

    /// Decisions about keys that begin with `prefix`, of two letters or more.
    /// - Throws: `SystemError`.
    package func decisions(beginningWith prefix: String) throws -> [Decision] {
        let directory = decisionPath(prefix).parent
        let names: [[UInt8]]
        do { names = try Files.names(in: directory) } catch let error as SystemError where error.isGone { return [] }
        return try names.filter { $0.starts(with: prefix.utf8) }.compactMap {
            try decision(String(decoding: $0, as: UTF8.self))
        }
    }

    /// Every key that something is decided about.
    /// - Throws: `SystemError`.
    package func decidedKeys() throws -> [String] {
        try Files.names(in: decided).flatMap { shard in
            try Files.names(in: decided.appending(shard)).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Now, by the clock of whoever keeps the file system, in nanoseconds since 1970.
    /// - Throws: `SystemError`.
    package func fileSystemTime() throws -> Int64 {
        // Removed like other drafts where this service dies here.
        let path = draft("time-\(owner.run)")
        defer { try? Files.unlinkIfPresent(path) }
        return try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_NOFOLLOW).identity().changed
    }

    /// Many kept photos are many decisions: a directory for each two first letters.
    private func decisionPath(_ key: String) -> BytePath {
        decided.appending(String(key.prefix(2))).appending(key)
    }

    /// In one call, over the same bytes: whoever reads finds the old words or the new ones.
    private static func rewrite(_ file: borrowing Descriptor, _ record: LeaseRecord) throws {
        let bytes = try record.bytes
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.synchronize()
    }
}
