import Digests
import Foundation
import LinuxFiles
import StyleModels
import XCTest

@testable import StyleService

/// How long a photo will take, and what a stop makes of it.
final class PaceTests: ServiceTestCase {
    private let model = ModelIdentity(name: "vangogh", path: "/model", hash: SHA256.hash([1, 2]))

    private func work(progress: Double, expected: Double?, elapsed: Double, now: Date) -> WorkStatus {
        WorkStatus(
            file: InboxFile(
                inbox: "vangogh", path: "a.jpg",
                identity: FileIdentity(device: 0, inode: 0, size: 0, modified: 0, changed: 0)),
            stage: .translating, started: now, progress: progress, stageStarted: now - elapsed, expected: expected)
    }

    func testEstimate_isOfTheMeasuredPaceAndNotOfTheFirstPercent() throws {
        let now = Date()
        XCTAssertEqual(
            try XCTUnwrap(work(progress: 0.01, expected: 4, elapsed: 0.25, now: now).remaining(now: now)), 4,
            accuracy: 0.3)
        XCTAssertNil(work(progress: 0.05, expected: nil, elapsed: 1, now: now).remaining(now: now), "too early to tell")
        XCTAssertEqual(
            try XCTUnwrap(work(progress: 0.5, expected: nil, elapsed: 2, now: now).remaining(now: now)), 2,
            accuracy: 0.01)
        // The machine has become ten times slower.
        XCTAssertGreaterThan(
            try XCTUnwrap(work(progress: 0.5, expected: 4, elapsed: 20, now: now).remaining(now: now)), 10)
        XCTAssertEqual(
            try XCTUnwrap(work(progress: 1, expected: 4, elapsed: 20, now: now).remaining(now: now)), 0, accuracy: 0.01)
    }

    func testPace_isOfTheModelAndOutlivesARestart() throws {
        var pace = Pace()
        XCTAssertNil(pace.seconds(model: model, pixels: 1000))
        pace.translated(model: model, pixels: 1000, seconds: 2)
        XCTAssertEqual(try XCTUnwrap(pace.seconds(model: model, pixels: 3000)), 6, accuracy: 0.01)
        let news = try XCTUnwrap(pace.takeNews())
        XCTAssertNil(pace.takeNews())
        let later = Pace(note: news)
        XCTAssertEqual(try XCTUnwrap(later.seconds(model: model, pixels: 1000)), 2, accuracy: 0.1)
        var other = model
        other.hash = SHA256.hash([3])
        XCTAssertNil(later.seconds(model: other, pixels: 1000), "another model has another pace")
        XCTAssertNil(Pace(note: "nonsense").seconds(model: model, pixels: 1))
    }

    func testPaceOfTheQueue_isTheTimeFromPictureToPicture() throws {
        var pace = Pace()
        let start = Date()
        // Each takes three seconds from its beginning, but they overlap.
        for number in 0..<40 { pace.published(began: start + Double(number) * 2, now: start + Double(number) * 2 + 3) }
        XCTAssertEqual(try XCTUnwrap(pace.secondsPerPhoto), 2, accuracy: 0.1)
    }

    /// The first percent takes as long as a model takes to be loaded; the rest is quick.
    func testStop_finishesAPhotoWhoseBeginningWasSlow() throws {
        try prepare("stop-within: 10s")
        _ = try write(photoBytes("a"), "spool/inbox/a.jpg")
        let service = try start(["TRANSLATION_SECONDS": "2", "SLOW_START_SECONDS": "1.5"])
        try waitUntil("it has begun") { (try? ask(.status).status?.inWork.first?.percent ?? 0) ?? 0 > 0 }
        stop(service)
        XCTAssertEqual(files("spool/outbox"), ["a.vangogh.jpg"])
    }
}
