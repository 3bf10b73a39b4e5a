import Digests
import Foundation
import Leases
import LinuxFiles
import Logging
import Publishing
import ServiceConfiguration
import ServiceControl
import Synchronization
import Threads

/// This service's part in a spool that it shares with services of other machines: the leases of its photos, and a
/// thread that renews them and looks at those of the others.
package final class SpoolSharing: Sendable {
    /// What came of the wish to work on a photo.
    enum Claim {
        /// It is this service's; it was taken over from the services named, if any are.
        case ours(from: [LeaseOwner])
        /// It is this service's to bring to its end, since what becomes of it is decided.
        case decided(Decision, SharedDecision)
        case elsewhere(LeaseOwner?)
        /// It is not there any more, and nobody works on it.
        case gone
    }

    /// What is held for a row of the ledger.
    private struct Held {
        var lease: Lease
        var decision: Decision?
    }

    private struct Watching {
        var foreign: [ForeignLease] = []
        var isStopping = false
        var thread: WorkerThread?
    }

    let leases: LeaseDirectory
    private let held = Mutex<[Int64: Held]>([:])
    private let watching = Monitor(Watching())

    /// - Throws: `SystemError`.
    package convenience init(_ configuration: Configuration, service: String) throws {
        // The unit hides /proc/sys, and gives the boot id instead.
        let process = ProcessIdentity.current(boot: ProcessInfo.processInfo.environment["CYCLEGAN_STYLED_BOOT_ID"])
        let owner = LeaseOwner(service: service, run: TemporaryFile.run, process: process)
        try self.init(LeaseDirectory(configuration.leases, owner: owner, length: configuration.lease))
    }

    init(_ leases: LeaseDirectory) throws {
        self.leases = leases
        try leases.open()
    }

    /// Between two looks at the others' leases.
    var interval: Duration { min(.seconds(5), leases.length / 4) }

    // MARK: Photos

    /// Takes the lease of a photo, for the row `id`.
    /// - Parameter directory: of the inbox.
    /// - Throws: `Failure.blocked` where leases cannot be written.
    func claim(_ id: Int64, _ file: InboxFile, in directory: BytePath) throws -> Claim {
        try writingLeases {
            let key = file.leaseKey, path = directory.appending(file.path)
            // Of many photos that others have done and moved away, no lease is made.
            if try leases.isFree(key), try leases.decision(key) == nil, !isThere(file, path) { return .gone }
            let lease: Lease
            switch try leases.acquire(key, text: SharedWork(file).text) {
            case .elsewhere(let owner): return .elsewhere(owner ?? self.owner(of: key))
            case .taken(let taken): lease = taken
            }
            held.withLock { $0[id] = Held(lease: lease) }
            // In this order: whoever had it decides before he gives it up, and moves the photo away before he forgets
            // what he decided.
            do {
                if let decision = try leases.decision(key) {
                    held.withLock { $0[id]?.decision = decision }
                    return .decided(decision, try read(decision))
                }
            } catch {
                release(id)
                throw error
            }
            try? Files.refresh(path.parent)
            return .ours(from: lease.replaced.map(\.owner))
        }
    }

    private func isThere(_ file: InboxFile, _ path: BytePath) -> Bool {
        guard let found = try? Files.identity(of: path) else { return false }
        return SharedWork(file).isOf(found)
    }

    private func read(_ decision: Decision) throws -> SharedDecision {
        guard let found = SharedWork(text: decision.record.text)?.decision else {
            throw Failure.passing("what was decided about it is written by another version of the service")
        }
        return found
    }

    /// Whether this service has the lease of a row's photo.
    func has(_ id: Int64) -> Bool { held.withLock { $0[id] != nil } }

    /// What a predecessor wrote, and did not come to decide, under these names.
    func temporariesOfPredecessors(_ id: Int64) -> [[UInt8]] {
        held.withLock { $0[id]?.lease }.map { lease in
            lease.replaced.map { TemporaryFile.name(lease.key, $0.token) }
        } ?? []
    }

    func temporaryName(_ id: Int64) -> [UInt8]? {
        held.withLock { $0[id]?.lease }.map { TemporaryFile.name($0.key, $0.token) }
    }

    /// What was decided about a row's photo under the lease that this service has.
    func decision(_ id: Int64) throws -> (Decision, SharedDecision)? {
        guard let decision = held.withLock({ $0[id]?.decision }) else { return nil }
        return (decision, try read(decision))
    }

    /// - Throws: `LeaseLost`; `Failure.blocked`.
    func check(_ id: Int64) throws {
        guard let lease = held.withLock({ $0[id]?.lease }) else { throw LeaseLost(key: "") }
        try writingLeases { try leases.check(lease) }
    }

    /// Decides what becomes of a photo, for all services.
    /// - Throws: `LeaseLost` where it is not this service's to decide any more; `Failure.blocked`.
    func decide(_ id: Int64, _ file: InboxFile, _ wish: SharedDecision) throws {
        guard let held = held.withLock({ $0[id] }) else { throw LeaseLost(key: file.leaseKey) }
        guard held.decision == nil else { throw Failure.passing("something else is decided about it") }
        let lease = held.lease
        try writingLeases {
            let decision = try leases.decide(lease, text: SharedWork(file, decision: wish).text)
            // Nobody decides without the lease.
            guard decision.inode == lease.inode else { throw LeaseLost(key: lease.key) }
            self.held.withLock { $0[id]?.decision = decision }
        }
    }

    /// Notes another name for a picture that is decided.
    func rename(_ id: Int64, _ file: InboxFile, to picture: BytePath) throws {
        guard let held = held.withLock({ $0[id] }), let decision = held.decision else { return }
        var shared = try read(decision)
        shared.picture = FileName(picture)
        let reworded = try writingLeases {
            try leases.reword(decision, under: held.lease, text: SharedWork(file, decision: shared).text)
        }
        self.held.withLock { $0[id]?.decision = reworded }
    }

    /// Forgets what was decided about a photo that is out of the inbox.
    func forgetDecision(_ id: Int64) throws {
        guard let decision = held.withLock({ $0[id]?.decision }) else { return }
        try writingLeases { try leases.forget(decision) }
        held.withLock { $0[id]?.decision = nil }
    }

    /// What was decided about an earlier state of a file of the same name and bytes: it was only touched since.
    func earlierDecision(_ file: InboxFile, hash: SHA256Digest) throws -> SharedDecision? {
        let own = file.leaseKey
        return try writingLeases {
            try leases.decisions(beginningWith: file.pathKey).lazy.filter { $0.key != own }.compactMap {
                SharedWork(text: $0.record.text)?.decision
            }.first { $0.photoState == .styled && $0.sha256 == hash.description }
        }
    }

    /// Gives a photo's lease up, if this service has it.
    func release(_ id: Int64) {
        if let held = held.withLock({ $0.removeValue(forKey: id) }) { leases.release(held.lease) }
    }

    /// Nothing can be done where no leases can be written: everything waits, as where the ledger cannot be written.
    func writingLeases<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as SystemError {
            throw Failure.blocked("the leases of the shared spool: \(error)", isLedger: true)
        }
    }

    // MARK: The others

    /// Begins to renew this service's leases, and to look at the others'.
    /// - Parameters:
    ///   - lost: told the rows whose leases others have taken over.
    ///   - expired: told of leases that nobody renews, again and again until somebody takes them.
    /// - Throws: `SystemError` where no more threads may be started.
    func start(
        logger: Logger, lost: @escaping @Sendable ([Int64]) -> Void,
        expired: @escaping @Sendable (ForeignLease) -> Void
    ) throws {
        let thread = try WorkerThread("leases") { self.run(logger, lost, expired) }
        watching.change { $0.thread = thread }
    }

    private func run(
        _ logger: Logger, _ lost: @Sendable ([Int64]) -> Void, _ expired: @Sendable (ForeignLease) -> Void
    ) {
        let renewal = leases.length / 4
        var nextRenewal = ContinuousClock.now, complaint: String?
        while true {
            if .now >= nextRenewal {
                let gone = Set(leases.renew())
                if !gone.isEmpty { lost(held.withLock { $0.filter { gone.contains($0.value.lease) }.map(\.key) }) }
                nextRenewal = .now + renewal
            }
            do {
                let foreign = try leases.look()
                watching.change { $0.foreign = foreign }
                for lease in foreign where lease.isExpired { expired(lease) }
                complaint = nil
            } catch {
                if complaint != "\(error)" { logger.warning("the leases of the shared spool: \(error)") }
                complaint = "\(error)"
            }
            let wait = min(interval, max(nextRenewal - .now, .zero))
            if watching.wait(seconds: wait.seconds, for: \.isStopping) { return }
        }
    }

    /// The photos in work elsewhere, as they were at the last look.
    var foreign: [(work: SharedWork, owner: LeaseOwner)] {
        watching.read(\.foreign).compactMap { lease in
            guard let record = lease.record, let work = SharedWork(text: record.text) else { return nil }
            return (work, record.owner)
        }
    }

    private func owner(of key: String) -> LeaseOwner? {
        watching.read(\.foreign).first { $0.key == key }?.record?.owner
    }

    /// Ends the thread and gives all leases up.
    func stop() {
        let thread = watching.change { state in
            state.isStopping = true
            defer { state.thread = nil }
            return state.thread
        }
        thread?.join()
        leases.releaseAll()
    }
}

extension LeaseOwner {
    /// For people.
    var shown: String { "\(process.host) (process \(process.process))" }
}
