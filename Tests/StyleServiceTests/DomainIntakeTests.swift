import Digests
import Foundation
import LinuxFiles
import Logging
import Photos
import Retraining
import ServiceConfiguration
import XCTest

@testable import StyleService

/// Images come into the domains' directories and go, and what training reads follows.
final class DomainIntakeTests: DirectoryTestCase {
    private var ledger: Ledger!
    private var intake: DomainIntake!
    private let paintings = DomainKey("vangogh", .paintings), photos = DomainKey("vangogh", .photos)
    private let keeping = DomainGuard()

    override func setUpWithError() throws {
        try super.setUpWithError()
        _ = try write("", "state/nothing")
        ledger = try Ledger(directory.appending("state/ledger.sqlite"))
    }

    override func tearDownWithError() throws {
        intake?.stop()
        try ledger.close()
        try super.tearDownWithError()
    }

    private func start(_ lines: String = "") throws {
        let configuration = try configuration(lines)
        for directory in configuration.workDirectories { try Files.makeDirectory(directory.path) }
        intake = DomainIntake(configuration, ledger: ledger, keeping: keeping, logger: Logger(label: "test"))
        try intake.start()
        try intake.apply(configuration)
    }

    private func drop(_ number: Int, _ name: String, _ key: DomainKey) throws {
        try write(TrainingTestCase.image(number), BytePath("spool/domains/\(key)/\(name)"))
    }

    private func count(_ key: DomainKey) throws -> Int { try ledger.domainCount(key).images }

    private func copies(_ key: DomainKey) -> Int { files("state/domains/\(key)").count }

    func testImages_areTakenInOnceEach_andForgottenWithTheirLastFile() throws {
        try start()
        try drop(1, "a.png", paintings)
        try drop(2, "deep/b.png", paintings)
        try drop(1, "again.png", paintings)
        try drop(1, "a.png", photos)
        try waitUntil("they are taken in") {
            try ledger.domainFiles(paintings, .directory).count == 3 && count(photos) == 1
        }
        XCTAssertEqual(try count(paintings), 2, "the same content twice counts once")
        XCTAssertEqual(copies(paintings), 2)
        try Files.unlink(directory.appending("spool/domains/\(paintings)/a.png"))
        try waitUntil("it is noticed") { try ledger.domainFiles(paintings, .directory).count == 2 }
        XCTAssertEqual(try count(paintings), 2, "another file has that content")
        try Files.unlink(directory.appending("spool/domains/\(paintings)/again.png"))
        try waitUntil("it is forgotten") { try count(paintings) == 1 && copies(paintings) == 1 }
        XCTAssertEqual(try count(photos), 1, "the other domain has its own")
        // Overwritten with another image.
        try drop(3, "deep/b.png", paintings)
        try waitUntil("it is the other one") {
            try ledger.domainImages(paintings) == [SHA256.hash(TrainingTestCase.image(3))] && copies(paintings) == 1
        }
    }

    func testFileThatIsNoImage_goesToFailedWithItsReason() throws {
        try start()
        _ = try write("no image", "spool/domains/\(paintings)/deep/note.png")
        try waitUntil("it is refused, and the reason written") {
            files("spool/domains/vangogh/failed") == ["paintings/deep/note.png", "paintings/deep/note.png.reason.txt"]
        }
        let reason = try text(directory.appending("spool/domains/vangogh/failed/paintings/deep/note.png.reason.txt"))
        XCTAssertTrue(reason.contains("note.png cannot be learnt from."), reason)
        XCTAssertTrue(reason.contains("Domain:   vangogh/paintings"), reason)
        XCTAssertEqual(try count(paintings), 0)
    }

    func testStart_findsWhatHappenedMeanwhile() throws {
        try start()
        for number in 1...4 { try drop(number, "\(number).png", paintings) }
        try waitUntil("they are taken in") { try count(paintings) == 4 }
        intake.stop()
        try Files.unlink(directory.appending("spool/domains/\(paintings)/1.png"))
        // A copy that is gone, one that a crash left behind, and one that was being written.
        let images = try ["2", "3"].map {
            SHA256.hash(try Files.read(directory.appending("spool/domains/\(paintings)/\($0).png")))
        }
        try Files.unlink(directory.appending("state/domains/\(paintings)/\(images[0]).jpg"))
        _ = try write("x", "state/domains/\(paintings)/\(SHA256.hash([9])).jpg")
        _ = try write("x", "state/domains/\(paintings)/.writing-1-x.tmp")
        try drop(5, "5.png", paintings)
        try start()
        try waitUntil("all is as it should be") { try count(paintings) == 4 && copies(paintings) == 4 }
        XCTAssertEqual(
            try ledger.domainFiles(paintings, .directory).map(\.path.description).sorted(),
            ["2.png", "3.png", "4.png", "5.png"])
        XCTAssertEqual(files("state/domains/\(paintings)").filter { !$0.hasSuffix(".jpg") }, [])
    }

    /// An unmounted directory is not one whose images were taken away.
    func testDirectoryThatIsNotThere_losesNothing() throws {
        try start()
        try drop(1, "a.png", paintings)
        try waitUntil("it is taken in") { try count(paintings) == 1 }
        intake.stop()
        try FileManager.default.moveItem(
            atPath: directory.appending("spool/domains").description, toPath: directory.appending("away").description)
        let configuration = try configuration()
        intake = DomainIntake(configuration, ledger: ledger, keeping: keeping, logger: Logger(label: "test"))
        try intake.start()
        XCTAssertEqual(try count(paintings), 1)
        XCTAssertEqual(copies(paintings), 1)
    }

    // MARK: Photos of inboxes

    private func learn(
        _ learned: LearnedPhotos, _ numbers: Range<Int>, _ configuration: ServiceConfiguration.Configuration
    ) throws {
        for number in numbers {
            var photo = try PhotoDecoder.decode(bytes: TrainingTestCase.image(number))
            photo.metadata.profile = "secret"
            learned.add(photo, SHA256.hash([UInt8(number & 255), UInt8(number >> 8)]), inbox: "vangogh", configuration)
        }
    }

    func testPhotosOfAnInbox_areLearntFrom_whereTheStyleWantsThem() throws {
        let learned = LearnedPhotos(ledger: ledger, keeping: keeping, logger: Logger(label: "test"))
        try learn(learned, 0..<3, configuration())
        XCTAssertEqual(try count(photos), 0, "none is wanted")
        let wanted = try configuration("styles: {vangogh: {learn-from: [vangogh]}}")
        try learn(learned, 0..<3, wanted)
        try learn(learned, 0..<3, wanted)
        XCTAssertEqual(try count(photos), 3)
        XCTAssertEqual(try ledger.domainCount(photos).new, 3)
        let copy = try Files.read(
            directory.appending("state/domains/\(photos)/\(XCTUnwrap(files("state/domains/\(photos)").first))"))
        XCTAssertNil(String(decoding: copy, as: UTF8.self).range(of: "secret"))
        // A style that does not learn from it any more forgets them.
        try start("styles: {vangogh: {learn-from: []}}")
        try waitUntil("they are forgotten") { try count(photos) == 0 && copies(photos) == 0 }
    }

    func testSampleOfAnInbox_isBounded_andDoesNotDependOnTheOrder() throws {
        let configuration = try configuration("styles: {vangogh: {learn-from: [vangogh]}}")
        let learned = LearnedPhotos(ledger: ledger, keeping: keeping, logger: Logger(label: "test"), most: 5)
        try learn(learned, 0..<20, configuration)
        let sample = try ledger.domainImages(photos)
        XCTAssertEqual(sample.count, 5)
        XCTAssertEqual(copies(photos), 5)
        let all = (0..<20).map { SHA256.hash([UInt8($0), 0]) }.sorted {
            LearnedPhotos.rank($0) < LearnedPhotos.rank($1)
        }
        XCTAssertEqual(sample, Set(all.prefix(5)))
        let sides = DomainSplit.sides(
            of: Set(
                (0..<200).map { SHA256.hash([UInt8($0), 1]) }.sorted {
                    LearnedPhotos.rank($0) < LearnedPhotos.rank($1)
                }.prefix(60)))
        XCTAssertLessThan(sides.values.count { $0 == .heldOut }, 30, "the sample's rank is not the split's")
    }
}
