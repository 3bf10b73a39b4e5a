import Digests
import Foundation
import GRDB
import Glibc
import LinuxFiles
import Publishing
import StyleModels
import Threads
import XCTest

@_spi(Testing) @testable import StyleService

final class RecoveryTests: PipelineTestCase {
    /// Leaves photos claimed, as a death would.
    private func dieWith(_ names: [String]) throws {
        for name in names {
            let entry = try XCTUnwrap(entries(name).first)
            let model = ModelIdentity(name: "m", path: BytePath("/m"), hash: SHA256.hash([1]))
            XCTAssertTrue(try ledger.claim(entry.id, hash: SHA256.hash([9]), settings: "", model: model))
        }
        try ledger.close()
    }

    func testThirdDeathAlone_quarantines() throws {
        try open(start: false)
        try drop("deadly", as: "deadly.jpg")
        for deaths in 1...3 {
            try dieWith(["deadly.jpg"])
            try open(start: false)
            let entry = try XCTUnwrap(entries("deadly.jpg").first)
            XCTAssertEqual(entry.state, deaths < 3 ? .ready : .quarantined)
            XCTAssertTrue(entry.isSuspect)
        }
        XCTAssertEqual(files("spool/failed"), ["deadly.jpg", "deadly.jpg.reason.txt"])
        XCTAssertTrue(
            try text(directory.appending("spool/failed/deadly.jpg.reason.txt")).contains("the service died 3 times"))
        XCTAssertEqual(files("spool/inbox"), [])
    }

    func testDeathWithSeveralInWork_blamesNone() throws {
        try open(start: false)
        for name in ["a.jpg", "b.jpg"] { try drop(name, as: name) }
        for _ in 0..<4 {
            try dieWith(["a.jpg", "b.jpg"])
            try open(start: false)
        }
        XCTAssertEqual(try entries("a.jpg").first?.deaths, 0)
        try pipeline.start()
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["a.vangogh.jpg", "b.vangogh.jpg"])
    }

    func testSuspects_areDoneAlone() throws {
        try open(start: false)
        for name in ["a.jpg", "b.jpg", "c.jpg"] { try drop(name, as: name) }
        try dieWith(["a.jpg", "b.jpg"])
        let most = Monitor(0)
        try open(start: false)
        translator.onDecode = { [pipeline] content in
            if content != "c.jpg" { most.change { $0 = max($0, pipeline!.state.read(\.inWork.count)) } }
            usleep(50000)
        }
        try pipeline.start()
        try finish()
        XCTAssertEqual(most.read { $0 }, 1)
    }

    func testDamagedLedger_isSetAsideAndRebuilt() throws {
        try open("originals: keep", start: true)
        try drop("sea", as: "beach.jpg")
        try finish()
        try close()
        _ = try write(String(repeating: "garbage", count: 1000), "state/ledger.sqlite")
        try open("originals: keep", start: false)
        XCTAssertNotNil(ledger.setAside)
        XCTAssertEqual(try Files.statusIfPresent(of: try XCTUnwrap(ledger.setAside)) != nil, true)
        try pipeline.rebuild()
        try announce(directory.appending("spool/inbox/beach.jpg"), "beach.jpg")
        try drop("storm", as: "storm.jpg")
        try pipeline.start()
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg", "storm.vangogh.jpg"], "nothing is done twice")
        XCTAssertEqual(translator.translated, 2)
    }

    func testLedgerPagesOverwritten_areNoticed() throws {
        try open(start: false)
        for number in 0..<200 { try drop("\(number)", as: "\(number).jpg") }
        try close()
        let path = "\(directory)/state/ledger.sqlite"
        let handle = try XCTUnwrap(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: 8192)
        try handle.write(contentsOf: Data(repeating: 0x5A, count: 20000))
        try handle.close()
        try open(start: false)
        XCTAssertNotNil(ledger.setAside)
    }

    /// T39
    func testFullDisk_pausesAndGoesOn() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a small file system")
        try open(start: false)
        let outbox = directory.appending("spool/outbox")
        try Files.makeDirectory(outbox)
        try XCTSkipUnless(
            mount("none", outbox.description, "tmpfs", 0, "size=64k") == 0, "tmpfs cannot be mounted here")
        defer { umount(outbox.description) }
        _ = try write(String(repeating: "x", count: 65536), "spool/outbox/filler")
        try pipeline.start()
        for name in ["a.jpg", "b.jpg", "c.jpg", "d.jpg"] { try drop(name, as: name) }
        try waitUntil("output pauses") { pipeline.state.read { $0.blocked != nil } }
        XCTAssertTrue(pipeline.state.read { $0.blocked! }.contains("No space left on device"))
        XCTAssertEqual(files("spool/outbox"), ["filler"])
        XCTAssertEqual(files("spool/inbox").count, 4)
        try Files.unlink(outbox.appending("filler"))
        try finish()
        XCTAssertEqual(files("spool/outbox").count, 4)
        XCTAssertNil(pipeline.state.read { $0.blocked })
    }

    /// T39
    func testReadOnlyOutbox_pausesAndGoesOn() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        try open(start: false)
        let outbox = directory.appending("spool/outbox")
        try Files.makeDirectory(outbox)
        try XCTSkipUnless(
            mount("none", outbox.description, "tmpfs", UInt(MS_RDONLY), "size=64k") == 0, "tmpfs cannot be mounted here"
        )
        defer { umount(outbox.description) }
        try pipeline.start()
        try drop("sea", as: "beach.jpg")
        try waitUntil("output pauses") { pipeline.state.read { $0.blocked != nil } }
        XCTAssertEqual(mount("none", outbox.description, "tmpfs", UInt(MS_REMOUNT), ""), 0)
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
    }

    /// T39: on kernels without quotas the error is made up where a picture is written.
    func testUsedUpQuota_pausesAndGoesOn() throws {
        let isUsedUp = Monitor(true)
        FailurePoint.install { point in
            if point == .temporaryMade, isUsedUp.read({ $0 }) {
                throw SystemError(EDQUOT, "write", BytePath("/outbox/x.tmp"))
            }
        }
        defer { FailurePoint.install { _ in } }
        try open()
        for name in ["a.jpg", "b.jpg", "c.jpg"] { try drop(name, as: name) }
        try waitUntil("output pauses") { pipeline.state.read { $0.blocked != nil } }
        XCTAssertTrue(pipeline.state.read { $0.blocked! }.contains("Disk quota exceeded"))
        let sentence = StatusSentence(state: pipeline.state.read { $0 }, inboxStates: [], queued: 0, deferred: 0).text
        XCTAssertTrue(
            sentence.hasPrefix("Paused, nothing can be written: cannot write /outbox/x.tmp: Disk quota exceeded"),
            sentence)
        XCTAssertEqual(files("spool/outbox"), [], "no temporary file is left")
        XCTAssertEqual(files("spool/inbox").count, 3)
        isUsedUp.change { $0 = false }
        try finish()
        XCTAssertEqual(files("spool/outbox").count, 3)
        XCTAssertEqual(translator.translated, 3, "nothing is computed twice")
    }

    func testLedgerLockedByAnotherProgram_pausesAndGoesOnWithOnePicture() throws {
        let isPublished = Monitor(false), isLocked = Monitor(false)
        FailurePoint.install { point in
            guard point == .published else { return }
            isPublished.change { $0 = true }
            isLocked.wait(for: { $0 }, then: { _ in })
        }
        defer { FailurePoint.install { _ in } }
        try open()
        try ledger.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA busy_timeout = 100") }
        try drop("sea", as: "beach.jpg")
        isPublished.wait(for: { $0 }, then: { _ in })
        let other = try DatabaseQueue(path: "\(directory)/state/ledger.sqlite")
        try other.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            isLocked.change { $0 = true }
            try waitUntil("output pauses") { pipeline.state.read { $0.blocked != nil } }
            try database.execute(sql: "COMMIT")
        }
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
        XCTAssertEqual(translator.translated, 1)
    }

    /// T42: a photo that is put off does not wait for the time of day that a wrong clock had.
    func testClockSetBack_makesADeferredPhotoDue() throws {
        try open(start: false)
        try drop("sea", as: "beach.jpg")
        let entry = try XCTUnwrap(entries("beach.jpg").first)
        _ = try ledger.deferPhoto(entry, reason: "x")
        XCTAssertNil(try ledger.next(inboxes: ["vangogh"]))
        XCTAssertNil(try ledger.next(inboxes: ["vangogh"], now: .now - .seconds(1800)))
        XCTAssertEqual(try ledger.next(inboxes: ["vangogh"], now: .now - .seconds(86_400))?.id, entry.id)
        XCTAssertEqual(try ledger.next(inboxes: ["vangogh"], now: .now + .seconds(6))?.id, entry.id)
    }

    func testTemporaryFilesInTheInbox_areSweptToo() throws {
        try open(start: false)
        _ = try write("half", "spool/inbox/trip/.cyclegan-styled-oldrun-1.tmp")
        _ = try write("half", "spool/outbox/.cyclegan-styled-oldrun-2.tmp")
        _ = try write("x", "spool/inbox/trip/.cyclegan-styled.jpg")
        pipeline.sweepTemporaries()
        XCTAssertEqual(files("spool"), ["inbox/trip/.cyclegan-styled.jpg"])
    }

    func testSourceMark_isReadAsItWasWritten() throws {
        let photo = FileIdentity(device: 1, inode: .max, size: 12, modified: -5, changed: 6)
        let mark = SourceMark(
            photo, hash: SHA256.hash([0]), modelHash: SHA256.hash([1]), settings: "render=fit 1600 strength=1.0")
        XCTAssertEqual(SourceMark(text: mark.text), mark)
        XCTAssertTrue(mark.isOf(FileIdentity(device: 2, inode: .max, size: 12, modified: -5, changed: 7)))
        XCTAssertFalse(mark.isOf(FileIdentity(device: 1, inode: .max, size: 12, modified: -4, changed: 6)))
        let cut = mark.text.replacing("\(mark.hash)", with: "\(mark.hash)".dropLast())
        for text in ["", "1", "2 " + mark.text.dropFirst(2), cut, "1 a b c d e f"] {
            XCTAssertNil(SourceMark(text: text), text)
        }
    }

    /// T41
    func testOriginalsOnAnotherMount_areMoved() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        try open(start: false)
        let originals = directory.appending("spool/originals")
        try Files.makeDirectory(originals)
        try XCTSkipUnless(
            mount("none", originals.description, "tmpfs", 0, "size=1m") == 0, "tmpfs cannot be mounted here")
        defer { umount(originals.description) }
        try pipeline.start()
        try drop("sea", as: "trip/beach.jpg")
        try finish()
        XCTAssertEqual(files("spool"), ["originals/trip/beach.jpg", "outbox/trip/beach.vangogh.jpg"])
    }
}
