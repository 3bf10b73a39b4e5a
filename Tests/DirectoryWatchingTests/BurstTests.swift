import LinuxFiles
import XCTest

@testable import DirectoryWatching

/// Very many files at once, and proof that none was missed (T29, T30, T31, T47).
final class BurstTests: XCTestCase {
    func testTenThousandFiles_whileTheReaderPauses() async throws {
        try await check(bursts: [10000])
    }

    func testTwentyThousandFiles_whenTheKernelsQueueOverflows() async throws {
        try await check(bursts: [20000])
    }

    func testRepeatedOverflow() async throws {
        try await check(bursts: [20000, 10000, 10000])
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
        let gate = Gate()
        let stage = try Stage(options: options, surroundings: Surroundings(beforeReading: { gate.pass() }))
        defer { stage.strike() }
        try Shell.makeDirectories(stage.inbox)
        try stage.start()
        try await stage.expect([.watching])
        gate.close()
        defer { gate.open() }
        do {
            try await stage.watcher.sync(timeout: .milliseconds(20))
            XCTFail("the reader was asleep")
        } catch SyncError.timedOut {}
        gate.open()
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

    /// Drops files in bursts, each while nobody empties the kernel's queue: two events a file, of which 16384 are kept.
    private func check(bursts: [Int]) async throws {
        let gate = Gate()
        let stage = try Stage(options: options, inMemory: true)
        defer { stage.strike() }
        try Shell.makeDirectories(stage.inbox)
        let watcher = DirectoryWatcher(
            root: stage.inbox, options: stage.options, surroundings: Surroundings(beforeReading: { gate.pass() }))
        let events = watcher.events()
        try watcher.start()
        defer {
            gate.open()
            watcher.stop()
        }
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
            try await Task.sleep(for: .seconds(180))
            watcher.stop()
        }
        try await watcher.sync()
        let photo = Sample.jpeg(scan: 10)
        for (number, count) in bursts.enumerated() {
            gate.close()
            for index in 0..<count { try Shell.write(stage.path(BytePath("\(number)-\(index).jpg")), photo) }
            gate.open()
            try await watcher.sync(timeout: .seconds(120))
        }
        let (complete, notices) = await told.value
        giveUp.cancel()
        XCTAssertEqual(complete.count, total)
        XCTAssertEqual(complete.values.max(), 1, "a file was told complete twice")
        XCTAssertGreaterThanOrEqual(watcher.snapshot.overflows, bursts.count)
        XCTAssertEqual(notices, 1, "one message, however often it happens")
    }
}
