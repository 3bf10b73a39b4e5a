import LinuxFiles
import XCTest

@testable import DirectoryWatching

/// How soon after the settle time a file is told complete.
final class LatencyTests: XCTestCase {
    func testCompleteFile_isToldRightAfterTheSettleTime() async throws {
        var options = WatchOptions()
        options.settle = .milliseconds(300)
        let stage = try Stage(options: options)
        defer { stage.strike() }
        try Shell.makeDirectories(stage.inbox)
        let watcher = DirectoryWatcher(root: stage.inbox, options: options)
        var events = watcher.events().makeAsyncIterator()
        try watcher.start()
        defer { watcher.stop() }
        try await watcher.sync()
        var latencies: [Duration] = []
        for index in 0..<9 {
            try Shell.write(stage.path(BytePath("\(index).jpg")), Sample.photo)
            let closed = ContinuousClock.now
            while let event = await events.next() {
                if case .complete = event { break }
            }
            latencies.append(ContinuousClock.now - closed - options.settle)
        }
        latencies.sort()
        print("told \(latencies[4]) after the settle time (median; longest \(latencies[8]))")
        XCTAssertGreaterThan(latencies[0], .milliseconds(-5), "not before it has settled")
        // A busy machine delays some of them.
        XCTAssertLessThan(latencies[1], .milliseconds(50))
    }
}
