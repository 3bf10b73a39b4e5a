import Foundation
import LinuxFiles
import XCTest

@testable import DirectoryWatching

/// The kernel's limits on watches and on inotify instances (T32, T33). They are lowered in a user namespace of its own,
/// in which these tests run once more, so that no other program on the machine is harmed.
final class LimitTests: XCTestCase {
    private static let variable = "CYCLEGAN_TEST_INSIDE_NAMESPACE"

    func testWatchLimit_leadsToPollingAndOneMessage() throws {
        try playInNamespace("testInside_watchLimit", setting: "max_inotify_watches", to: 3)
    }

    func testInstanceLimit_leadsToPollingAndOneMessage() throws {
        try playInNamespace("testInside_instanceLimit", setting: "max_inotify_instances", to: 0)
    }

    func testInside_watchLimit() async throws {
        try skipOutside()
        let stage = try Stage(options: options)
        defer { stage.strike() }
        for index in 0..<6 { try Shell.makeDirectories(stage.path(BytePath("d\(index)"))) }
        try stage.start()
        try await stage.expect([.notice(containing: "fs.inotify.max_user_watches"), .polling])
        let snapshot = stage.watcher.snapshot
        XCTAssertEqual(snapshot.directories, 7)
        XCTAssertEqual(snapshot.watches, 3)
        // In a watched directory and in one that is not.
        try Shell.write(stage.path("a.jpg"), Sample.photo)
        try Shell.write(stage.path("d5/a.jpg"), Sample.photo)
        try await stage.expect([.complete("a.jpg"), .complete("d5/a.jpg")])
        stage.watcher.rescan()
        try await stage.expectNothing(for: .milliseconds(400))
        // With fewer directories the limit suffices again.
        for index in 2..<6 { Shell.removeTree(stage.path(BytePath("d\(index)"))) }
        try await stage.expect([.vanished("d5/a.jpg")])
        stage.watcher.rescan()
        try await stage.expect([.watching])
    }

    func testInside_instanceLimit() async throws {
        try skipOutside()
        let stage = try Stage(options: options)
        defer { stage.strike() }
        try Shell.makeDirectories(stage.path("d"))
        try stage.start()
        try await stage.expect([.notice(containing: "fs.inotify.max_user_instances"), .polling])
        try Shell.write(stage.path("d/a.jpg"), Sample.photo)
        try await stage.expect([.complete("d/a.jpg")])
        try await stage.watcher.sync()
        stage.watcher.rescan()
        try await stage.expectNothing(for: .milliseconds(400))
    }

    private var options: WatchOptions {
        var options = WatchOptions()
        options.settle = .milliseconds(150)
        options.pollInterval = .milliseconds(100)
        return options
    }

    private func skipOutside() throws {
        try XCTSkipIf(
            ProcessInfo.processInfo.environment[Self.variable] == nil, "is run by another test, in a namespace")
    }

    private func playInNamespace(_ test: String, setting: String, to limit: Int) throws {
        let arguments = CommandLine.arguments
        try XCTSkipUnless(FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare"), "needs unshare(1)")
        let script = "echo \(limit) > /proc/sys/user/\(setting) || exit 77; exec \"$0\" \"$@\""
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = ["-Ur", "sh", "-c", script, arguments[0], "DirectoryWatchingTests.LimitTests/\(test)"]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.variable: "1"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try XCTSkipIf(process.terminationStatus == 77 || text.contains("unshare failed"), "needs user namespaces")
        XCTAssertEqual(process.terminationStatus, 0, text)
        XCTAssert(text.contains("Executed 1 test") && !text.contains("skipped"), text)
    }
}
