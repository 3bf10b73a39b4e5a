import Foundation
import Glibc
import LinuxFiles
import Publishing
import XCTest

@_spi(Testing) @testable import StyleService

/// A service that shares its spool, stopped or killed at every step it takes, while another takes its photos over.
final class SharedSpoolInterruptionTests: SharedSpoolTestCase {
    static let points: [FailurePoint] = [
        .claimed, .decoded, .translated, .encoded, .temporaryMade, .temporaryWritten, .publicationRecorded, .decided,
        .published, .styledRecorded, .originalMoved, .disposalRecorded,
    ]
    private static let failurePoints: [FailurePoint] = [
        .failureRecorded, .failedMoved, .reasonWritten, .disposalRecorded,
    ]

    private struct Scenario {
        var name: String
        var spool: Spool
        var photos: [String]
        var bad: [String]
        var originals: String
    }

    /// One spool for each point and policy: all go on at once.
    private func scenarios(lease: String) throws -> [(FailurePoint, Scenario)] {
        var result: [(FailurePoint, Scenario)] = []
        for originals in ["archive", "delete", "keep"] {
            for point in Self.points + Self.failurePoints {
                let isOfFailure = Self.failurePoints.contains(point)
                if originals == "keep", [.originalMoved, .failedMoved, .reasonWritten].contains(point) { continue }
                if isOfFailure, point == .disposalRecorded { continue }
                // What the policies have in common is tried with one of them.
                if originals != "archive",
                    ![.decided, .published, .styledRecorded, .originalMoved, .failureRecorded]
                        .contains(point)
                {
                    continue
                }
                let name = "\(originals)-\(point.rawValue)"
                let scenario = Scenario(
                    name: name, spool: try spool(name, "lease: \(lease)\noriginals: \(originals)"),
                    photos: isOfFailure ? [] : ["a.jpg", "sub/b.jpg", "c.jpg"],
                    bad: isOfFailure ? ["x.jpg", "y.jpg"] : [],
                    originals: originals)
                for photo in scenario.photos { try scenario.spool.drop(photo, as: photo) }
                for photo in scenario.bad {
                    try scenario.spool.drop([0xFF, 0xD8, 0xFF, 0xFE, 0, 3, 0x21, 0xFF, 0xD9], as: photo)
                }
                result.append((point, scenario))
            }
        }
        return result
    }

    private func isDone(_ scenario: Scenario) -> Bool {
        let isKept = scenario.originals == "keep"
        return isDone(scenario.spool, photos: scenario.photos.count, bad: scenario.bad.count, isKept: isKept)
            && scenario.spool.files("failed").count == (isKept ? 0 : 2 * scenario.bad.count)
    }

    private func check(_ scenario: Scenario, _ when: String) {
        check(
            scenario.spool, photos: scenario.photos, bad: scenario.bad, originals: scenario.originals,
            "\(when) \(scenario.name)")
    }

    /// It wakes when the other has done everything, and must change nothing.
    func testServiceThatIsStopped_publishesNothingAfterItLostItsLease() throws {
        let scenarios = try scenarios(lease: "1s")
        for (point, scenario) in scenarios { try scenario.spool.start("a", ["STOP_AT": point.rawValue]) }
        for (_, scenario) in scenarios {
            try waitUntil("it has stopped at \(scenario.name)") { scenario.spool.isStopped("a") }
            try scenario.spool.start("b")
        }
        for (_, scenario) in scenarios {
            try waitUntil("the other has done all of \(scenario.name)") {
                scenario.spool.files("outbox").count == scenario.photos.count && scenario.spool.isIdle("b")
                    && scenario.spool.leases.isEmpty
                    && (scenario.originals == "keep" || scenario.spool.files("inbox").isEmpty)
            }
            check(scenario, "before it wakes:")
            scenario.spool.signal("a", SIGCONT)
        }
        for (_, scenario) in scenarios {
            try waitUntil("both are done with \(scenario.name)") { isDone(scenario) }
            check(scenario, "after it woke:")
            for name in ["a", "b"] { XCTAssertEqual(scenario.spool.stop(name), 0) }
            check(scenario, "in the end:")
        }
    }

    /// The dead one's leases last an hour: on its own machine they are taken over at once.
    func testServiceThatIsKilled_isFollowedAtOnceOnItsOwnMachine() throws {
        try kill(lease: "1h", boot: "here", next: "b")
    }

    /// By itself, after a boot: its leases are its own.
    func testServiceThatIsKilled_goesOnAtOnceWhenItIsStartedAgain() throws {
        try kill(lease: "1h", boot: nil, next: "a")
    }

    func testServiceThatIsKilled_isFollowedByAnotherMachineAfterTheLease() throws {
        try kill(lease: "1s", boot: nil, next: "b")
    }

    private func kill(lease: String, boot: String?, next: String) throws {
        let scenarios = try scenarios(lease: lease)
        for (point, scenario) in scenarios { try scenario.spool.start("a", ["FAIL_AT": point.rawValue], boot: boot) }
        for (_, scenario) in scenarios {
            try waitUntil("it has died at \(scenario.name)") { !scenario.spool.isRunning("a") }
            scenario.spool.kill9("a")
            try scenario.spool.start(next, boot: boot ?? "after")
        }
        for (_, scenario) in scenarios {
            try waitUntil("all of \(scenario.name) is done") { isDone(scenario) }
            check(scenario, "after a death at")
            XCTAssertEqual(scenario.spool.stop(next), 0)
        }
    }
}
