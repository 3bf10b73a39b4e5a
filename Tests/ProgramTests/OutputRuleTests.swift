import Foundation
import Glibc
import LinuxFiles
import Photos
import ServiceConfiguration
import XCTest

@testable import cyclegan_style

/// Where `translate -o` puts pictures: every kind of place, and what is refused before anything is computed.
final class OutputRuleTests: StyleTestCase {
    private func rule(_ name: String, photos: Int? = 1, format: OutputFormat? = nil) throws -> OutputRule {
        try OutputRule(
            BytePath(name.hasPrefix("/") ? name : path(name) + (name.isEmpty ? "/" : "")), photos: photos,
            format: format)
    }

    /// Keeps the slash, which URLs drop.
    private func withSlash(_ name: String) -> String { path(name) + "/" }

    private func file(_ name: String, format: OutputFormat? = nil) throws -> (OutputFile, PhotoFormat?) {
        guard case .file(let file, let written) = try rule(name, format: format) else {
            throw OutputError("\(name) is a directory")
        }
        return (file, written)
    }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }
    private func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    private func status(_ name: String) throws -> stat {
        var status = stat()
        guard lstat(path(name), &status) == 0 else { throw OutputError("\(name) is not there") }
        return status
    }

    func testExtension_decidesUnlessTheFormatIsGiven() throws {
        XCTAssertEqual(try file("beach.png").1, .png)
        XCTAssertEqual(try file("beach.JPEG").1, .jpeg)
        XCTAssertEqual(try file("beach.png", format: .jpeg).1, .jpeg)
        XCTAssertNil(try file("beach.png", format: .same).1)
        for name in ["beach", "beach.webp", "beach.", ".jpg", "beach.jpg.txt"] {
            XCTAssertThrowsError(try file(name), name) { XCTAssertTrue($0 is OutputMisuse, "\(name): \($0)") }
            XCTAssertEqual(try file(name, format: .png).1, .png, name)
        }
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: directory.path), [], "looking leaves nothing behind")
    }

    func testTrailingSlash_makesTheDirectoryAndOthersMustBeThere() throws {
        guard case .directory = try rule(withSlash("new/deep"), photos: 3) else { return XCTFail("a file") }
        XCTAssertEqual(try status("new/deep").st_mode & S_IFMT, S_IFDIR)
        guard case .directory = try rule("new", photos: 3) else { return XCTFail("a file") }
        XCTAssertThrowsError(try rule("none", photos: 3)) { XCTAssertTrue($0 is OutputMisuse) }
        XCTAssertThrowsError(try rule("none.jpg", photos: nil)) { XCTAssertTrue($0 is OutputMisuse) }
        XCTAssertThrowsError(try rule("none/x.jpg")) {
            XCTAssertTrue("\($0)".contains("there is no directory"), "\($0)")
        }
        try write("x", "file.jpg")
        XCTAssertThrowsError(try rule(withSlash("file.jpg"))) {
            XCTAssertTrue("\($0)".contains("not a directory"), "\($0)")
        }
        XCTAssertThrowsError(try rule("file.jpg/x.jpg"))
    }

    func testSymbolicLink_isFollowedAndStays() throws {
        try write("old", "real.jpg")
        symlink("real.jpg", path("link.jpg"))
        symlink("link.jpg", path("second.jpg"))
        try file("second.jpg").0.write(Array("new".utf8))
        XCTAssertEqual(try read("real.jpg"), "new")
        XCTAssertEqual(try status("link.jpg").st_mode & S_IFMT, S_IFLNK)
        XCTAssertEqual(try status("second.jpg").st_mode & S_IFMT, S_IFLNK)
        symlink("later.jpg", path("dangling.jpg"))
        try file("dangling.jpg").0.write(Array("made".utf8))
        XCTAssertEqual(try read("later.jpg"), "made")
        symlink("circle.jpg", path("circle.jpg"))
        XCTAssertThrowsError(try file("circle.jpg"))
        symlink("nodir/x.jpg", path("astray.jpg"))
        XCTAssertThrowsError(try file("astray.jpg"))
    }

    func testExistingFile_keepsModeAndOwner() throws {
        try write("old", "private.jpg")
        chmod(path("private.jpg"), 0o600)
        if geteuid() == 0 { chown(path("private.jpg"), 12, 34) }
        let before = try status("private.jpg")
        try file("private.jpg").0.write(Array("new and longer".utf8))
        let after = try status("private.jpg")
        XCTAssertEqual(try read("private.jpg"), "new and longer")
        XCTAssertEqual([after.st_mode, after.st_uid, after.st_gid], [before.st_mode, before.st_uid, before.st_gid])
        XCTAssertNotEqual(after.st_ino, before.st_ino, "replaced in one step")
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: directory.path), ["private.jpg"])
    }

    func testFileWithSeveralNames_isWrittenInPlace() throws {
        try write("a long old text", "one.jpg")
        link(path("one.jpg"), path("other.jpg"))
        try file("one.jpg").0.write(Array("new".utf8))
        XCTAssertEqual(try read("other.jpg"), "new")
        XCTAssertEqual(try status("one.jpg").st_nlink, 2)
    }

    func testDevicesAndPipes_areWrittenInto() throws {
        let before = try status("../../dev/null")
        try file("/dev/null").0.write([1, 2, 3])
        XCTAssertEqual(try status("../../dev/null").st_ino, before.st_ino)
        XCTAssertThrowsError(try file("/dev/full").0.write([1, 2, 3])) {
            XCTAssertTrue("\($0)".contains("No space"), "\($0)")
        }
        XCTAssertEqual(mkfifo(path("pipe"), 0o600), 0)
        let reader = open(path("pipe"), O_RDONLY | O_NONBLOCK)
        let pipe = try file("pipe").0
        XCTAssertTrue(pipe.isStream)
        try pipe.write(Array("through".utf8))
        var bytes = [UInt8](repeating: 0, count: 16)
        XCTAssertEqual(Glibc.read(reader, &bytes, 16), 7)
        close(reader)
        XCTAssertEqual(try status("pipe").st_mode & S_IFMT, S_IFIFO)
    }

    func testOwnDescriptors_areWrittenWhereTheyStand() throws {
        let descriptor = open(path("out"), O_WRONLY | O_CREAT, 0o600)
        XCTAssertEqual(Glibc.write(descriptor, "before ", 7), 7)
        try file("/dev/fd/\(descriptor)").0.write(Array("picture".utf8))
        close(descriptor)
        XCTAssertEqual(try read("out"), "before picture")
        XCTAssertThrowsError(try file("/dev/fd/999"))
        let reading = open(path("out"), O_RDONLY)
        XCTAssertThrowsError(try file("/dev/fd/\(reading)"))
        close(reading)
    }

    func testPhotoItself_isRefusedByAnyName() throws {
        try write("photo", "self.jpg")
        symlink("self.jpg", path("link.jpg"))
        link(path("self.jpg"), path("hard.jpg"))
        for name in ["self.jpg", "link.jpg", "hard.jpg"] {
            let rule = try rule(name)
            XCTAssertThrowsError(try rule.check(against: [BytePath(path("self.jpg"))]), name)
            XCTAssertNoThrow(try rule.check(against: [BytePath(path("other.jpg"))]), name)
        }
    }

    func testWhatCannotBeWritten_isKnownBefore() throws {
        XCTAssertThrowsError(try file("\(String(repeating: "x", count: 300)).jpg"))
        XCTAssertThrowsError(try file("/proc/x.jpg"))
        XCTAssertThrowsError(try rule("/proc", photos: 2))
    }

    func testWriteProtectedFile_isNotReplaced() throws {
        try XCTSkipIf(geteuid() == 0, "root may write everywhere")
        try write("x", "readonly.jpg")
        chmod(path("readonly.jpg"), 0o400)
        XCTAssertThrowsError(try file("readonly.jpg"))
    }
}
