import Foundation
import Glibc
import LinuxFiles
import Synchronization
import XCTest

@testable import Leases

/// Leases of several services in one directory, on a clock that the test sets.
final class LeaseTests: XCTestCase {
    private var directory = BytePath("")
    private let clock = Clock()

    private final class Clock: Sendable {
        let nanoseconds = Mutex<Int64>(0)
        func pass(_ seconds: Double) { nanoseconds.withLock { $0 += Int64(seconds * 1e9) } }
    }

    override func setUpWithError() throws {
        var template = Array("/tmp/leases-XXXXXX".utf8CString)
        directory = BytePath(String(cString: try XCTUnwrap(mkdtemp(&template))))
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(atPath: directory.description) }

    /// A service, on a machine of its own unless told otherwise.
    private func service(_ name: String, run: String = "1", boot: String? = nil, process: Int32 = 1) throws
        -> LeaseDirectory
    {
        let identity = ProcessIdentity(
            host: name, boot: boot ?? name, namespace: ProcessIdentity.current().namespace, process: process,
            started: nil)
        let leases = LeaseDirectory(
            directory, owner: LeaseOwner(service: name, run: "\(name)-\(run)", process: identity), length: .seconds(120)
        ) { [clock] in clock.nanoseconds.withLock { $0 } }
        try leases.open()
        return leases
    }

    private func take(
        _ leases: LeaseDirectory, _ key: String = "photo", file: StaticString = #filePath, line: UInt = #line
    )
        throws -> Lease
    {
        guard case .taken(let lease) = try leases.acquire(key, text: key) else {
            XCTFail("not taken", file: file, line: line)
            throw LeaseLost(key: key)
        }
        return lease
    }

    private func isTaken(_ leases: LeaseDirectory, _ key: String = "photo") throws -> Bool {
        if case .taken = try leases.acquire(key, text: key) { true } else { false }
    }

    private var names: [String] {
        get throws {
            try Files.names(in: directory.appending("held")).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Looks as often as a service does, for so long.
    private func watch(_ leases: LeaseDirectory..., seconds: Double, renewing renewed: LeaseDirectory...) throws {
        for _ in 0..<Int(seconds / 5) {
            clock.pass(5)
            for other in renewed { XCTAssertEqual(other.renew(), []) }
            for leases in leases { _ = try leases.look() }
        }
    }

    func testLease_isForOne_untilItIsGivenUp() throws {
        let (a, b) = (try service("a"), try service("b"))
        let lease = try take(a)
        guard case .elsewhere(let owner) = try b.acquire("photo", text: "") else { return XCTFail() }
        XCTAssertEqual(owner?.process.host, "a", "it says by whom")
        XCTAssertTrue(try isTaken(b, "other"), "of another key it says nothing")
        XCTAssertFalse(try isTaken(a), "nor has one service it twice")
        a.release(lease)
        XCTAssertEqual(try names, ["other.1"])
        XCTAssertTrue(try isTaken(b))
    }

    func testLeaseThatIsRenewed_isNeverTakenOver() throws {
        let (a, b) = (try service("a"), try service("b"))
        _ = try take(a)
        try watch(b, seconds: 1000, renewing: a)
        XCTAssertFalse(try isTaken(b))
    }

    func testLeaseThatIsNotRenewed_isTakenOverAfterItsLength() throws {
        let (a, b) = (try service("a"), try service("b"))
        let lost = try take(a)
        XCTAssertEqual(try b.look().map(\.isExpired), [false])
        try watch(b, seconds: 115)
        XCTAssertFalse(try isTaken(b))
        try watch(b, seconds: 5)
        XCTAssertEqual(try b.look().map(\.isExpired), [true])
        let taken = try take(b)
        XCTAssertEqual(taken.replaced.map(\.token), [lost.token], "it knows from whom")
        XCTAssertEqual(try names, ["photo.2"])
        XCTAssertThrowsError(try a.check(lost)) { XCTAssertTrue($0 is LeaseLost) }
        XCTAssertEqual(a.renew(), [lost])
        a.release(lost)
        XCTAssertEqual(try names, ["photo.2"], "giving it up takes nothing from the other")
        XCTAssertFalse(try isTaken(a))
    }

    /// A service that slept does not know whether the others did.
    func testObserverThatWasStopped_beginsToObserveAnew() throws {
        let (a, b) = (try service("a"), try service("b"))
        _ = try take(a)
        _ = try b.look()
        clock.pass(3600)
        XCTAssertFalse(try isTaken(b))
        try watch(b, seconds: 120)
        XCTAssertTrue(try isTaken(b))
    }

    /// Clocks of machines, and of the server, do not matter: a change is a change.
    func testTimesInTheFutureOrThePast_areOnlyLookedAtForChanges() throws {
        let (a, b) = (try service("a"), try service("b"))
        let lease = try take(a)
        for time in [4_000_000_000, 1, 2_000_000_000] {
            try Descriptor.open(a.path(lease), flags: O_WRONLY).setModificationTime(Int64(time) * 1_000_000_000)
            try watch(b, seconds: 100)
            XCTAssertFalse(try isTaken(b))
        }
    }

    func testOfManyTakers_oneWins() throws {
        for round in 0..<10 {
            let key = "photo\(round)"
            _ = try take(try service("dead"), key)
            let takers = try (0..<8).map { try service("taker\($0)") }
            for taker in takers { _ = try taker.look() }
            for _ in 0..<24 {
                clock.pass(5)
                for taker in takers { _ = try taker.look() }
            }
            let won = Mutex<[Int]>([])
            DispatchQueue.concurrentPerform(iterations: takers.count) { index in
                guard case .taken(let lease)? = try? takers[index].acquire(key, text: "") else { return }
                // Only the decision counts: one that two hold for a moment is decided by one of them.
                guard let decision = try? takers[index].decide(lease, text: "taker\(index)") else { return }
                if decision.record.text == "taker\(index)" { won.withLock { $0.append(index) } }
            }
            XCTAssertEqual(won.withLock { $0 }.count, 1)
        }
    }

    func testDecision_isMadeOnce_andNotByOneWhoseLeaseWasTakenOver() throws {
        let (a, b) = (try service("a"), try service("b"))
        let lost = try take(a)
        _ = try b.look()
        try watch(b, seconds: 120)
        let taken = try take(b)
        // Whatever a had looked at before, and however short before: nothing is decided.
        XCTAssertThrowsError(try a.decide(lost, text: "by a")) { XCTAssertTrue($0 is LeaseLost) }
        XCTAssertNil(try b.decision("photo"))
        XCTAssertEqual(try b.decide(taken, text: "by b").record.text, "by b")
        XCTAssertThrowsError(try a.decide(lost, text: "by a"))
        XCTAssertEqual(try a.decision("photo")?.record.text, "by b")
        b.release(taken)
        a.release(lost)
        let late = try take(a)
        XCTAssertEqual(try a.decide(late, text: "by a").record.text, "by b", "the first one holds")
        try a.forget(try XCTUnwrap(try a.decision("photo")))
        XCTAssertNil(try b.decision("photo"))
    }

    /// The name that a decision is linked from may vanish between any two calls.
    func testTakingOverWithinADecision_stopsIt() throws {
        let (a, b) = (try service("a"), try service("b"))
        let lost = try take(a)
        let file = try a.openOwn(lost)
        _ = try b.look()
        try watch(b, seconds: 120)
        _ = try take(b)
        // What a does with a file that it had opened before reaches nobody.
        try file.write(Array("late".utf8))
        XCTAssertThrowsError(
            try Files.link(directory.appending("held/photo.1"), to: directory.appending("decided/ph/photo"))
        ) { XCTAssertTrue(($0 as? SystemError)?.isMissing ?? false) }
    }

    func testLeaseOfAProcessThatEnded_isTakenOverAtOnce_onItsOwnMachineOnly() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        let ended = process.processIdentifier
        _ = try take(try service("a", boot: "here", process: ended))
        XCTAssertFalse(try isTaken(try service("b", boot: "there", process: getpid())))
        XCTAssertTrue(try isTaken(try service("c", boot: "here", process: getpid())))
        _ = try take(try service("d", boot: "here", process: getpid()), "living")
        XCTAssertFalse(try isTaken(try service("c", run: "2", boot: "here", process: getpid()), "living"))
    }

    func testLeaseOfAnEarlierRun_isTakenOverAtOnce() throws {
        _ = try take(try service("a"))
        XCTAssertTrue(try isTaken(try service("a", run: "2", boot: "after the boot")))
        // But not one of a run that came later: a copy of the service's state is at work somewhere.
        let first = try service("b")
        _ = try take(try service("b", run: "copy"), "mine")
        XCTAssertFalse(try isTaken(first, "mine"))
    }

    func testDraftOfAServiceThatDied_isRemoved() throws {
        let (a, b) = (try service("a"), try service("b"))
        let lease = try take(a)
        // As it lies there before it gets its name.
        try Files.rename(a.path(lease), to: a.draft(lease.token))
        XCTAssertEqual(try b.look().count, 0)
        XCTAssertEqual(try names.count, 1)
        try watch(b, seconds: 125)
        XCTAssertEqual(try names, [])
    }

    func testDraftOfAnEarlierRun_isRemovedAtTheNextStart_andOthersStay() throws {
        let (a, b) = (try service("a"), try service("b"))
        for leases in [a, b] {
            let lease = try take(leases, "of \(leases.owner.service)")
            try Files.rename(leases.path(lease), to: leases.draft(lease.token))
        }
        _ = try service("a", run: "2")
        XCTAssertEqual(try names.map { $0.hasPrefix("new-b-") }, [true])
    }

    func testFileThatWasNeverWritten_isALeaseLikeOthers() throws {
        let b = try service("b")
        try Descriptor.open(directory.appending("held/photo.1"), flags: O_WRONLY | O_CREAT).synchronize()
        XCTAssertFalse(try isTaken(b))
        try watch(b, seconds: 125)
        XCTAssertTrue(try isTaken(b))
    }

    func testFullDisk_leavesNothingBehind_andWhatIsHeldCanBeRenewedAndDecided() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        try XCTSkipUnless(
            mount("none", directory.description, "tmpfs", 0, "size=256k") == 0, "tmpfs cannot be mounted here")
        addTeardownBlock { [directory] in umount2(directory.description, CInt(MNT_DETACH)) }
        let a = try service("a")
        let lease = try take(a)
        try Files.makeDirectory(directory.appending("decided/ph"))
        let filler = try Descriptor.open(directory.appending("filler"), flags: O_WRONLY | O_CREAT)
        while (try? filler.write([UInt8](repeating: 0, count: 4096))) != nil {}
        XCTAssertThrowsError(try a.acquire("other", text: "")) { XCTAssertEqual(($0 as? SystemError)?.code, ENOSPC) }
        XCTAssertEqual(try names, ["photo.1"])
        XCTAssertEqual(a.renew(), [])
        XCTAssertEqual(try a.decide(lease, text: "done").record.text, "done")
        try filler.truncate()
        XCTAssertTrue(try isTaken(a, "other"))
    }
}
