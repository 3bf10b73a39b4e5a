import Digests
import Foundation
import Weights
import XCTest

@testable import WeightsFetch

final class WeightsFetcherTests: XCTestCase {
    private let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
    private let fetcher = WeightsFetcher(attempts: 3, timeout: 10, pause: 0.01)
    private var directory = ""
    private var path: String { directory + "/weights.pth" }

    override func setUpWithError() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("fetch-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(atPath: directory)
    }

    private func serve(_ behaviours: LoopbackServer.Behaviour...) -> LoopbackServer {
        let server = LoopbackServer(content: content, behaviours)
        addTeardownBlock { server.stop() }
        return server
    }

    private func remote(_ server: LoopbackServer, sha256: SHA256Digest? = nil) -> RemoteWeights {
        let digest = SHA256.hash(Array(content))
        return RemoteWeights(
            name: "test", fileName: "weights.pth", url: URL(string: "http://127.0.0.1:\(server.port)/weights.pth")!,
            byteCount: content.count, sha256: sha256 ?? digest)
    }

    private func fetch(_ remote: RemoteWeights) async throws {
        try await fetcher.fetch(remote, to: path) { _, _ in }
    }

    private func assertFails(_ remote: RemoteWeights, _ expected: String, line: UInt = #line) async {
        do {
            try await fetch(remote)
            XCTFail("no error", line: line)
        } catch {
            XCTAssertTrue(error is WeightsError && "\(error)".contains(expected), "\(error)", line: line)
        }
    }

    private var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: directory) }
    }

    private func assertComplete(line: UInt = #line) throws {
        XCTAssertEqual(try files, ["weights.pth"], line: line)
        XCTAssertTrue(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(content), line: line)
    }

    func testFetch_inOneGo() async throws {
        let server = serve(.ranges(cutAfter: .max))
        let last = Progress()
        try await fetcher.fetch(remote(server), to: path) { done, total in last.set(done, total) }
        try assertComplete()
        XCTAssertEqual(last.value.done, content.count)
        XCTAssertEqual(last.value.total, content.count)
        XCTAssertEqual(server.ranges, [""])

        // The file is there: nothing is asked for again.
        try await fetch(remote(server))
        XCTAssertEqual(server.ranges, [""])
    }

    func testFetch_goesOnAfterEveryCut() async throws {
        let server = serve(.ranges(cutAfter: 70_000))
        try await fetch(remote(server))
        try assertComplete()
        XCTAssertEqual(server.ranges, ["", "bytes=70000-", "bytes=140000-", "bytes=210000-", "bytes=280000-"])
    }

    func testFetch_resumesInALaterRun() async throws {
        try Data(content.prefix(123_456)).write(to: URL(fileURLWithPath: path + ".part"))
        let server = serve(.ranges(cutAfter: .max))
        try await fetch(remote(server))
        try assertComplete()
        XCTAssertEqual(server.ranges, ["bytes=123456-"])
    }

    func testFetch_startsAnewWhereTheServerKnowsNoRanges() async throws {
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + ".part"))
        try await fetch(remote(serve(.noRanges)))
        try assertComplete()
    }

    func testFetch_givesUpAndKeepsWhatArrived() async throws {
        let server = serve(.ranges(cutAfter: 1000), .ranges(cutAfter: 0))
        await assertFails(remote(server), "1000 of 300000 bytes are kept")
        XCTAssertEqual(try files, ["weights.pth.part"])
        XCTAssertEqual(server.ranges.count, 3)
    }

    func testFetch_removesAFileWithAnotherHash() async throws {
        await assertFails(remote(serve(.noRanges), sha256: SHA256.hash([])), "SHA-256")
        XCTAssertEqual(try files, [])
    }

    func testFetch_refusesWhatIsNotTheFile() async throws {
        await assertFails(remote(serve(.status(404))), "status 404")
        await assertFails(remote(serve(.tooLong(1))), "more than the expected")
        try FileManager.default.removeItem(atPath: path + ".part")
        try Data(content.prefix(10)).write(to: URL(fileURLWithPath: path + ".part"))
        await assertFails(remote(serve(.wrongRange("bytes 0-299999/300000"))), "range")
        XCTAssertEqual(try PartialFile(destination: path).size, 0)
    }

    func testFetch_refusesAnOccupiedDestination() async throws {
        let server = serve(.noRanges)
        let other = try PartialFile(destination: path)
        await assertFails(remote(server), "another process")
        other.remove()
        try Data([1]).write(to: URL(fileURLWithPath: path))
        await assertFails(remote(server), "move it away")
        XCTAssertEqual(server.ranges, [])
    }

    func testFetch_saysWhatToDoWithoutANetwork() async throws {
        let server = serve(.noRanges)
        let remote = remote(server)
        server.stop()
        await assertFails(remote, "weights import")
    }

    /// The last report, from whatever thread it came.
    private final class Progress: @unchecked Sendable {
        private let lock = NSLock()
        private var last = (done: 0, total: 0)
        func set(_ done: Int, _ total: Int) { lock.withLock { last = (done, total) } }
        var value: (done: Int, total: Int) { lock.withLock { last } }
    }
}
