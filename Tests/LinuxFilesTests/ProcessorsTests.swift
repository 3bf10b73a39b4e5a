import Foundation
import XCTest

@testable import LinuxFiles

/// What control groups say of processors, in both versions' words.
final class ProcessorsTests: XCTestCase {
    private var root = ""

    override func setUpWithError() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("control-groups-\(getpid())").path
    }

    override func tearDownWithError() throws { try? FileManager.default.removeItem(atPath: root) }

    private func write(_ text: String, _ name: String) throws {
        let path = URL(fileURLWithPath: "\(root)/\(name)")
        try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: path, atomically: true, encoding: .utf8)
    }

    private func quota(_ membership: String) -> Int? {
        Processors.quota(
            ControlGroup.values(
                of: "cpu", unified: ["cpu.max"], legacy: ["cpu.cfs_quota_us", "cpu.cfs_period_us"],
                membership: membership, root: root))
    }

    func testTightestQuotaOfAllAncestors_roundedUp() throws {
        try write("max 100000\n", "a/b/c/cpu.max")
        try write("150000 100000\n", "a/b/cpu.max")
        try write("400000 100000\n", "a/cpu.max")
        XCTAssertEqual(quota("0::/a/b/c\n"), 2)
        XCTAssertEqual(quota("0::/a\n"), 4)
        XCTAssertEqual(quota("0::/../a\n"), 4, "a group outside the namespace")
        XCTAssertNil(quota("0::/elsewhere\n"))
    }

    func testVersion1() throws {
        try write("-1\n", "cpu/a/b/cpu.cfs_quota_us")
        try write("100000\n", "cpu/a/b/cpu.cfs_period_us")
        try write("50000\n", "cpu/a/cpu.cfs_quota_us")
        try write("100000\n", "cpu/a/cpu.cfs_period_us")
        XCTAssertEqual(quota("4:memory:/x\n3:cpu,cpuacct:/a/b\n"), 1)
        XCTAssertNil(quota("3:cpuset:/a/b\n"))
    }

    func testUsable_isAtLeastOne() {
        XCTAssertGreaterThanOrEqual(Processors.usable, 1)
        XCTAssertLessThanOrEqual(Processors.usable, ProcessInfo.processInfo.processorCount)
    }
}
