import Foundation
import Glibc
import LinuxFiles
import Photos
import Publishing
import Stylizing
import XCTest

@testable import StyleService

/// A failure belongs to the directory that it happened in.
final class IsolationTests: PipelineTestCase {
    private let twoInboxes = "inboxes: {vangogh: {}, monet: {inbox: m/in, outbox: m/out}}"

    /// Mounts a small file system on a directory of the test; gone when the test ends.
    private func mountMemory(_ name: String, flags: Int = 0) throws -> BytePath {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        let path = directory.appending(name)
        try Files.makeDirectory(path)
        try XCTSkipUnless(
            mount("none", path.description, "tmpfs", UInt(flags), "size=1m") == 0, "tmpfs cannot be mounted here")
        addTeardownBlock { umount2(path.description, CInt(MNT_DETACH)) }
        return path
    }

    private func remount(_ path: BytePath, readOnly: Bool) {
        XCTAssertEqual(
            mount("none", path.description, "tmpfs", UInt(MS_REMOUNT | (readOnly ? MS_RDONLY : 0)), "size=1m"), 0)
    }

    func testReadOnlyInbox_keepsItsOriginalAndStopsNobody() throws {
        let inbox = try mountMemory("spool/inbox")
        try open(twoInboxes, start: false)
        try drop("sea", as: "beach.jpg")
        remount(inbox, readOnly: true)
        try pipeline.start()
        try waitUntil("the picture is there") { files("spool/outbox") == ["beach.vangogh.jpg"] }
        try waitUntil("the ledger says why the original stays") { try entries("beach.jpg").first?.stays != nil }
        for content in ["lilies", "bridge"] {
            try drop(content, as: "\(content).jpg", inbox: "monet", directory: "m/in")
        }
        try waitUntil("the other inbox goes on") { files("spool/m/out").count == 2 && files("spool/m/in").isEmpty }
        // Longer than until the first attempts are repeated.
        sleep(5)
        XCTAssertEqual(files("spool/originals"), ["bridge.jpg", "lilies.jpg"], "what cannot be moved is not copied")
        XCTAssertEqual(files("spool/inbox"), ["beach.jpg"])
        XCTAssertNil(pipeline.state.read(\.blocked))
        let entry = try XCTUnwrap(entries("beach.jpg").first)
        XCTAssertEqual([entry.state.rawValue, entry.disposal?.rawValue], ["styled", "pending"])
        XCTAssertTrue(try XCTUnwrap(entry.stays).contains("Read-only file system"), entry.stays ?? "")
        XCTAssertTrue(try XCTUnwrap(entry.stays).contains("--check-config"), "and what to do")
        XCTAssertEqual(try ledger.stayingOriginals()["vangogh"]?.count, 1)
        remount(inbox, readOnly: false)
        try waitUntil("it moves by itself") { try entries("beach.jpg").first?.disposal == .archived }
        XCTAssertEqual(files("spool/originals"), ["beach.jpg", "bridge.jpg", "lilies.jpg"])
        XCTAssertEqual(try ledger.stayingOriginals().count, 0)
    }

    /// The copy is there before it turns out that the source cannot be removed: a file that is a mount point.
    func testOriginalThatIsCopiedAndCannotBeRemoved_isCopiedOnce() throws {
        let inbox = try mountMemory("spool/inbox")
        for (kind, name) in [("photo", "beach.jpg"), ("no photo", "bad.jpg")] {
            let file = try write(
                kind == "photo" ? photoBytes("sea") : Array("bad".utf8), BytePath("spool/inbox/\(name)"))
            XCTAssertEqual(mount(file.description, file.description, nil, UInt(MS_BIND), nil), 0)
        }
        try open(start: false)
        for name in ["beach.jpg", "bad.jpg"] { try announce(inbox.appending(name), BytePath(name)) }
        try pipeline.start()
        try waitUntil("it turns out") {
            try entries("beach.jpg").first?.stays != nil && entries("bad.jpg").first?.stays != nil
        }
        for _ in 0..<5 { _ = pipeline.retryOriginals() }
        XCTAssertEqual(files("spool/originals"), ["beach.jpg"])
        XCTAssertEqual(files("spool/failed").filter { $0.hasSuffix("jpg") }, ["bad.jpg"])
        XCTAssertEqual(files("spool/inbox"), ["bad.jpg", "beach.jpg"])
        for name in ["beach.jpg", "bad.jpg"] {
            XCTAssertEqual(umount2(inbox.appending(name).description, CInt(MNT_DETACH)), 0)
        }
        try finish()
        XCTAssertEqual(files("spool/originals"), ["beach.jpg"])
        XCTAssertEqual(files("spool/failed"), ["bad.jpg", "bad.jpg.reason.txt"])
        XCTAssertEqual(files("spool/inbox"), [])
    }

    func testFullOutbox_pausesItsOwnInboxOnly() throws {
        let outbox = try mountMemory("spool/outbox")
        try open(twoInboxes)
        remount(outbox, readOnly: true)
        for name in ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"] { try drop(name, as: name) }
        try waitUntil("it pauses") { pipeline.state.read { $0.blockedInboxes["vangogh"] != nil } }
        // The same bytes as one that waits: nobody waits for that.
        for name in ["a.jpg", "x.jpg", "y.jpg"] { try drop(name, as: name, inbox: "monet", directory: "m/in") }
        try waitUntil("the other inbox goes on") { files("spool/m/out").count == 3 }
        XCTAssertFalse(pipeline.state.read(\.isAllBlocked))
        let sentence = StatusSentence(state: pipeline.state.read { $0 }, inboxStates: [], queued: 0, deferred: 0).text
        XCTAssertTrue(sentence.contains("inbox vangogh pauses, its pictures cannot be written: "), sentence)
        XCTAssertEqual(files("spool/inbox").count, 5)
        remount(outbox, readOnly: false)
        try finish()
        XCTAssertEqual(files("spool/outbox").count, 5)
        XCTAssertEqual(translator.translated, 8, "nothing is computed twice")
        XCTAssertNil(pipeline.state.read(\.blocked))
    }

    func testReadOnlyArchive_leavesOriginalsAndStopsNoPicture() throws {
        let originals = try mountMemory("spool/originals", flags: MS_RDONLY)
        try open()
        for name in ["a.jpg", "b.jpg"] { try drop(name, as: name) }
        try waitUntil("both are styled") { files("spool/outbox").count == 2 }
        XCTAssertEqual(files("spool/inbox"), ["a.jpg", "b.jpg"])
        remount(originals, readOnly: false)
        try finish()
        XCTAssertEqual(files("spool/originals"), ["a.jpg", "b.jpg"])
    }

    func testStopWithABlockedOutbox_givesThePhotosBack() throws {
        let outbox = try mountMemory("spool/outbox")
        try open()
        remount(outbox, readOnly: true)
        for name in ["a.jpg", "b.jpg"] { try drop(name, as: name) }
        try waitUntil("it pauses") { pipeline.state.read { $0.blockedInboxes["vangogh"] != nil } }
        pipeline.state.change { $0.phase = .abandoning }
        XCTAssertTrue(pipeline.state.wait(seconds: 10, for: { $0.hasEnded(.publishing) }))
        XCTAssertEqual(try ledger.counts(), [.ready: 2])
    }

    // MARK: Files beside photos

    func testKeep_movesNothing() throws {
        try open("originals: keep")
        for name in ["beach.xmp", "beach.AAE", "beach.CR2", "notes.txt"] {
            try drop(Array("no photo".utf8), as: BytePath(name))
        }
        try drop("sea", as: "beach.jpg")
        try drop([0xFF, 0xD8, 0xFF], as: "broken.jpg")
        translator.onDecode = { content in
            if content.isEmpty { throw PhotoError(kind: .corrupt, reason: "the JPEG is damaged") }
        }
        try finish()
        XCTAssertEqual(
            files("spool/inbox"), ["beach.AAE", "beach.CR2", "beach.jpg", "beach.xmp", "broken.jpg", "notes.txt"])
        XCTAssertEqual(files("spool/failed"), [])
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg"])
        XCTAssertEqual(try ledger.counts(), [.styled: 1, .failed: 1], "what is no photo is no failure")
        XCTAssertEqual(try entries("broken.jpg").first?.disposal, .kept)
        let file = InboxFile(
            inbox: "vangogh", path: "notes.txt",
            identity: try XCTUnwrap(Files.identity(of: directory.appending("spool/inbox/notes.txt"))))
        XCTAssertTrue(try ledger.isKept(file), "a start does not look at it again")
    }

    func testSidecars_stayUnderEveryPolicy() throws {
        try open()
        try drop("sea", as: "trip/beach.jpg")
        try finish()
        for name in ["trip/beach.xmp", "trip/beach.jpg.json", "trip/beach.CR2", "alone.xmp"] {
            try drop(Array("x".utf8), as: BytePath(name))
        }
        try drop(Array("x".utf8), as: "trip/alone.cr2")
        try finish()
        XCTAssertEqual(files("spool/inbox"), ["alone.xmp", "trip/beach.CR2", "trip/beach.jpg.json", "trip/beach.xmp"])
        XCTAssertEqual(files("spool/failed"), ["trip/alone.cr2", "trip/alone.cr2.reason.txt"])
        XCTAssertEqual(try ledger.counts(), [.styled: 1, .failed: 1])
    }

    // MARK: Models

    func testPictureThatIsNotFinite_isNotPublished() throws {
        translator.onTranslate = { _, _ in throw StylizingError.notFinite(3, of: 12) }
        try open()
        try drop("sea", as: "beach.jpg")
        try waitUntil("it is put off") { try entries("beach.jpg").first?.state == .deferred }
        XCTAssertTrue(try XCTUnwrap(entries("beach.jpg").first?.reason).contains("no finite numbers"))
        XCTAssertEqual(files("spool"), ["inbox/beach.jpg"])
    }
}
