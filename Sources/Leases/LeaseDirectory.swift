import Glibc
import LinuxFiles
import Synchronization

/// Leases on things that services of several machines share, as files of one directory that all of them see.
///
/// A lease is a file of `held/`, called by its key and a generation: `KEY.1`. It is written under another name and then
/// gets this one by a hard link, so that one service has it, and whole. Its owner renews it by touching it. Whoever
/// finds that it was not renewed takes it over by making `KEY.2` in the same way, and removes `KEY.1`. What is done
/// under a lease is decided by a hard link from its file to `decided/KEY`: that works for one service only, and not for
/// one whose lease was taken over, since the name that it would link from is gone. So it does not matter how long a
/// service slept between its last look and that call.
///
/// No clock of another machine is believed, and none of the file system: a lease counts as not renewed when this
/// service has looked at it all the time, as long as a lease lasts by its own monotonic clock, and saw no change.
package final class LeaseDirectory: Sendable {
    package let owner: LeaseOwner
    /// How long a lease lasts that is not renewed.
    package let length: Duration
    let held: BytePath
    let decided: BytePath
    /// Monotonic nanoseconds.
    let now: @Sendable () -> Int64

    /// What was seen of a file, and since when it is like that.
    private struct Observation {
        var identity: FileIdentity
        var since: Int64
        var last: Int64
    }

    private struct State {
        var mine: [String: Lease] = [:]
        /// Given up, and their files could not be removed.
        var left: [Lease] = []
        var observations: [BytePath: Observation] = [:]
        /// Inodes of leases that earlier runs of this service have left.
        var ofEarlierRuns: Set<UInt64> = []
    }

    private let state = Mutex(State())

    package init(
        _ directory: BytePath, owner: LeaseOwner, length: Duration,
        now: @escaping @Sendable () -> Int64 = { KernelClock.monotonic }
    ) {
        (self.owner, self.length, self.now) = (owner, length, now)
        held = directory.appending("held")
        decided = directory.appending("decided")
    }

    /// Makes the directories, and notes which leases an earlier run of this service has left: it has ended, or this one
    /// would not have been started.
    /// - Throws: `SystemError`.
    package func open() throws {
        for directory in [held, decided] { try Files.makeDirectory(directory) }
        for name in try Files.names(in: held) {
            if name.starts(with: draftPrefix.utf8) {
                try Files.unlinkIfPresent(held.appending(name))
                continue
            }
            guard let file = try openIfPresent(held.appending(name)), let record = try LeaseRecord(file),
                record.owner.service == owner.service, record.owner.run != owner.run
            else { continue }
            let inode = try file.identity().inode
            state.withLock { _ = $0.ofEarlierRuns.insert(inode) }
        }
    }

    // MARK: Taking

    /// Takes a lease that nobody has, or whose owner has not renewed it.
    /// - Parameter text: what is leased, for others to read.
    /// - Throws: `SystemError`, ENOSPC and its like too; nothing is left behind then.
    package func acquire(_ key: String, text: String) throws -> LeaseOutcome {
        if state.withLock({ $0.mine[key] != nil }) { return .elsewhere(owner) }
        while true {
            guard let top = try generations(of: key).max() else { return try create(key, 1, text, over: nil) }
            // It may have been given up a moment ago.
            guard let seen = try observe(path(key, top)) else { continue }
            guard seen.mayBeTaken else { return .elsewhere(seen.record?.owner) }
            return try create(key, top + 1, text, over: (top, seen.identity))
        }
    }

    /// Whether there is no lease of that key.
    /// - Throws: `SystemError`.
    package func isFree(_ key: String) throws -> Bool { try generations(of: key).isEmpty }

    private func create(_ key: String, _ generation: Int, _ text: String, over: (generation: Int, FileIdentity)?) throws
        -> LeaseOutcome
    {
        let token = String(UInt64.random(in: 0 ... .max), radix: 36)
        let path = path(key, generation)
        guard let inode = try writeAndLink(LeaseRecord(owner: owner, token: token, text: text), path) else {
            return .elsewhere(nil)
        }
        do {
            guard let replaced = try takeOver(key, from: over, by: generation) else {
                try Files.unlinkIfPresent(path)
                return .elsewhere(nil)
            }
            let lease = Lease(key: key, generation: generation, token: token, inode: inode, replaced: replaced)
            state.withLock { $0.mine[key] = lease }
            return .taken(lease)
        } catch {
            try? Files.unlinkIfPresent(path)
            throw error
        }
    }

    /// Makes a lease's file.
    /// - Returns: its inode; nil where another has the name.
    private func writeAndLink(_ record: LeaseRecord, _ path: BytePath) throws -> UInt64? {
        let draft = draft(record.token)
        defer { try? Files.unlinkIfPresent(draft) }
        let file = try Descriptor.open(draft, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, trying: "create")
        try file.write(record.bytes)
        // A file system of the network tells only now that it has no room.
        try file.synchronize()
        // A draft that is gone was taken for a dead service's, since this one slept.
        do { try Files.link(draft, to: path) } catch let error as SystemError where error.code == EEXIST || error.isGone
        {
            return nil
        }
        return try file.identity().inode
    }

    /// Removes the files of the generations below: from then on their owners can decide nothing.
    /// - Returns: what stood in them; nil where this one steps back, because a later generation has come, or the one
    ///   that was judged has been renewed, or is another.
    private func takeOver(_ key: String, from judged: (generation: Int, identity: FileIdentity)?, by generation: Int)
        throws -> [LeaseRecord]?
    {
        let others = try generations(of: key).filter { $0 != generation }
        guard others.allSatisfy({ $0 < generation }) else { return nil }
        if let judged, let file = try openIfPresent(path(key, judged.generation)),
            try file.identity() != judged.identity
        {
            return nil
        }
        var replaced: [LeaseRecord] = []
        for other in others {
            if let file = try openIfPresent(path(key, other)), let record = try LeaseRecord(file) {
                replaced.append(record)
            }
            try Files.unlinkIfPresent(path(key, other))
        }
        return replaced
    }

    // MARK: Having

    /// Touches this process's leases.
    /// - Returns: those that another has taken over.
    package func renew() -> [Lease] {
        let (mine, left) = state.withLock { state in
            defer { state.left = [] }
            return (Array(state.mine.values), state.left)
        }
        for lease in left { remove(lease) }
        // What could not be renewed for another reason may be the next time; if not, it is taken over.
        return mine.filter { lease in
            do { try openOwn(lease).touch() } catch { return error is LeaseLost }
            return false
        }
    }

    /// - Throws: `LeaseLost` where another has taken it over; `SystemError`.
    package func check(_ lease: Lease) throws { _ = try openOwn(lease) }

    /// Gives a lease up. One whose file cannot be removed now is removed when leases are renewed.
    package func release(_ lease: Lease) {
        state.withLock { if $0.mine[lease.key] == lease { $0.mine[lease.key] = nil } }
        remove(lease)
    }

    /// Gives all up, as at a stop.
    package func releaseAll() { for lease in state.withLock({ Array($0.mine.values) }) { release(lease) } }

    private func remove(_ lease: Lease) {
        do {
            _ = try openOwn(lease)
            try Files.unlinkIfPresent(path(lease))
        } catch is LeaseLost {} catch { state.withLock { $0.left.append(lease) } }
    }

    func openOwn(_ lease: Lease) throws -> Descriptor {
        let file: Descriptor
        do { file = try Descriptor.open(path(lease), flags: O_WRONLY | O_NOFOLLOW) } catch let error as SystemError
            where error.isGone
        { throw LeaseLost(key: lease.key) }
        do { if try file.identity().inode != lease.inode { throw LeaseLost(key: lease.key) } } catch let error
            as SystemError where error.isGone
        { throw LeaseLost(key: lease.key) }
        return file
    }

    // MARK: Watching others

    /// Looks at the leases of others: to be called so often that four looks or more come within a lease's length.
    /// - Throws: `SystemError` where the directory cannot be listed.
    package func look() throws -> [ForeignLease] {
        let names = try Files.names(in: held)
        var latest: [String: Int] = [:]
        for (key, generation) in names.compactMap(Self.parse) { latest[key] = max(latest[key] ?? 0, generation) }
        try removeDrafts(names)
        let paths = Set(names.map(held.appending))
        state.withLock { state in state.observations = state.observations.filter { paths.contains($0.key) } }
        return try latest.sorted { $0.key < $1.key }.compactMap { key, generation in
            if state.withLock({ $0.mine[key]?.generation == generation }) { return nil }
            return try observe(path(key, generation)).map {
                ForeignLease(key: key, record: $0.record, isExpired: $0.mayBeTaken)
            }
        }
    }

    /// Removes what services that died have written and not given a name.
    private func removeDrafts(_ names: [[UInt8]]) throws {
        for name in names where name.starts(with: Self.anyDraftPrefix.utf8) {
            let path = held.appending(name)
            guard let seen = try observe(path), seen.mayBeTaken, seen.record?.owner.run != owner.run else { continue }
            try Files.unlinkIfPresent(path)
        }
    }

    private struct Seen {
        var record: LeaseRecord?
        var identity: FileIdentity
        var mayBeTaken: Bool
    }

    /// Looks at one file; nil where it is gone.
    private func observe(_ path: BytePath) throws -> Seen? {
        // Opened, so that the server is asked and no cache.
        guard let file = try openIfPresent(path) else {
            state.withLock { $0.observations[path] = nil }
            return nil
        }
        let identity: FileIdentity, record: LeaseRecord?
        do { (identity, record) = (try file.identity(), try LeaseRecord(file)) } catch let error as SystemError
            where error.isGone
        { return nil }
        let time = now(), length = length.inNanoseconds
        return state.withLock { state in
            var observation =
                state.observations[path] ?? Observation(identity: identity, since: time, last: time)
            // Where this service itself was stopped, or the server could not be reached, nothing is known of between.
            if observation.identity != identity || time - observation.last > length / 2 {
                observation = Observation(identity: identity, since: time, last: time)
            }
            observation.last = time
            state.observations[path] = observation
            let isLeft = record.map { record in
                record.owner.run == owner.run
                    ? !state.mine.values.contains { $0.inode == identity.inode }
                    : state.ofEarlierRuns.contains(identity.inode)
                        || record.owner.process.hasEnded(asSeenBy: owner.process)
            }
            return Seen(
                record: record, identity: identity, mayBeTaken: isLeft ?? false || time - observation.since >= length)
        }
    }

    // MARK: Names

    private static let anyDraftPrefix = "new-"

    /// Of this service's drafts.
    private var draftPrefix: String { "\(Self.anyDraftPrefix)\(owner.service)-" }

    func draft(_ token: String) -> BytePath { held.appending("\(draftPrefix)\(token)") }

    func path(_ lease: Lease) -> BytePath { path(lease.key, lease.generation) }

    private func path(_ key: String, _ generation: Int) -> BytePath { held.appending("\(key).\(generation)") }

    /// Listing opens the directory, so that what others have done there is seen.
    private func generations(of key: String) throws -> [Int] {
        try Files.names(in: held).compactMap(Self.parse).filter { $0.key == key }.map(\.generation)
    }

    private static func parse(_ name: [UInt8]) -> (key: String, generation: Int)? {
        let parts = String(decoding: name, as: UTF8.self).split(separator: ".")
        guard parts.count == 2, let generation = Int(parts[1]) else { return nil }
        return (String(parts[0]), generation)
    }

    func openIfPresent(_ path: BytePath) throws -> Descriptor? {
        do { return try Descriptor.forReading(path) } catch let error as SystemError where error.isGone { return nil }
    }
}
