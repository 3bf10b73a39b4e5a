import Foundation
import LinuxFiles
import XCTest

@testable import DirectoryWatching

/// Nothing happens: nothing must be done.
final class IdleTests: XCTestCase {
    func testIdleWatcher_takesNoTimeAndWakesSeldom() async throws {
        let stage = try Stage(options: WatchOptions())
        defer { stage.strike() }
        for index in 0..<20 { try Shell.makeDirectories(stage.path(BytePath("d\(index)"))) }
        for index in 0..<200 { try Shell.write(stage.path(BytePath("d\(index % 20)/\(index).jpg")), Sample.photo) }
        let before = Self.watchingThreads()
        let watcher = DirectoryWatcher(root: stage.inbox, options: stage.options)
        var events = watcher.events().makeAsyncIterator()
        try watcher.start()
        defer { watcher.stop() }
        var complete = 0
        while complete < 200, let event = await events.next() {
            if case .complete = event { complete += 1 }
        }
        let own = Self.watchingThreads().subtracting(before)
        XCTAssertEqual(own.count, 2)
        let seconds = 12.0
        var (share, wakeups) = (1.0, 1000.0)
        // What others do on the machine makes the same work take longer: the quietest of three spells counts.
        for _ in 0..<3 where share >= 0.001 || wakeups >= 1 {
            let before = Self.use(of: own)
            try await Task.sleep(for: .seconds(seconds))
            let after = Self.use(of: own)
            share = min(share, Double(after.time - before.time) / 1e9 / seconds)
            wakeups = min(wakeups, Double(after.switches - before.switches) / seconds)
        }
        print(String(format: "idle watcher: %.4f %% of a core, %.2f wake-ups a second", share * 100, wakeups))
        XCTAssertLessThan(share, 0.001)
        XCTAssertLessThan(wakeups, 1)
    }

    private static func watchingThreads() -> Set<String> {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return Set(tasks.filter { ["watching\n", "inotify\n"].contains(text("\($0)/comm")) })
    }

    /// Nanoseconds on a processor and voluntary switches of threads.
    private static func use(of threads: Set<String>) -> (time: Int, switches: Int) {
        threads.reduce((0, 0)) { sum, thread in
            let time = Int(text("\(thread)/schedstat").split(separator: " ").first ?? "") ?? 0
            let line = text("\(thread)/status").split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches") }
            return (sum.0 + time, sum.1 + (Int(line?.split(separator: "\t").last ?? "") ?? 0))
        }
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: "/proc/self/task/" + path, encoding: .utf8)) ?? ""
    }
}
