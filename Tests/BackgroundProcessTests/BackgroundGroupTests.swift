import Foundation
import LinuxFiles
import XCTest

@testable import BackgroundProcess

/// A control group of the children's own, where the unit delegates one.
final class BackgroundGroupTests: XCTestCase {
    private var root = ""

    override func setUpWithError() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("group-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: root + "/system.slice/some.service", withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: root) }

    /// The files that the kernel makes in a group.
    private func makeFiles(_ group: String, _ names: [String]) throws {
        try FileManager.default.createDirectory(atPath: root + group, withIntermediateDirectories: true)
        for name in names { _ = FileManager.default.createFile(atPath: root + group + "/" + name, contents: Data()) }
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: root + file, encoding: .utf8) }

    private func mark(_ group: String) throws {
        let descriptor = try Descriptor.directory(BytePath(root + group))
        do { try descriptor.setAttribute("user.delegate", Array("1".utf8)) } catch {
            throw XCTSkip("no extended attributes here: \(error)")
        }
    }

    func testWithoutADelegatedGroup_nothingIsTouched() throws {
        let unit = "/system.slice/some.service"
        for membership in ["0::\(unit)\n", "4:cpu:\(unit)\n", "0::/../outside\n", "", nil] {
            XCTAssertNil(try BackgroundGroup("training", memoryLimit: 1 << 30, membership: membership, root: root))
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: root + unit), [])
    }

    func testDelegatedGroup_isDividedBetweenTheServiceAndItsChildren() throws {
        let unit = "/system.slice/some.service"
        try makeFiles(unit, ["cgroup.subtree_control"])
        try makeFiles(unit + "/service", ["cgroup.procs"])
        try makeFiles(unit + "/training", ["cgroup.procs", "cpu.idle", "memory.max"])
        try mark(unit)
        // The second time this process is in its own group already.
        for membership in ["0::\(unit)\n", "3:cpu:/elsewhere\n0::\(unit)/service\n"] {
            let group = try XCTUnwrap(
                BackgroundGroup("training", memoryLimit: 1 << 30, membership: membership, root: root))
            XCTAssertEqual(group.directory, BytePath(root + unit + "/training"))
            XCTAssertEqual(group.refused, [])
            XCTAssertTrue(try text(unit + "/service/cgroup.procs").hasPrefix("\(getpid())"))
            try group.adopt(4711)
            XCTAssertTrue(try text(unit + "/training/cgroup.procs").hasPrefix("4711"))
        }
        XCTAssertEqual(try text(unit + "/training/cpu.idle"), "1")
        XCTAssertEqual(try text(unit + "/training/memory.max"), "1073741824")
    }

    func testOlderKernels_giveTheLowestWeight() throws {
        let unit = "/a.service"
        try makeFiles(unit, ["cgroup.subtree_control"])
        try makeFiles(unit + "/service", ["cgroup.procs"])
        try makeFiles(unit + "/training", ["cgroup.procs", "cpu.weight"])
        try mark(unit)
        let group = try XCTUnwrap(
            BackgroundGroup("training", memoryLimit: 1 << 30, membership: "0::\(unit)\n", root: root))
        XCTAssertEqual(try text(unit + "/training/cpu.weight"), "1")
        XCTAssertEqual(group.refused.count, 1, "there is no memory.max: \(group.refused)")
    }
}
