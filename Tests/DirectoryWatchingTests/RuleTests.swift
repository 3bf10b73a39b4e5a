import LinuxFiles
import XCTest

@testable import DirectoryWatching

final class RuleTests: XCTestCase {
    func testDeadlineQueue_givesTheEarliestFirst() {
        var queue = DeadlineQueue()
        var generator = SystemRandomNumberGenerator()
        let times = (0..<500).map { _ in Int64.random(in: 0..<100, using: &generator) }
        for time in times { queue.insert("x", due: time) }
        var taken: [Int64] = []
        while queue.first != nil { taken.append(queue.removeFirst().due) }
        XCTAssertEqual(taken, times.sorted())
    }

    func testFileSystemsThatDoNotTell() {
        XCTAssertEqual(FileSystemKind.remoteName(magic: 0x6969), "NFS")
        XCTAssertEqual(FileSystemKind.remoteName(magic: 0xFF53_4D42), "CIFS")
        XCTAssertEqual(FileSystemKind.remoteName(magic: 0xFE53_4D42), "SMB2")
        XCTAssertEqual(FileSystemKind.remoteName(magic: 0x6573_5546), "FUSE")
        XCTAssertNil(FileSystemKind.remoteName(magic: 0xEF53), "ext4")
        XCTAssertNil(FileSystemKind.remoteName(magic: 0x0102_1994), "tmpfs")
    }

    func testDefaultIgnoredNames_leavePhotosAlone() {
        let rules = IgnoreRules(WatchOptions.defaultIgnoredNames)
        for name in ["a.jpg", "-rf.jpg", "part.jpg", "tmp.png", "photo.part.jpg", "IMG_0001.JPG", "a~b.jpg"] {
            XCTAssertNil(rules.pattern(matching: Array(name.utf8)), name)
        }
        XCTAssertEqual(rules.pattern(matching: Array("a.PART".utf8)), "*.part")
        XCTAssertEqual(rules.pattern(matching: [0xFF, 0xFE] + Array(".part".utf8)), "*.part")
    }
}
