import Digests
import Foundation
import Glibc
import LinuxFiles
import Photos
import StyleModels
import Threads
import XCTest

@testable import StyleService

final class PipelineTests: PipelineTestCase {
    func testPhoto_isPublishedMirroredAndArchived() throws {
        try open()
        try drop("sea", as: "trip/beach.jpg")
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["trip/beach.vangogh.jpg"])
        XCTAssertEqual(try Files.read(directory.appending("spool/outbox/trip/beach.vangogh.jpg")), pictureBytes("sea"))
        XCTAssertEqual(files("spool/originals"), ["trip/beach.jpg"])
        XCTAssertEqual(files("spool/inbox"), [])
        XCTAssertEqual(
            try Files.statusIfPresent(of: directory.appending("spool/inbox/trip")) != nil, true,
            "empty directories stay")
        let entry = try XCTUnwrap(entries("trip/beach.jpg").first)
        XCTAssertEqual(entry.state, .styled)
        XCTAssertEqual(entry.disposal, .archived)
        XCTAssertEqual(entry.destination, directory.appending("spool/originals/trip/beach.jpg"))
    }

    /// T34: the same name with new bytes.
    func testNameThatIsTaken_getsANumber() throws {
        try open()
        _ = try write("somebody's", "spool/outbox/beach.vangogh.jpg")
        try drop("one", as: "beach.jpg")
        try finish()
        try drop("two", as: "beach.jpg")
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh-1.jpg", "beach.vangogh-2.jpg", "beach.vangogh.jpg"])
        XCTAssertEqual(try text(directory.appending("spool/outbox/beach.vangogh.jpg")), "somebody's")
        XCTAssertEqual(files("spool/originals"), ["beach-1.jpg", "beach.jpg"])
    }

    /// T28
    func testNamesThatAreNoText_goThrough() throws {
        try open()
        let name = BytePath(bytes: [0xC3, 0x28, 0x0A] + Array("x.jpg".utf8))
        try drop(photoBytes("odd"), as: name)
        try finish()
        let output = directory.appending("spool/outbox").appending([0xC3, 0x28, 0x0A] + Array("x.vangogh.jpg".utf8))
        XCTAssertEqual(try Files.read(output), pictureBytes("odd"))
    }

    func testDamagedPhoto_goesToFailedWithItsReason() throws {
        try open()
        try drop(Array("no photo".utf8), as: BytePath("sub/notes.jpg"))
        try drop("fine", as: "fine.jpg")
        try finish()
        XCTAssertEqual(files("spool/failed"), ["sub/notes.jpg", "sub/notes.jpg.reason.txt"])
        let reason = try text(directory.appending("spool/failed/sub/notes.jpg.reason.txt"))
        XCTAssertTrue(reason.contains("Why:      the content is neither JPEG nor PNG"), reason)
        XCTAssertTrue(reason.contains("cyclegan-style retry \(directory)/spool/failed/sub/notes.jpg"), reason)
        XCTAssertEqual(files("spool/outbox"), ["fine.vangogh.jpg"])
        XCTAssertEqual(try entries("sub/notes.jpg").first?.disposal, .setAside)
    }

    func testFileOverTheLimit_namesTheKey() throws {
        try open("limits: {max-file-bytes: 10}")
        try drop("more than ten bytes", as: "big.jpg")
        try finish()
        XCTAssertTrue(
            try text(directory.appending("spool/failed/big.jpg.reason.txt")).contains("limits.max-file-bytes"))
    }

    func testPassingFailure_isPutOffAndTriedAgain() throws {
        let isBroken = Monitor(true)
        translator.onDecode = { _ in
            if isBroken.read({ $0 }) { throw PhotoError(kind: .outOfMemory, reason: "memory is short") }
        }
        try open()
        try drop("sea", as: "beach.jpg")
        try waitUntil("it is put off") { try entries("beach.jpg").first?.state == .deferred }
        let entry = try XCTUnwrap(entries("beach.jpg").first)
        XCTAssertEqual(entry.reason, "memory is short")
        XCTAssertGreaterThan(entry.nextTry, .now + .seconds(4))
        XCTAssertLessThan(entry.nextTry, .now + .seconds(11))
        isBroken.change { $0 = false }
        XCTAssertEqual(try ledger.hurry(), 1)
        pipeline.wake()
        try waitUntil("it is styled") { files("spool/outbox") == ["beach.vangogh.jpg"] }
        try finish()
    }

    func testBackOff_doublesUpToAnHour() throws {
        try open(start: false)
        try drop("sea", as: "beach.jpg")
        var waits: [Duration] = []
        for _ in 0..<12 { waits.append(try ledger.deferPhoto(try XCTUnwrap(entries("beach.jpg").first), reason: "x")) }
        XCTAssertEqual(Array(waits.prefix(4)), [.seconds(5), .seconds(10), .seconds(20), .seconds(40)])
        XCTAssertEqual(waits.last, .seconds(3600))
    }

    /// T34: the same bytes under several names.
    func testSameBytes_areCopiedUnderTheNewName() throws {
        try open()
        for name in ["a.jpg", "b.jpg", "sub/c.jpg"] { try drop("same", as: name) }
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["a.vangogh.jpg", "b.vangogh.jpg", "sub/c.vangogh.jpg"])
        XCTAssertEqual(translator.translated, 1)
        XCTAssertEqual(try Files.read(directory.appending("spool/outbox/sub/c.vangogh.jpg")), pictureBytes("same"))
    }

    func testSameBytes_areStyledAgainWhereConfigured() throws {
        try open("duplicates: again")
        for name in ["a.jpg", "b.jpg"] { try drop("same", as: name) }
        try finish()
        XCTAssertEqual(translator.translated, 2)
    }

    func testSameBytes_areStyledAgainWhenThePictureOrTheModelIsAnother() throws {
        try open()
        try drop("same", as: "a.jpg")
        try finish()
        try Files.unlink(directory.appending("spool/outbox/a.vangogh.jpg"))
        try drop("same", as: "b.jpg")
        try finish()
        XCTAssertEqual(translator.translated, 2, "the picture was gone")
        _ = try write("edited", "spool/outbox/b.vangogh.jpg")
        try drop("same", as: "c.jpg")
        try finish()
        XCTAssertEqual(translator.translated, 3, "the picture was edited")
        translator.modelHash = SHA256.hash([2])
        try drop("same", as: "d.jpg")
        try finish()
        XCTAssertEqual(translator.translated, 4, "the model was another")
    }

    func testOriginalsKept_areDoneOnceAndTouchingThemDoesNotMatter() throws {
        try open("originals: keep")
        let path = try drop("sea", as: "beach.jpg")
        try finish()
        XCTAssertEqual(files("spool/inbox"), ["beach.jpg"])
        try announce(path, "beach.jpg")
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 2, tv_nsec: 0)]
        XCTAssertEqual(utimensat(AT_FDCWD, path.description, &times, 0), 0)
        try announce(path, "beach.jpg")
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
        try drop("storm", as: "beach.jpg")
        try finish()
        XCTAssertEqual(
            files("spool/outbox"), ["beach.vangogh-1.jpg", "beach.vangogh.jpg"], "new content is a new photo")
        func file() throws -> InboxFile {
            InboxFile(inbox: "vangogh", path: BytePath("beach.jpg"), identity: try XCTUnwrap(Files.identity(of: path)))
        }
        XCTAssertTrue(try ledger.isKept(file()))
        XCTAssertEqual(chmod(path.description, 0o600), 0)
        XCTAssertTrue(try ledger.isKept(file()), "its content is the same")
        _ = try write("other", "spool/inbox/beach.jpg")
        XCTAssertFalse(try ledger.isKept(file()))
    }

    func testOriginalsDeleted() throws {
        try open("originals: delete")
        try drop("sea", as: "beach.jpg")
        try finish()
        XCTAssertEqual(files("spool"), ["outbox/beach.vangogh.jpg"])
    }

    func testModificationTime_isKeptWhereConfigured() throws {
        try open("keep-modification-time: yes")
        let path = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 9)]
        XCTAssertEqual(utimensat(AT_FDCWD, path.description, &times, 0), 0)
        try announce(path, "beach.jpg")
        try finish()
        XCTAssertEqual(
            try Files.identity(of: directory.appending("spool/outbox/beach.vangogh.jpg"))?.modified,
            1_000_000_000_000_009)
    }

    /// T36, and T6 in work.
    func testPhotoThatChangesInWork_isNotPublishedInItsOldState() throws {
        let isTranslating = Monitor(false), mayGoOn = Monitor(false)
        translator.onTranslate = { content, _ in
            guard content == "old" else { return }
            isTranslating.change { $0 = true }
            mayGoOn.wait(for: { $0 })
        }
        try open()
        try drop("old", as: "beach.jpg")
        isTranslating.wait(for: { $0 })
        try drop("newer", as: "beach.jpg")
        mayGoOn.change { $0 = true }
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
        XCTAssertEqual(try Files.read(directory.appending("spool/outbox/beach.vangogh.jpg")), pictureBytes("newer"))
    }

    /// T35
    func testPhotoThatIsWithdrawn_leavesNothing() throws {
        try open(start: false)
        let path = try drop("sea", as: "beach.jpg")
        try Files.unlink(path)
        try pipeline.start()
        try finish()
        XCTAssertEqual(files("spool"), [])
        XCTAssertEqual(try entries("beach.jpg").count, 0)
    }

    func testOriginalThatCameBack_isANewDrop() throws {
        try open()
        let path = try drop("sea", as: "beach.jpg")
        try finish()
        try Files.rename(directory.appending("spool/originals/beach.jpg"), to: path)
        try announce(path, "beach.jpg")
        try finish()
        XCTAssertEqual(files("spool/outbox").count, 2)
    }

    /// T40
    func testVanishedOutbox_isMadeAgain() throws {
        try open()
        try drop("one", as: "a.jpg")
        try finish()
        try FileManager.default.removeItem(atPath: "\(directory)/spool/outbox")
        try drop("two", as: "b.jpg")
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["b.vangogh.jpg"])
    }

    func testPause_finishesWhatIsInWorkAndBeginsNothing() throws {
        try open()
        pipeline.pause(true)
        try drop("sea", as: "beach.jpg")
        usleep(300_000)
        XCTAssertEqual(try ledger.counts([.ready])[.ready], 1)
        pipeline.pause(false)
        try finish()
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
    }

    func testStop_givesThePhotoInWorkBack() throws {
        let isTranslating = Monitor(false)
        translator.onTranslate = { _, progress in
            isTranslating.change { $0 = true }
            while progress(0.1) { usleep(10000) }
            throw TranslationAbandoned()
        }
        try open()
        for name in ["a.jpg", "b.jpg", "c.jpg"] { try drop(name, as: name) }
        isTranslating.wait(for: { $0 })
        try waitUntil("the next is decoded") { pipeline.state.read { $0.decoded != nil } }
        pipeline.state.change { $0.phase = .abandoning }
        XCTAssertTrue(pipeline.state.wait(seconds: 10, for: { $0.hasEnded(.publishing) }))
        XCTAssertEqual(try ledger.counts(), [.ready: 3])
        XCTAssertEqual(try ledger.latest([.ready], limit: 9).map(\.attempts), [0, 0, 0])
        XCTAssertEqual(files("spool").count, 3)
    }

    func testSeveralInboxes_haveTheirOwnStylesAndDirectories() throws {
        try open(
            "inboxes:\n  vangogh: {}\n  monet: {inbox: m/in, outbox: m/out, failed: m/failed, format: png, originals: "
                + "delete}"
        )
        try drop("sea", as: "beach.jpg")
        try drop("lilies", as: "pond.JPG", inbox: "monet", directory: "m/in")
        try finish()
        XCTAssertEqual(files("spool"), ["m/out/pond.monet.png", "originals/beach.jpg", "outbox/beach.vangogh.jpg"])
    }

    func testHousekeeping_removesWhatWasKeptLongEnough() throws {
        try open()
        try drop("sea", as: "beach.jpg")
        try drop(Array("bad".utf8), as: BytePath("bad.jpg"))
        try finish()
        let housekeeping = Housekeeping(ledger: ledger, pipeline: pipeline, logger: pipeline.logger)
        let configuration = try configuration("keep-originals: 1d\nkeep-failed: 2d\nkeep-history: 3d")
        housekeeping.run(configuration, now: Date() + 3600)
        XCTAssertEqual(files("spool").count, 4)
        housekeeping.run(configuration, now: Date() + 86400 * 1.5)
        XCTAssertEqual(files("spool"), ["failed/bad.jpg", "failed/bad.jpg.reason.txt", "outbox/beach.vangogh.jpg"])
        housekeeping.run(configuration, now: Date() + 86400 * 2.5)
        XCTAssertEqual(files("spool"), ["outbox/beach.vangogh.jpg"], "pictures are nobody's to remove")
        XCTAssertEqual(try ledger.counts(), [.styled: 1, .failed: 1])
        housekeeping.run(configuration, now: Date() + 86400 * 3.5)
        XCTAssertEqual(try ledger.counts(), [:])
    }
}
