import Foundation
import Glibc
import LinuxFiles
import ServiceControl
import XCTest

@testable import StyleService

/// Several services on one spool: each photo is done once.
final class SharedSpoolTests: SharedSpoolTestCase {
    /// With SHARED_SPOOL_PHOTOS=1000 and SHARED_SPOOL_ROUNDS=20 as long as anybody likes.
    func testEveryPhotoOnce_withThreeServicesAKillAndAStop() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["SHARED_SPOOL_PHOTOS"].flatMap { Int($0) } ?? 100
        let rounds = environment["SHARED_SPOOL_ROUNDS"].flatMap { Int($0) } ?? 1
        for round in 1...rounds {
            let spool = try spool("round\(round)")
            let photos = (0..<count).map { "\($0 % 7)/p\($0).jpg" }, bad = (0..<count / 25).map { "bad\($0).jpg" }
            for name in photos { try spool.drop(name, as: name) }
            for name in bad { try spool.drop(Array("damaged \(name)".utf8), as: name) }
            let began = Date()
            for name in ["a", "b", "c"] { try spool.start(name, ["TRANSLATION_SECONDS": "0.02"]) }
            try waitUntil("a fifth is done") { spool.files("outbox").count >= count / 5 }
            spool.kill9("b")
            spool.signal("c", SIGSTOP)
            let atStop = spool.leases.count
            // Longer than a lease lasts.
            usleep(4_500_000)
            spool.signal("c", SIGCONT)
            try spool.start("b", ["TRANSLATION_SECONDS": "0.02"])
            try waitUntil("all is done", seconds: 60 + Double(count) / 4) {
                isDone(spool, photos: count, bad: bad.count)
            }
            check(spool, photos: photos, bad: bad, "in round \(round)")
            if rounds > 1 {
                let shares = ["a", "b", "c"].map { name in
                    spool.log(name).split(separator: "\n").count { $0.contains(" as ") && $0.contains(" s (") }
                }
                let lost = spool.log("c").split(separator: "\n").count { $0.contains("taken over by another service") }
                print(
                    "round \(round): \(count) photos, \(Int(Date().timeIntervalSince(began))) s, shares \(shares), "
                        + "\(atStop) leases at the stop, \(lost) lost by the one that was stopped")
            }
            for name in ["a", "b", "c"] { XCTAssertEqual(spool.stop(name), 0) }
            check(spool, photos: photos, bad: bad, "after round \(round)")
            try FileManager.default.removeItem(atPath: spool.directory.description)
        }
    }

    func testPhotosOfOneStem_getNamesOfTheirOwn() throws {
        let spool = try spool("shared", "lease: 2s\nformat: jpeg")
        for number in 0..<20 {
            for suffix in ["jpg", "png", "webp"] { try spool.drop("\(number) \(suffix)", as: "p\(number).\(suffix)") }
        }
        for name in ["a", "b"] { try spool.start(name, ["TRANSLATION_SECONDS": "0.01"]) }
        try waitUntil("all is done") { isDone(spool, photos: 60) }
        XCTAssertEqual(
            Set(spool.files("outbox")),
            Set((0..<20).flatMap { ["p\($0).vangogh.jpg", "p\($0).vangogh-1.jpg", "p\($0).vangogh-2.jpg"] }))
        let pictures = try Set(
            spool.files("outbox").map { try Files.read(spool.directory.appending("spool/outbox/\($0)")) })
        XCTAssertEqual(pictures.count, 60, "each its own")
    }

    /// The photo stays: what the others have done stands in the shared directory, and not in a ledger.
    func testPhotosThatStayInTheInbox_areDoneOnce_alsoByServicesThatComeLater() throws {
        let spool = try spool("shared", "lease: 2s\noriginals: keep")
        let photos = (0..<20).map { "p\($0).jpg" }, bad = "bad.jpg"
        for name in photos { try spool.drop(name, as: name) }
        try spool.drop([0xFF, 0xD8, 0xFF, 0xFE, 0, 3, 0x21, 0xFF, 0xD9], as: bad)
        for name in ["a", "b"] { try spool.start(name, ["TRANSLATION_SECONDS": "0.01"]) }
        try waitUntil("all is done") { isDone(spool, photos: 20, bad: 1, isKept: true) }
        check(spool, photos: photos, bad: [bad], originals: "keep")
        XCTAssertEqual(
            ["a", "b"].map { spool.log($0).split(separator: "\n").count { $0.contains("failed: bad.jpg") } }.reduce(
                0, +), 1,
            "one of them has found that it is none")
        XCTAssertEqual(spool.stop("a"), 0)
        // One that knows nothing, and one that has missed that they were touched.
        for name in photos { utimes("\(spool.directory)/spool/inbox/\(name)", nil) }
        try spool.start("a")
        try spool.start("c")
        try waitUntil("both have seen everything") {
            ["a", "b", "c"].allSatisfy { name in
                guard let totals = try? spool.ask(name, ControlRequest(.status)).status?.totals else { return false }
                return totals["styled"] == 20 && totals["failed"] == 1
            } && spool.areAllIdle
        }
        XCTAssertEqual(spool.files("outbox").count, 20)
        // Those that b had done before a first looked are known by their pictures alone.
        let said = try photos.filter { spool.log("b").contains("styled \($0) as ") }.map { photo in
            let file = FileReference(spool.directory.appending("spool/inbox/\(photo)"))
            return try spool.ask("a", ControlRequest(.explain, file: file)).explanation?.sentences ?? []
        }
        XCTAssertTrue(said.contains { $0.first?.contains(" by the service on ") ?? false }, "\(said)")
        XCTAssertTrue(
            said.allSatisfy { $0.contains { $0.hasPrefix("Its picture is \(spool.directory)/spool/outbox/") } },
            "\(said)")
        // Tried again on somebody's wish, and once.
        XCTAssertTrue(
            try spool.ask(
                "c", ControlRequest(.retry, file: FileReference(spool.directory.appending("spool/inbox/\(bad)")))
            )
            .isDone)
        try waitUntil("it has failed again") { spool.log("c").contains("failed: bad.jpg") }
        for name in ["a", "b", "c"] { XCTAssertEqual(spool.stop(name), 0) }
    }

    func testStatusAndExplain_sayWhatIsInWorkElsewhere() throws {
        try XCTSkipUnless(Spool.hasNamespaces, "needs root, for machines with names of their own")
        let spool = try spool("shared", "lease: 1h\nstop-within: 0s")
        try spool.drop("sea", as: "beach.jpg")
        try spool.start("a", ["TRANSLATION_SECONDS": "60"])
        try waitUntil("a has it") { spool.leases.count == 1 }
        try spool.start("b")
        try waitUntil("b knows") {
            (try? spool.ask("b", ControlRequest(.status)).status?.elsewhere?.map(\.host)) == ["host-a"]
        }
        let status = try XCTUnwrap(try spool.ask("b", ControlRequest(.status)).status)
        XCTAssertEqual(status.elsewhere?.map(\.file.path), ["beach.jpg"])
        XCTAssertEqual(status.inboxes.map(\.state), ["polling: as configured"])
        let file = FileReference(spool.directory.appending("spool/inbox/beach.jpg"))
        try waitUntil("it says who") {
            let said = try spool.ask("b", ControlRequest(.explain, file: file)).explanation?.sentences ?? []
            return said.contains { $0.hasPrefix("It is in work elsewhere, by the service on host-a (process ") }
        }
        // A stop gives it to the other at once, whatever the lease.
        spool.signal("a", SIGTERM)
        try waitUntil("b has done it") { spool.files("outbox") == ["beach.vangogh.jpg"] }
        XCTAssertEqual(spool.stop("b"), 0)
    }

    func testFullDisk_putsEverythingOffAndLosesNothing() throws {
        _ = try mountMemory("shared/spool", options: "size=600k")
        let spool = try spool()
        let photos = (0..<20).map { "p\($0).jpg" }
        for name in photos { try spool.drop(name, as: name) }
        for name in ["a", "b"] { try spool.start(name, ["TRANSLATION_SECONDS": "0.5"]) }
        try waitUntil("they work") { !spool.files("outbox").isEmpty }
        let filler = try fill("shared/spool/filler")
        try waitUntil("they say that nothing can be written") {
            ["a", "b"].allSatisfy { spool.log($0).contains("writing pauses") }
        }
        XCTAssertEqual(spool.files("failed"), [])
        try Files.unlink(filler)
        try waitUntil("all is done") { isDone(spool, photos: 20) }
        check(spool, photos: photos)
        for name in ["a", "b"] { XCTAssertEqual(spool.stop(name), 0) }
    }

    /// What is left of a service that never comes back, also of photos that are not in the inbox any more.
    func testWhatADeadServiceLeft_isCleanedUp() throws {
        let spool = try spool()
        try spool.drop("sea", as: "beach.jpg")
        try spool.drop("lake", as: "boat.jpg")
        try spool.start("a", ["FAIL_AT": "originalMoved:2"])
        try waitUntil("it has died") { !spool.isRunning("a") }
        spool.kill9("a")
        XCTAssertEqual(spool.files("inbox"), [])
        XCTAssertEqual(spool.leases.count, 1)
        try spool.start("b")
        try waitUntil("nothing is left") {
            spool.leases.isEmpty && spool.files("leases/decided").isEmpty && spool.areAllIdle
        }
        XCTAssertEqual(spool.files("outbox"), ["beach.vangogh.jpg", "boat.vangogh.jpg"])
        XCTAssertEqual(spool.files("originals"), ["beach.jpg", "boat.jpg"])
        XCTAssertEqual(spool.stop("b"), 0)
    }
}
