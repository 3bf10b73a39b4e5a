import Foundation
import Glibc
import LinuxFiles
import Publishing
import XCTest

@_spi(Testing) @testable import StyleService

/// T37: the service, killed at every step it takes.
final class CrashMatrixTests: ServiceTestCase {
    /// What happens to the ledger between the two runs.
    private enum LedgerLoss { case none, damaged, deleted }

    /// Kills the service at a point, starts it again, and looks at what there is.
    private func crash(
        at point: FailurePoint, count: Int, photos: [String], bad: [String] = [], originals: String,
        ledger: LedgerLoss = .none
    ) throws {
        for name in photos { _ = try write(photoBytes(name), BytePath("spool/inbox/\(name)")) }
        for name in bad { _ = try write(Array("damaged \(name)".utf8), BytePath("spool/inbox/\(name)")) }
        let victim = try start(["FAIL_AT": "\(point.rawValue):\(count)"])
        let deadline = Date() + 20
        while victim.isRunning, Date() < deadline { usleep(10000) }
        XCTAssertFalse(victim.isRunning, "\(point) was reached")
        if victim.isRunning { kill(victim.processIdentifier, SIGKILL) }
        victim.waitUntilExit()
        XCTAssertEqual(victim.terminationReason, .uncaughtSignal)
        if ledger != .none {
            for suffix in ["", "-wal", "-shm"] {
                try Files.unlinkIfPresent(directory.appending("state/ledger.sqlite\(suffix)"))
            }
            if ledger == .damaged { _ = try write(String(repeating: "garbage", count: 1000), "state/ledger.sqlite") }
        }

        let next = try start()
        try waitUntil("the next run is done after \(point)") {
            isIdle() && files("spool/outbox").count == photos.count
                && files("spool/inbox").count == (originals == "keep" ? photos.count : 0)
        }
        stop(next)
        let names = photos.map { $0.replacing(".jpg", with: ".vangogh.jpg") }
        XCTAssertEqual(files("spool/outbox"), names.sorted(), "exactly one picture each after \(point)")
        for (photo, name) in zip(photos, names) {
            XCTAssertEqual(
                try Files.read(directory.appending("spool/outbox/\(name)")), picture(photo),
                "the right picture after \(point)")
        }
        XCTAssertEqual(
            files("spool/originals"), originals == "archive" ? photos.sorted() : [], "originals after \(point)")
        XCTAssertEqual(
            files("spool/failed"), bad.flatMap { [$0, "\($0).reason.txt"] }.sorted(), "failed after \(point)")
    }

    private static let photoPoints: [FailurePoint] = [
        .recorded, .claimed, .decoded, .translated, .encoded, .temporaryMade, .temporaryWritten, .publicationRecorded,
        .published, .styledRecorded,
        .originalMoved, .disposalRecorded,
    ]

    func testDeathAtEveryStepOfAPhoto_leavesOnePicture() throws {
        for point in Self.photoPoints {
            for count in [1, 3] where point != .recorded || count == 1 {
                try tearDownWithError()
                try setUpWithError()
                try prepare()
                try crash(
                    at: point, count: count, photos: ["a.jpg", "b.jpg", "sub/c.jpg", "d.jpg"], originals: "archive")
            }
        }
    }

    func testDeathAtEveryStep_withOriginalsDeletedOrKept() throws {
        for policy in ["delete", "keep"] {
            for point in [FailurePoint.published, .styledRecorded, .originalMoved, .disposalRecorded]
            where policy == "delete" || point != .originalMoved {
                try tearDownWithError()
                try setUpWithError()
                try prepare("originals: \(policy)")
                try crash(at: point, count: 2, photos: ["a.jpg", "b.jpg", "c.jpg"], originals: policy)
            }
        }
    }

    /// The pictures tell which photos were done, also those whose originals were still to be moved.
    func testDeathAndALostLedger_leaveOnePicture() throws {
        for policy in ["archive", "delete", "keep"] {
            for point in [FailurePoint.temporaryWritten, .published, .styledRecorded, .originalMoved]
            where policy != "keep" || point != .originalMoved {
                for loss in [LedgerLoss.damaged, .deleted] {
                    try tearDownWithError()
                    try setUpWithError()
                    try prepare("originals: \(policy)")
                    try crash(
                        at: point, count: 2, photos: ["a.jpg", "b.jpg", "c.jpg"], originals: policy, ledger: loss)
                }
            }
        }
    }

    /// The service ends, so that the manager starts it again; the next start sets the ledger aside.
    func testLedgerThatTurnsOutDamaged_endsTheServiceForANewStart() throws {
        for point in [FailurePoint.recorded, .claimed, .publicationRecorded, .styledRecorded] {
            try tearDownWithError()
            try setUpWithError()
            try prepare()
            _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
            let service = try start(["DAMAGE_AT": point.rawValue])
            try waitUntil("it ends") { !service.isRunning }
            XCTAssertEqual(service.terminationStatus, 1)
            XCTAssertTrue(try text(directory.appending("log")).contains("the next start sets it aside"))
            for suffix in ["-wal", "-shm"] {
                try Files.unlinkIfPresent(directory.appending("state/ledger.sqlite\(suffix)"))
            }
            _ = try write(String(repeating: "garbage", count: 1000), "state/ledger.sqlite")
            let next = try start()
            try waitUntil("the photo is done after \(point)") { files("spool/originals") == ["beach.jpg"] && isIdle() }
            stop(next)
            XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
            XCTAssertEqual(files("state").filter { $0.hasPrefix("ledger.sqlite.corrupt-") }.count, 1)
        }
    }

    func testDeathAtEveryStepOfAFailure_leavesOneFileWithItsReason() throws {
        for point in [FailurePoint.failureRecorded, .failedMoved, .reasonWritten, .disposalRecorded] {
            try tearDownWithError()
            try setUpWithError()
            try prepare()
            try crash(at: point, count: 1, photos: ["a.jpg"], bad: ["x.jpg", "sub/y.jpg"], originals: "archive")
        }
    }

    func testDeathWhileAnOriginalIsCopiedToAnotherMount() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        try prepare()
        let originals = directory.appending("spool/originals")
        try Files.makeDirectory(originals)
        try XCTSkipUnless(
            mount("none", originals.description, "tmpfs", 0, "size=1m") == 0, "tmpfs cannot be mounted here")
        defer { umount(originals.description) }
        try crash(at: .originalCopied, count: 2, photos: ["a.jpg", "b.jpg", "c.jpg"], originals: "archive")
    }

    func testEveryFailurePoint_isWalked() {
        let walked = Set(
            Self.photoPoints + TrainingCrashTests.points + [
                .failureRecorded, .failedMoved, .reasonWritten, .originalCopied,
            ] + SharedSpoolInterruptionTests.points)
        XCTAssertEqual(Set(FailurePoint.allCases), walked)
    }

    func testPhotoThatKillsTheService_isQuarantined() throws {
        try prepare()
        _ = try write(photoBytes("deadly"), "spool/inbox/deadly.jpg")
        for _ in 0..<3 {
            let victim = try start(["FAIL_AT": "decoded"])
            victim.waitUntilExit()
        }
        let last = try start(["FAIL_AT": "decoded"])
        try waitUntil("it is quarantined") { files("spool/failed").count == 2 }
        stop(last)
        XCTAssertEqual(files("spool/failed"), ["deadly.jpg", "deadly.jpg.reason.txt"])
    }
}
