import Foundation
import Glibc
import LinuxFiles
import XCTest

/// What the file operations promise, on real files.
final class FilesTests: XCTestCase {
    private var directory = BytePath("")

    override func setUpWithError() throws {
        var template = Array("/tmp/linux-files-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(errno, "make a directory in", "/tmp") }
        directory = Files.resolved(BytePath(String(cString: made)))
    }

    override func tearDownWithError() throws { try? FileManager.default.removeItem(atPath: directory.description) }

    private func write(_ text: String, _ name: String) throws -> BytePath {
        let path = directory.appending(name)
        try AtomicFile.write(path) { append in try Array(text.utf8).withUnsafeBytes { try append($0) } }
        return path
    }

    private func text(_ path: BytePath) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }

    func testReading_refusesLinksAndPipes() throws {
        let target = try write("secret", "target")
        XCTAssertEqual(symlink(target.description, "\(directory)/link"), 0)
        XCTAssertThrowsError(try Files.read(directory.appending("link"))) {
            XCTAssertEqual(($0 as? SystemError)?.code, ELOOP)
        }
        XCTAssertEqual(mkfifo("\(directory)/pipe", 0o644), 0)
        XCTAssertThrowsError(try Files.read(directory.appending("pipe"))) {
            XCTAssertEqual(($0 as? SystemError)?.code, EINVAL)
        }
        XCTAssertThrowsError(try Files.read(target, limit: 3)) { XCTAssertEqual(($0 as? SystemError)?.code, EFBIG) }
    }

    func testErrors_nameWhatWasTriedOnWhichPath() {
        XCTAssertThrowsError(try Files.read("/nowhere/a\n.jpg")) {
            XCTAssertEqual("\($0)", "cannot open /nowhere/a\\n.jpg: No such file or directory")
            XCTAssertEqual(($0 as? SystemError)?.isMissing, true)
        }
    }

    func testRetrying_goesOnAfterASignal_andOnlyThen() throws {
        var calls = 0
        let result = try retrying("try") { () -> CInt in
            calls += 1
            errno = EINTR
            return calls < 3 ? -1 : 7
        }
        XCTAssertEqual(result, 7)
        XCTAssertEqual(calls, 3)
        XCTAssertThrowsError(
            try retrying("try", "/p") { () -> CInt in
                calls += 1
                errno = EAGAIN
                return -1
            }
        ) { XCTAssertEqual($0 as? SystemError, SystemError(EAGAIN, "try", "/p")) }
        XCTAssertEqual(calls, 4)
    }

    func testRenaming_neverReplaces() throws {
        let source = try write("new", "a"), target = try write("old", "b")
        XCTAssertThrowsError(try Files.renameWithoutReplacing(source, to: target)) {
            XCTAssertEqual(($0 as? SystemError)?.code, EEXIST)
        }
        XCTAssertEqual(try text(target), "old")
        try Files.renameWithoutReplacing(source, to: directory.appending("c"))
        XCTAssertEqual(try Files.names(in: directory), ["b", "c"].map { Array($0.utf8) })
    }

    func testAtomicFile_leavesTheOldOneWhereWritingFails() throws {
        let path = try write("old", "a")
        struct Refused: Error {}
        XCTAssertThrowsError(
            try AtomicFile.write(path) { append in
                try [UInt8](repeating: 1, count: 100).withUnsafeBytes { try append($0) }
                throw Refused()
            }
        ) { XCTAssertTrue($0 is Refused) }
        XCTAssertEqual(try text(path), "old")
        XCTAssertEqual(try Files.names(in: directory).count, 1, "no temporary file is left")
        XCTAssertThrowsError(try AtomicFile.write(directory.appending("none/a")) { _ in }) {
            XCTAssertEqual(($0 as? SystemError)?.code, ENOENT)
        }
    }

    func testMakeDirectory_tellsWhichWereMade() throws {
        XCTAssertEqual(
            try Files.makeDirectory(directory.appending("a/b")), ["a", "a/b"].map { directory.appending($0) })
        XCTAssertEqual(try Files.makeDirectory(directory.appending("a/b")), [])
        _ = try write("", "file")
        for path in ["file", "file/b"] {
            XCTAssertThrowsError(try Files.makeDirectory(directory.appending(path))) {
                XCTAssertEqual(($0 as? SystemError)?.code, ENOTDIR, path)
            }
        }
    }

    func testListing_tellsDirectoriesFromLinksToThem_andCanBeRepeated() throws {
        try Files.makeDirectory(directory.appending("folder"))
        XCTAssertEqual(symlink("\(directory)/folder", "\(directory)/link"), 0)
        _ = try write("", "file")
        let opened = try Descriptor.directory(directory)
        for _ in 0..<2 {
            let entries = try opened.entries()
            XCTAssertEqual(entries.map { String(decoding: $0.name, as: UTF8.self) }, ["file", "folder", "link"])
            XCTAssertEqual(entries.map(\.isDirectory), [false, true, false])
        }
        XCTAssertThrowsError(try Descriptor.directory(directory.appending("link")).names()) {
            XCTAssertEqual(($0 as? SystemError)?.code, ENOTDIR)
        }
    }

    func testWalk_followsNoLinkInside() throws {
        try Files.makeDirectory(directory.appending("tree/inner"))
        _ = try write("", "tree/inner/file")
        XCTAssertEqual(symlink("\(directory)", "\(directory)/tree/up"), 0)
        XCTAssertEqual(symlink("\(directory)/tree", "\(directory)/start"), 0)
        for root in ["tree", "start"] {
            var found: [BytePath] = []
            Files.walk(directory.appending(root)) { path, _ in
                found.append(path.relative(to: directory.appending(root))!)
            }
            XCTAssertEqual(found.sorted(), ["inner/file", "up"], root)
        }
    }

    func testTimes_beforeAndAfter1970() throws {
        let path = try write("", "a")
        for time: Int64 in [1_600_000_000_123_456_789, 0, -1, -1_000_000_000, -1_500_000_001] {
            try Descriptor.open(path, flags: O_WRONLY).setModificationTime(time)
            XCTAssertEqual(try Files.identity(of: path)?.modified, time)
        }
    }

    func testLock_isHeldByOneDescriptor() throws {
        let path = try write("", "a")
        let first = try Descriptor.open(path, flags: O_RDWR), second = try Descriptor.open(path, flags: O_RDWR)
        XCTAssertTrue(try first.lock())
        XCTAssertFalse(try second.lock())
        first.unlock()
        XCTAssertTrue(try second.lock())
    }

    func testKernelText_readsFilesThatSayTheyAreEmpty() throws {
        XCTAssertEqual(Files.kernelText("/proc/self/comm")?.isEmpty, false)
        XCTAssertEqual(Files.kernelText("/proc/self/comm")?.contains("\n"), false)
        XCTAssertNil(Files.kernelText("/proc/nothing"))
    }

    func testParts_areTheWholeFile() throws {
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let path = directory.appending("a")
        try AtomicFile.write(path) { append in try bytes.withUnsafeBytes { try append($0) } }
        var found: [UInt8] = []
        try Descriptor.forReading(path).forEachPart { found += $0 }
        XCTAssertEqual(found, bytes)
    }
}
