import Digests
import Foundation
import Glibc
import LinuxFiles
import Publishing
import ServiceConfiguration
import ServiceControl
import XCTest

@testable import StyleService

/// What the whole service does, asked over its socket.
final class ServiceTests: ServiceTestCase {
    /// T43
    func testSecondService_isRefused() throws {
        try prepare()
        let first = try start()
        try waitUntil("the first is up") { isIdle() }
        let second = try start()
        second.waitUntilExit()
        XCTAssertEqual(second.terminationStatus, 1)
        XCTAssertTrue(
            try text(directory.appending("log")).contains(
                "another cyclegan-styled (process \(first.processIdentifier)) uses the state directory"))
        XCTAssertTrue(isIdle(), "the first goes on, and its socket too")
        stop(first)
    }

    func testStop_finishesAShortPhotoAndAbandonsALongOne() throws {
        try prepare("stop-within: 3s")
        _ = try write(photoBytes("a"), "spool/inbox/a.jpg")
        let short = try start(["TRANSLATION_SECONDS": "1"])
        try waitUntil("it is in work") { (try? ask(.status).status?.inWork.first?.percent ?? 0) ?? 0 > 0 }
        stop(short)
        XCTAssertEqual(files("spool/outbox"), ["a.vangogh.jpg"])

        _ = try write(photoBytes("b"), "spool/inbox/b.jpg")
        let long = try start(["TRANSLATION_SECONDS": "60"])
        try waitUntil("it is in work") { (try? ask(.status).status?.inWork.first?.percent ?? 0) ?? 0 > 0 }
        let before = Date()
        stop(long)
        XCTAssertLessThan(Date().timeIntervalSince(before), 10, "a photo that needs too long is given up at once")
        XCTAssertEqual(files("spool/outbox"), ["a.vangogh.jpg"])
        XCTAssertEqual(files("spool/inbox"), ["b.jpg"])
    }

    func testReload_takesAGoodConfigurationAndRefusesABadOne() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        let good = try text(directory.appending("config.yaml"))
        _ = try write(good + "qualty: 3\n", "config.yaml")
        let refused = try ask(.reload)
        XCTAssertFalse(refused.isDone)
        XCTAssertEqual(refused.problems, ["\(directory)/config.yaml:6:1: unknown key 'qualty' (did you mean quality?)"])
        XCTAssertEqual(try ask(.status).status?.refusedConfiguration, refused.problems?.first)
        _ = try write(good + "inboxes: {monet: {inbox: second}}\n", "config.yaml")
        XCTAssertTrue(try ask(.reload).isDone)
        XCTAssertNil(try ask(.status).status?.refusedConfiguration)
        _ = try write(photoBytes("pond"), "spool/second/pond.jpg")
        try waitUntil("the new inbox is served") { files("spool/outbox") == ["pond.monet.jpg"] }
        kill(service.processIdentifier, SIGHUP)
        try waitUntil("a signal reloads too") {
            try text(directory.appending("log")).components(separatedBy: "configuration loaded").count == 3
        }
        stop(service)
    }

    func testExplainRetryAndPause() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        let socket = [directory.appending("state/control.sock")]
        func explain(_ name: String) throws -> Explanation {
            try XCTUnwrap(
                ControlSocket.ask(ControlRequest(.explain, file: FileReference(BytePath(name))), at: socket).explanation
            )
        }
        XCTAssertTrue(try ask(.pause).isDone)
        _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        _ = try write(Array("bad".utf8), BytePath("spool/inbox/bad.jpg"))
        _ = try write("", "spool/inbox/empty.jpg")
        _ = try write("x", "spool/inbox/upload.jpg.part")
        try waitUntil("both are recorded") { try ask(.status).status?.ready == 2 }
        XCTAssertTrue(try explain("beach.jpg").sentences.contains { $0.contains("paused") })
        XCTAssertEqual(try explain("upload.jpg.part").state, "not taken")
        XCTAssertTrue(try explain("\(directory)/spool/inbox/empty.jpg").sentences[0].contains("empty"))
        XCTAssertTrue(try explain("nothing.jpg").sentences[0].contains("no such file"))
        XCTAssertTrue(try explain("/etc/passwd").sentences[0].contains("in no inbox"))
        XCTAssertTrue(try ask(.resume).isDone)
        try waitUntil("both are done") { isIdle() && files("spool/failed").count == 2 }
        XCTAssertEqual(try explain("beach.jpg").state, "styled")
        XCTAssertTrue(
            try explain("\(directory)/spool/outbox/beach.vangogh.jpg").sentences[0].contains("the picture of beach.jpg")
        )
        XCTAssertTrue(try explain("bad.jpg").sentences.contains { $0.contains("the JPEG is damaged") })
        try waitUntil("the failure is told") { try ask(.status).status?.lastFailures.count == 1 }

        let back = try ControlSocket.ask(
            ControlRequest(.retry, file: FileReference(directory.appending("spool/failed/bad.jpg"))), at: socket)
        XCTAssertTrue(back.isDone, back.message ?? "")
        try waitUntil("it failed again") {
            try explain("bad.jpg").history.map(\.originalState) == ["setAside", "broughtBack"]
        }
        let status = try XCTUnwrap(ask(.status).status)
        XCTAssertEqual(status.lastFailures.count, 1, "a failure that was tried again counts once")
        XCTAssertEqual(status.totals["failed"], 1)
        XCTAssertTrue(status.sentence.contains("1 failed since the start"), status.sentence)
        XCTAssertTrue(
            try XCTUnwrap(ControlSocket.ask(ControlRequest(.retry, all: true), at: socket).message).hasPrefix(
                "1 failed photo tried again"))
        stop(service)
        XCTAssertThrowsError(try ask(.status))
    }

    private func threads(_ process: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(process)/task").map { thread in
            (try? String(contentsOfFile: "\(process)/task/\(thread)/comm", encoding: .utf8).trimmingCharacters(
                in: .newlines)) ?? ""
        }
    }

    /// T45: what the service writes below an inbox is no photo, in two layouts.
    func testDirectoriesInsideTheInbox_areNotLookedThrough() throws {
        let layouts = [
            (
                "spool/photos",
                "state: \(directory)/state\ninboxes: {vangogh: {inbox: photos, outbox: photos/pictures, failed: "
                    + "photos/pictures-failed}}",
                "spool/photos/pictures"
            ),
            (
                "everything",
                "state: \(directory)/everything/state\ninboxes: {vangogh: {inbox: \(directory)/everything}}\n",
                "everything/outbox"
            ),
        ]
        for (inbox, lines, outbox) in layouts {
            let spool = inbox == "everything" ? "everything" : "spool"
            _ = try write("", "model.safetensors")
            _ = try write(
                "spool: \(directory)/\(spool)\nsettle: 0s\nrescan: 1s\nstyle: "
                    + "'\(directory)/model.safetensors'\n\(lines)\n",
                "config.yaml")
            try Files.makeDirectory(directory.appending(inbox))
            let socket = directory.appending(
                inbox == "everything" ? "everything/state/control.sock" : "state/control.sock")
            for round in 0..<2 {
                let service = try start()
                _ = try write(photoBytes("a\(round)"), BytePath("\(inbox)/a\(round).jpg"))
                _ = try write(photoBytes("b\(round)"), BytePath("\(inbox)/trip/b\(round).jpg"))
                try waitUntil("both are styled") { files(outbox).count == 2 * (round + 1) }
                // Longer than until everything has been looked at again.
                sleep(2)
                XCTAssertEqual(files(outbox).count, 2 * (round + 1), "no picture is taken for a photo")
                let report = try XCTUnwrap(ControlSocket.ask(ControlRequest(.status), at: [socket]).status)
                XCTAssertEqual(report.totals, ["styled": 2 * (round + 1)])
                let picture = directory.appending("\(outbox)/a\(round).vangogh.jpg")
                let explanation = try XCTUnwrap(
                    ControlSocket.ask(ControlRequest(.explain, file: FileReference(picture)), at: [socket]).explanation)
                XCTAssertEqual(
                    explanation.sentences.first, "This is the picture of a\(round).jpg from the inbox vangogh.")
                stop(service)
            }
        }
    }

    /// T14, T34: permissions, another name and attributes make no new photo of one that stays in its inbox.
    func testChangeOfStatusOnly_doesNotStyleAgain() throws {
        try prepare("originals: keep\nduplicates: again")
        let service = try start()
        let photo = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        try waitUntil("it is styled") { files("spool/outbox").count == 1 && isIdle() }
        let before = try XCTUnwrap(Files.identity(of: photo))
        XCTAssertEqual(chmod(photo.description, 0o600), 0)
        XCTAssertEqual(link(photo.description, "\(directory)/elsewhere.jpg"), 0)
        SourceMark(before, hash: SHA256.hash([]), modelHash: SHA256.hash([]), settings: "x")
            .write(to: try Descriptor.forReading(photo))
        XCTAssertNotEqual(try Files.identity(of: photo)?.changed, before.changed)
        // What comes later is told later.
        _ = try write(photoBytes("hill"), "spool/inbox/hill.jpg")
        try waitUntil("the later one is styled") {
            try files("spool/outbox").contains("hill.vangogh.jpg") && isIdle()
                && ask(.status).status?.inboxes.first?.settling == 0
        }
        XCTAssertEqual(files("spool/outbox"), ["beach.vangogh.jpg", "hill.vangogh.jpg"])
        let history = try XCTUnwrap(
            ControlSocket.ask(ControlRequest(.explain, file: FileReference(photo)), at: [socket]).explanation?.history)
        XCTAssertEqual(history.count, 1)
        stop(service)
    }

    /// T39: a service that is started on a full disk is there when there is room.
    func testFullDiskAtTheStart_isWaitedFor() throws {
        try prepare()
        _ = try mountMemory("state", options: "size=2m")
        let filler = try fill("state/filler")
        _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        for isStopped in [true, false] {
            let service = try start()
            try waitUntil("it says that it waits") {
                try text(directory.appending("log")).components(separatedBy: "the start waits: ").count
                    == (isStopped ? 2 : 3)
            }
            XCTAssertTrue(service.isRunning)
            if !isStopped {
                try Files.unlink(filler)
                try waitUntil("the photo is styled") { files("spool/outbox") == ["beach.vangogh.jpg"] && isIdle() }
            }
            stop(service)
        }
    }

    /// T39: a quota of the user that the service runs as. (Root has none.)
    func testQuota_pausesAndGoesOn() throws {
        try XCTSkipUnless(FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"), "needs setpriv(1)")
        try prepare()
        let outbox = try mountMemory("spool/outbox", options: "size=1m,usrquota,usrquota_block_hardlimit=64k")
        let nobody = "65534"
        let filler = try write(String(repeating: "x", count: 65536), "spool/outbox/filler")
        XCTAssertEqual(chown(filler.description, 65534, 65534), 0)
        for name in ["", "/spool", "/spool/inbox", "/spool/outbox"] {
            XCTAssertEqual(chown("\(directory)\(name)", 65534, 65534), 0)
        }
        _ = try write("", "log")
        let service = try start(through: ["/usr/bin/setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"])
        _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        XCTAssertEqual(chown("\(directory)/spool/inbox/beach.jpg", 65534, 65534), 0)
        try waitUntil("output pauses") { (try? ask(.status).status?.activity) == .blocked }
        XCTAssertTrue(try XCTUnwrap(ask(.status).status?.sentence).contains("quota"))
        try Files.unlink(outbox.appending("filler"))
        try waitUntil("it goes on") { files("spool/outbox") == ["beach.vangogh.jpg"] && isIdle() }
        stop(service)
    }

    func testStatus_tellsOfATrainingUntilItsProcessIsGone() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        XCTAssertEqual(try ask(.status).status?.training, [])
        let trainer = Process(), input = Pipe()
        trainer.executableURL = program
        trainer.arguments = ["--train", socket.description, "/runs/monet"]
        trainer.standardInput = input
        try trainer.run()
        try waitUntil("the training is told") { try ask(.status).status?.training.isEmpty == false }
        XCTAssertEqual(
            try ask(.status).status?.training,
            [
                TrainingReport(
                    run: BytePath("/runs/monet"), iteration: 120, total: 1000, losses: ["generators": 5.25],
                    imagesPerSecond: 0.5,
                    secondsLeft: 1760)
            ])
        input.fileHandleForWriting.closeFile()
        trainer.waitUntilExit()
        XCTAssertEqual(try ask(.status).status?.training, [])
        stop(service)
    }

    func testTrainingThatFallsSilent_isForgotten() {
        let runs = TrainingRuns(), now = ContinuousClock.now
        func report(_ run: String, _ iteration: Int) -> TrainingReport {
            TrainingReport(
                run: BytePath(run), iteration: iteration, total: nil, losses: [:], imagesPerSecond: 1, secondsLeft: nil)
        }
        runs.tell(report("/a", 1), from: getpid(), now: now)
        runs.tell(report("/a", 2), from: getpid(), now: now + .seconds(60))
        runs.tell(report("/b", 1), from: 0, now: now + .seconds(500))
        XCTAssertEqual(runs.current(now: now + .seconds(600)).map(\.iteration), [2, 1], "the latest of each")
        XCTAssertEqual(runs.current(now: now + .seconds(700)).map(\.run.path), ["/b"])
    }

    func testReporter_isSilentWithoutAService_andGoesOnWhenOneComes() throws {
        try prepare()
        let reporter = TrainingReporter(candidates: [socket], interval: .zero)
        let report = TrainingReport(
            run: BytePath("/r"), iteration: 1, total: nil, losses: [:], imagesPerSecond: 1, secondsLeft: nil)
        for _ in 0..<3 { reporter.tell(report) }
        XCTAssertThrowsError(try ask(.status))
        let service = try start()
        try waitUntil("a later report is told") {
            reporter.tell(report)
            return (try? ask(.status))?.status?.training == [report]
        }
        stop(service)
    }

    func testTenThousandPhotosAtOnce() throws {
        try prepare()
        let count = 10000
        for number in 0..<count where number % 100 != 7 {
            _ = try write(photoBytes("photo \(number)"), BytePath("spool/inbox/\(number % 10)/\(number).jpg"))
        }
        for number in 0..<count where number % 100 == 7 {
            _ = try write(Array("bad".utf8), BytePath("spool/inbox/\(number % 10)/\(number).jpg"))
        }
        let service = try start()
        defer { service.terminate() }
        try waitUntil("all are done", seconds: 900) {
            usleep(200_000)
            return !service.isRunning || isIdle() && files("spool/inbox").isEmpty
        }
        XCTAssertEqual(files("spool/outbox").count, count - count / 100)
        XCTAssertEqual(files("spool/failed").count, 2 * count / 100)
        let process = "/proc/\(service.processIdentifier)"
        let peak = try XCTUnwrap(
            String(contentsOfFile: "\(process)/status", encoding: .utf8).firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap {
                Int($0.1)
            })
        XCTAssertLessThan(peak, 120_000, "memory does not grow with the queue (kB)")

        // The scheduler's nanoseconds: ticks are too coarse where others keep the machine busy.
        func used() throws -> Double {
            try FileManager.default.contentsOfDirectory(atPath: "\(process)/task").reduce(0) { sum, thread in
                let text = (try? String(contentsOfFile: "\(process)/task/\(thread)/schedstat", encoding: .utf8)) ?? ""
                return sum + (Double(text.split(separator: " ").first ?? "") ?? 0) / 1e9
            }
        }
        try waitUntil("housekeeping is done") {
            try Set(threads(process)).isDisjoint(with: ["housekeeping", "sweeping"])
        }
        // What others do on the machine makes the same work take longer: the quietest of three spells counts.
        var busy = 1.0
        for _ in 0..<3 where busy >= 0.001 {
            let before = try used()
            sleep(20)
            busy = try min(busy, (used() - before) / 20)
        }
        print(String(format: "idle service: %.4f %% of a core", busy * 100))
        XCTAssertLessThan(busy, 0.001, "an idle service uses no processor time")
        stop(service)
    }
}
