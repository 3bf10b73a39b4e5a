import Glibc
import LinuxFiles
import Publishing
import XCTest

@testable import StyleService

final class FilesTests: DirectoryTestCase {
    private func name(_ text: String, key: String = "vangogh", png: Bool = false, number: Int = 0) -> String {
        let name = OutputName(
            photo: Array(text.utf8), key: key, extensions: png ? ["png"] : ["jpg", "jpeg"],
            photoExtensions: ["jpg", "jpeg", "png"])
        return String(decoding: name.candidate(number), as: UTF8.self)
    }

    func testOutputNames() {
        XCTAssertEqual(name("beach.jpg"), "beach.vangogh.jpg")
        XCTAssertEqual(name("beach.jpg", number: 1), "beach.vangogh-1.jpg")
        XCTAssertEqual(name("BEACH.JPG"), "BEACH.vangogh.JPG", "the spelling stays")
        XCTAssertEqual(name("beach.Jpeg"), "beach.vangogh.Jpeg")
        XCTAssertEqual(name("beach.png"), "beach.vangogh.jpg", "the format that is written decides")
        XCTAssertEqual(name("beach.jpg", png: true), "beach.vangogh.png")
        XCTAssertEqual(name("beach"), "beach.vangogh.jpg")
        XCTAssertEqual(name("v1.2"), "v1.2.vangogh.jpg", "an extension of no photo is part of the name")
        XCTAssertEqual(name("a.b.jpg"), "a.b.vangogh.jpg")
        XCTAssertEqual(name("-n.jpg"), "-n.vangogh.jpg")
    }

    func testLongNames_areCutInTheStem() {
        let long = name(String(repeating: "a", count: 251) + ".jpg", number: 12)
        XCTAssertEqual(long.utf8.count, 255)
        XCTAssertTrue(long.hasSuffix("a.vangogh-12.jpg"))
        let wide = name(String(repeating: "é", count: 125) + ".jpg")
        XCTAssertLessThanOrEqual(wide.utf8.count, 255)
        XCTAssertTrue(wide.hasSuffix("é.vangogh.jpg"), "a character is not cut in two")
        let reason = OutputName(keeping: Array((String(repeating: "x", count: 251) + ".png").utf8)).candidate(
            0, suffix: ".reason.txt")
        XCTAssertEqual(reason.count, 255)
    }

    func testBytesThatAreNoText_stayAsTheyAre() {
        let raw: [UInt8] = [0xE9, 0x0A, 0xFF] + Array(".jpg".utf8)
        let name = OutputName(photo: raw, key: "v", extensions: ["jpg"], photoExtensions: ["jpg"]).candidate(0)
        XCTAssertEqual(name, [0xE9, 0x0A, 0xFF] + Array(".v.jpg".utf8))
    }

    func testPublishing_neverReplaces() throws {
        _ = try write("there before", "out/beach.vangogh.jpg")
        let name = OutputName(
            photo: Array("beach.jpg".utf8), key: "vangogh", extensions: ["jpg"], photoExtensions: ["jpg"])
        let out = directory.appending("out")
        let first = try TemporaryFile.write(Array("new".utf8), in: out).publish(as: name)
        let second = try TemporaryFile.write(Array("newer".utf8), in: out).publish(as: name)
        XCTAssertEqual(first, out.appending("beach.vangogh-1.jpg"))
        XCTAssertEqual(second, out.appending("beach.vangogh-2.jpg"))
        XCTAssertEqual(try text(out.appending("beach.vangogh.jpg")), "there before")
        XCTAssertEqual(try text(second), "newer")
        XCTAssertEqual(files("out").count, 3, "no temporary file is left")
    }

    func testTemporaryFile_isGoneWhenItsWritingFails() throws {
        XCTAssertThrowsError(
            try TemporaryFile.write(in: directory.appending("new/sub")) { throw SystemError(ENOSPC, "write", $0.path) })
        XCTAssertEqual(files("new"), [])
    }

    func testSweep_removesWhatEarlierRunsLeft() throws {
        _ = try write("", "out/.cyclegan-styled-oldrun-1.tmp")
        _ = try write("", "out/sub/.cyclegan-styled-oldrun-2.tmp")
        _ = try write("", "out/.cyclegan-styled-note")
        let own = try TemporaryFile.write([1], in: directory.appending("out"))
        XCTAssertEqual(TemporaryFile.sweep(directory.appending("out")), 2)
        XCTAssertEqual(files("out").sorted(), [".cyclegan-styled-note", own.path.lastComponent.description].sorted())
    }

    func testMoving_keepsContentAndNames() throws {
        let source = try write("original", "in/beach.jpg")
        _ = try write("other", "kept/beach.jpg")
        let identity = try XCTUnwrap(Files.identity(of: source))
        let moved = try FileMover.move(
            source, expected: identity, into: directory.appending("kept"),
            as: OutputName(keeping: Array("beach.jpg".utf8)))
        XCTAssertEqual(moved, directory.appending("kept/beach-1.jpg"))
        XCTAssertEqual(try text(moved!), "original")
        XCTAssertNil(try Files.identity(of: source))
    }

    func testMoving_leavesAnotherFileOfThatNameAlone() throws {
        let source = try write("first", "in/beach.jpg")
        let identity = try XCTUnwrap(Files.identity(of: source))
        try Files.unlink(source)
        _ = try write("second", "in/beach.jpg")
        XCTAssertNil(
            try FileMover.move(
                source, expected: identity, into: directory.appending("kept"), as: OutputName(keeping: source.name)))
        XCTAssertEqual(try text(source), "second")
        XCTAssertFalse(try FileMover.remove(source, expected: identity))
        XCTAssertEqual(try text(source), "second")
    }

    /// T41
    func testMovingAcrossMounts_copiesWithTimeAndRemoves() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        let mount = directory.appending("mount")
        try Files.makeDirectory(mount)
        try XCTSkipUnless(
            Glibc.mount("none", mount.description, "tmpfs", 0, "size=1m") == 0, "tmpfs cannot be mounted here")
        defer { umount(mount.description) }
        let source = try write("original", "in/beach.jpg")
        var times = [timespec(tv_sec: 1000, tv_nsec: 5), timespec(tv_sec: 2000, tv_nsec: 7)]
        XCTAssertEqual(utimensat(AT_FDCWD, source.description, &times, 0), 0)
        let identity = try XCTUnwrap(Files.identity(of: source))
        _ = try write("other", "mount/sub/beach.jpg")
        let moved = try FileMover.move(
            source, expected: identity, into: mount.appending("sub"), as: OutputName(keeping: source.name))
        XCTAssertEqual(moved, mount.appending("sub/beach-1.jpg"))
        XCTAssertEqual(try text(moved!), "original")
        XCTAssertEqual(try Files.identity(of: moved!)?.modified, 2_000_000_000_007)
        XCTAssertNil(try Files.identity(of: source))

        // The run died between the copy and the removal: the next one finds the copy.
        let again = try write("original", "in/beach.jpg")
        let found = try FileMover.move(
            again, expected: try XCTUnwrap(Files.identity(of: again)), into: mount.appending("sub"),
            as: OutputName(keeping: again.name),
            reusing: { try! self.text($0) == "original" })
        XCTAssertEqual(found, mount.appending("sub/beach-1.jpg"))
        XCTAssertEqual(files("mount/sub"), ["beach-1.jpg", "beach.jpg"])
        XCTAssertNil(try Files.identity(of: again))
    }

    /// T43
    func testStateLock_letsOneIn() throws {
        let path = directory.appending("state/lock")
        let lock = try StateLock(path)
        XCTAssertThrowsError(try StateLock(path)) { error in
            XCTAssertTrue(
                "\(error)".contains("another cyclegan-styled (process \(getpid())) uses the state directory"),
                "\(error)")
        }
        withExtendedLifetime(lock) {}
    }
}
