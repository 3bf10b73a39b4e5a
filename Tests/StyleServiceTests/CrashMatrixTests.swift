import Foundation
import Glibc
import XCTest

@_spi(Testing) @testable import StyleService

/// The service as a process of its own, killed at every step it takes.
final class CrashMatrixTests: DirectoryTestCase {
    private var program: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("styled-victim")
    }

    private func prepare(_ lines: String = "") throws {
        _ = try write("spool: \(directory)/spool\nstate: \(directory)/state\nsettle: 0s\nstyle: '\(directory)/model.safetensors'\n\(lines)\n", "config.yaml")
        _ = try write("", "model.safetensors")
        try Files.makeDirectory(directory.appending("spool/inbox"))
    }

    private func start(_ environment: [String: String] = [:]) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = ["\(directory)/config.yaml"]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let log = "\(directory)/log"
        if !FileManager.default.fileExists(atPath: log) { _ = try write("", "log") }
        let handle = try XCTUnwrap(FileHandle(forWritingAtPath: log))
        try handle.seekToEnd()
        process.standardError = handle
        try process.run()
        return process
    }

    private func stop(_ process: Process) {
        process.terminate()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0)
    }

    private func ask(_ command: ControlRequest.Command) throws -> ControlReply {
        try ControlSocket.ask(ControlRequest(command), at: [directory.appending("state/control.sock")])
    }

    private func isIdle() -> Bool {
        guard let status = try? ask(.status).status else { return false }
        return status.activity == .idle && status.ready == 0
    }

    /// What `InstantTranslator` makes of a content.
    private func picture(_ content: String) -> [UInt8] {
        let bytes = Array(content.utf8) + [0xFF, 0xD9]
        return Array("picture:".utf8) + (bytes + [UInt8](repeating: 0, count: (3 - bytes.count % 3) % 3)).map { ~$0 }
    }

    /// Kills the service at a point, starts it again, and looks at what there is.
    private func crash(at point: FailurePoint, count: Int, photos: [String], bad: [String] = [], originals: String) throws {
        for name in photos { _ = try write(photoBytes(name), BytePath("spool/inbox/\(name)")) }
        for name in bad { _ = try write(Array("damaged \(name)".utf8), BytePath("spool/inbox/\(name)")) }
        let victim = try start(["FAIL_AT": "\(point.rawValue):\(count)"])
        let deadline = Date() + 20
        while victim.isRunning, Date() < deadline { usleep(10000) }
        XCTAssertFalse(victim.isRunning, "\(point) was reached")
        if victim.isRunning { kill(victim.processIdentifier, SIGKILL) }
        victim.waitUntilExit()
        XCTAssertEqual(victim.terminationReason, .uncaughtSignal)

        let next = try start()
        try waitUntil("the next run is done after \(point)") { isIdle() && files("spool/inbox").count == (originals == "keep" ? photos.count : 0) }
        stop(next)
        let names = photos.map { $0.replacing(".jpg", with: ".vangogh.jpg") }
        XCTAssertEqual(files("spool/outbox"), names.sorted(), "exactly one picture each after \(point)")
        for (photo, name) in zip(photos, names) {
            XCTAssertEqual(try Files.read(directory.appending("spool/outbox/\(name)")), picture(photo), "the right picture after \(point)")
        }
        XCTAssertEqual(files("spool/originals"), originals == "archive" ? photos.sorted() : [], "originals after \(point)")
        XCTAssertEqual(files("spool/failed"), bad.flatMap { [$0, "\($0).reason.txt"] }.sorted(), "failed after \(point)")
    }

    private static let photoPoints: [FailurePoint] = [
        .recorded, .claimed, .decoded, .translated, .encoded, .temporaryWritten, .publicationRecorded, .published, .styledRecorded,
        .originalMoved, .disposalRecorded,
    ]

    func testDeathAtEveryStepOfAPhoto_leavesOnePicture() throws {
        for point in Self.photoPoints {
            for count in [1, 3] where point != .recorded || count == 1 {
                try tearDownWithError()
                try setUpWithError()
                try prepare()
                try crash(at: point, count: count, photos: ["a.jpg", "b.jpg", "sub/c.jpg", "d.jpg"], originals: "archive")
            }
        }
    }

    func testDeathAtEveryStep_withOriginalsDeletedOrKept() throws {
        for policy in ["delete", "keep"] {
            for point in [FailurePoint.published, .styledRecorded, .originalMoved, .disposalRecorded] where policy == "delete" || point != .originalMoved {
                try tearDownWithError()
                try setUpWithError()
                try prepare("originals: \(policy)")
                try crash(at: point, count: 2, photos: ["a.jpg", "b.jpg", "c.jpg"], originals: policy)
            }
        }
    }

    func testDeathAtEveryStepOfAFailure_leavesOneFileWithItsReason() throws {
        for point in [FailurePoint.failureRecorded, .failedMoved, .reasonWritten, .disposalRecorded] {
            try tearDownWithError()
            try setUpWithError()
            try prepare()
            try crash(at: point, count: 1, photos: ["a.jpg"], bad: ["x.jpg", "sub/y.jpg"], originals: "archive")
        }
    }

    func testDeathWhileAnOriginalIsCopiedToAnotherMount() throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        try prepare()
        let originals = directory.appending("spool/originals")
        try Files.makeDirectory(originals)
        try XCTSkipUnless(mount("none", originals.description, "tmpfs", 0, "size=1m") == 0, "tmpfs cannot be mounted here")
        defer { umount(originals.description) }
        try crash(at: .originalCopied, count: 2, photos: ["a.jpg", "b.jpg", "c.jpg"], originals: "archive")
    }

    func testEveryFailurePoint_isWalked() {
        let walked = Set(Self.photoPoints + [.failureRecorded, .failedMoved, .reasonWritten, .originalCopied])
        XCTAssertEqual(Set(FailurePoint.allCases), walked)
    }

    func testPhotoThatKillsTheService_isQuarantined() throws {
        try prepare()
        _ = try write(photoBytes("deadly"), "spool/inbox/deadly.jpg")
        for _ in 0..<3 {
            let victim = try start(["FAIL_AT": "decoded"])
            victim.waitUntilExit()
        }
        let last = try start(["FAIL_AT": "decoded"])
        try waitUntil("it is quarantined") { files("spool/failed").count == 2 }
        stop(last)
        XCTAssertEqual(files("spool/failed"), ["deadly.jpg", "deadly.jpg.reason.txt"])
    }

    func testSecondService_isRefused() throws {
        try prepare()
        let first = try start()
        try waitUntil("the first is up") { isIdle() }
        let second = try start()
        second.waitUntilExit()
        XCTAssertEqual(second.terminationStatus, 1)
        XCTAssertTrue(try text(directory.appending("log")).contains("another cyclegan-styled (process \(first.processIdentifier)) uses the state directory"))
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
        try waitUntil("a signal reloads too") { try text(directory.appending("log")).components(separatedBy: "configuration loaded").count == 3 }
        stop(service)
    }

    func testExplainRetryAndPause() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        let socket = [directory.appending("state/control.sock")]
        func explain(_ name: String) throws -> Explanation {
            try XCTUnwrap(ControlSocket.ask(ControlRequest(.explain, file: FileName(BytePath(name))), at: socket).explanation)
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
        XCTAssertTrue(try explain("\(directory)/spool/outbox/beach.vangogh.jpg").sentences[0].contains("the picture of beach.jpg"))
        XCTAssertTrue(try explain("bad.jpg").sentences.contains { $0.contains("the JPEG is damaged") })
        try waitUntil("the failure is told") { try ask(.status).status?.lastFailures.count == 1 }

        let back = try ControlSocket.ask(ControlRequest(.retry, file: FileName(directory.appending("spool/failed/bad.jpg"))), at: socket)
        XCTAssertTrue(back.isDone, back.message ?? "")
        try waitUntil("it failed again") { try ask(.status).status?.lastFailures.count == 2 && files("spool/failed").count == 2 }
        XCTAssertTrue(try XCTUnwrap(ControlSocket.ask(ControlRequest(.retry, all: true), at: socket).message).hasPrefix("1 failed photos moved back"))
        stop(service)
        XCTAssertThrowsError(try ask(.status))
    }

    func testTenThousandPhotosAtOnce() throws {
        try prepare()
        let count = 10000
        for number in 0..<count where number % 100 != 7 { _ = try write(photoBytes("photo \(number)"), BytePath("spool/inbox/\(number % 10)/\(number).jpg")) }
        for number in 0..<count where number % 100 == 7 { _ = try write(Array("bad".utf8), BytePath("spool/inbox/\(number % 10)/\(number).jpg")) }
        let service = try start()
        defer { service.terminate() }
        try waitUntil("all are done", seconds: 300) {
            usleep(200_000)
            return !service.isRunning || isIdle() && files("spool/inbox").isEmpty
        }
        XCTAssertEqual(files("spool/outbox").count, count - count / 100)
        XCTAssertEqual(files("spool/failed").count, 2 * count / 100)
        let process = "/proc/\(service.processIdentifier)"
        let peak = try XCTUnwrap(String(contentsOfFile: "\(process)/status", encoding: .utf8).firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.1) })
        XCTAssertLessThan(peak, 120_000, "memory does not grow with the queue (kB)")

        func ticks() throws -> Int {
            let fields = try String(contentsOfFile: "\(process)/stat", encoding: .utf8).split(separator: " ")
            return Int(fields[13])! + Int(fields[14])!
        }
        sleep(2)
        let before = try ticks()
        sleep(20)
        let busy = Double(try ticks() - before) / Double(sysconf(Int32(_SC_CLK_TCK))) / 20
        XCTAssertLessThan(busy, 0.001, "an idle service uses no processor time")
        stop(service)
    }
}
