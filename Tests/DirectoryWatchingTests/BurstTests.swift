import XCTest

@testable import DirectoryWatching

/// Very many files at once, and proof that none was missed (T29, T30, T31, T47).
final class BurstTests: XCTestCase {
    func testTenThousandFiles_whileTheReaderPauses() async throws {
        let surroundings = Surroundings(readerPause: .milliseconds(400))
        try await check(bursts: [10000], surroundings: surroundings)
    }

    func testTwentyThousandFiles_whenTheKernelsQueueOverflows() async throws {
        let surroundings = Surroundings(readerPause: .milliseconds(1500))
        try await check(bursts: [20000], surroundings: surroundings, expectedOverflows: 1)
    }

    func testRepeatedOverflow() async throws {
        let surroundings = Surroundings(readerPause: .milliseconds(1500))
        try await check(bursts: [20000, 10000, 10000], surroundings: surroundings, expectedOverflows: 3)
    }

    func testSync_provesThatEarlierFilesWereSeen() async throws {
        for polling in [WatchOptions.Polling.auto, .always] {
            var options = options
            options.polling = polling
            options.pollInterval = .seconds(60)
            let stage = try Stage(options: options)
            defer { stage.strike() }
            try Shell.makeDirectories(stage.inbox)
            try stage.start()
            for round in 0..<20 {
                for index in 0..<50 { try Shell.write(stage.path(BytePath("\(round)-\(index).jpg")), Sample.photo) }
                try Shell.makeDirectories(stage.path(BytePath("d\(round)/e")))
                try Shell.write(stage.path(BytePath("d\(round)/e/x.jpg")), Sample.photo)
                try await stage.watcher.sync()
                let snapshot = stage.watcher.snapshot
                XCTAssertEqual(snapshot.waiting.count + snapshot.reported, (round + 1) * 51)
                XCTAssertEqual(snapshot.directories, 1 + 2 * (round + 1))
            }
        }
    }

    func testSync_failsWhenTheWatcherIsStoppedOrTimeRunsOut() async throws {
        let stage = try Stage(options: options, surroundings: Surroundings(readerPause: .milliseconds(500)))
        defer { stage.strike() }
        try Shell.makeDirectories(stage.inbox)
        try stage.start()
        try await stage.expect([.watching])
        do {
            try await stage.watcher.sync(timeout: .milliseconds(20))
            XCTFail("the reader was asleep")
        } catch SyncError.timedOut {}
        stage.watcher.stop()
        do {
            try await stage.watcher.sync()
            XCTFail("nobody is watching")
        } catch SyncError.stopped {}
    }

    private var options: WatchOptions {
        var options = WatchOptions()
        options.settle = .milliseconds(200)
        return options
    }

    private func check(bursts: [Int], surroundings: Surroundings, expectedOverflows: Int = 0) async throws {
        let stage = try Stage(options: options, surroundings: surroundings, inMemory: true)
        defer { stage.strike() }
        try Shell.makeDirectories(stage.inbox)
        let watcher = DirectoryWatcher(root: stage.inbox, options: stage.options, surroundings: surroundings)
        let events = watcher.events()
        try watcher.start()
        defer { watcher.stop() }
        let total = bursts.reduce(0, +)
        let told = Task {
            var complete: [BytePath: Int] = [:]
            var notices = 0
            for await event in events {
                switch event {
                case .complete(let file): complete[file.relative, default: 0] += 1
                case .notice: notices += 1
                default: break
                }
                if complete.count == total { break }
            }
            return (complete, notices)
        }
        let giveUp = Task {
            try await Task.sleep(for: .seconds(60))
            watcher.stop()
        }
        try await watcher.sync()
        let photo = Sample.jpeg(scan: 10)
        for (number, count) in bursts.enumerated() {
            for index in 0..<count { try Shell.write(stage.path(BytePath("\(number)-\(index).jpg")), photo) }
            // Until this burst's queue has been emptied, overflow and all.
            if number + 1 < bursts.count { try await Task.sleep(for: surroundings.readerPause * 1.5) }
        }
        let (complete, notices) = await told.value
        giveUp.cancel()
        XCTAssertEqual(complete.count, total)
        XCTAssertEqual(complete.values.max(), 1, "a file was told complete twice")
        let overflows = watcher.snapshot.overflows
        XCTAssertGreaterThanOrEqual(overflows, expectedOverflows)
        XCTAssertEqual(notices, overflows > 0 ? 1 : 0, "one message, however often it happens")
    }
}
