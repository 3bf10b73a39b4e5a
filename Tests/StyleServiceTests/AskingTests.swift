import Foundation
import Glibc
import LinuxFiles
import ServiceControl
import XCTest

@testable import StyleService

/// `status`, `explain`, `retry` and `redo`, asked over the socket.
final class AskingTests: ServiceTestCase {
    private func explain(_ name: BytePath, from place: BytePath? = nil) throws -> Explanation {
        let file = place.map { FileReference(typed: name, in: $0) } ?? FileReference(name)
        return try XCTUnwrap(ControlSocket.ask(ControlRequest(.explain, file: file), at: [socket]).explanation)
    }

    private func send(
        _ command: ControlRequest.Command, _ name: BytePath, style: String? = nil, strength: Double? = nil
    ) throws -> ControlReply {
        try ControlSocket.ask(
            ControlRequest(command, file: FileReference(name), style: style, strength: strength), at: [socket])
    }

    private func styled(_ count: Int) throws {
        try waitUntil("\(count) are styled") { files("spool/outbox").count == count && isIdle() }
    }

    // MARK: status

    func testQueueOfAPausedService_isInItsSentence() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        XCTAssertTrue(try ask(.pause).isDone)
        for number in 0..<5 { _ = try write(photoBytes("\(number)"), BytePath("spool/inbox/\(number).jpg")) }
        try waitUntil("all are ready") { try ask(.status).status?.ready == 5 }
        XCTAssertTrue(try XCTUnwrap(ask(.status).status?.sentence).contains("5 queued"))
        stop(service)
    }

    /// systemd learns of it as well, although nothing is in work: its socket is read here.
    func testQueueOfAPausedService_isToldToSystemd() throws {
        try prepare()
        let path = "\(directory)/notify"
        let listener = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(listener) }
        var address = try ControlSocket.address(BytePath(path))
        XCTAssertEqual(
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }, 0)
        let service = try start(["NOTIFY_SOCKET": path])
        try waitUntil("it is up") { isIdle() }
        XCTAssertTrue(try ask(.pause).isDone)
        for number in 0..<5 { _ = try write(photoBytes("\(number)"), BytePath("spool/inbox/\(number).jpg")) }
        try waitUntil("systemd knows of five", seconds: 20) {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = recv(listener, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                guard count > 0 else { return false }
                if String(decoding: buffer[..<count], as: UTF8.self).contains("5 queued") { return true }
            }
        }
        stop(service)
    }

    func testFilesThatNobodyMayRead_areANumberOfTheirOwn() throws {
        try XCTSkipUnless(
            geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"),
            "needs root and setpriv(1)")
        try prepare()
        _ = try write(photoBytes("secret"), "spool/inbox/secret.jpg")
        _ = try write("", "spool/inbox/empty.jpg")
        _ = try write(photoBytes("deep"), "spool/inbox/closed/deep.jpg")
        for name in ["", "/spool", "/spool/inbox", "/model.safetensors"] {
            XCTAssertEqual(chown("\(directory)\(name)", 65534, 65534), 0)
        }
        XCTAssertEqual(chmod("\(directory)/spool/inbox/secret.jpg", 0), 0)
        XCTAssertEqual(chmod("\(directory)/spool/inbox/closed", 0), 0)
        let service = try start(through: ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
        try waitUntil("they were looked at") { (try? ask(.status).status?.inboxes.first?.unreadable) == 2 }
        let inbox = try XCTUnwrap(ask(.status).status?.inboxes.first)
        XCTAssertEqual([inbox.settling, inbox.empty], [0, 1])
        XCTAssertTrue(try explain("secret.jpg").sentences[0].contains("it cannot be read (Permission denied)"))
        XCTAssertTrue(
            try explain("closed/deep.jpg").sentences.joined().contains("closed cannot be read (Permission denied)"))
        XCTAssertEqual(chmod("\(directory)/spool/inbox/secret.jpg", 0o644), 0)
        try waitUntil("it is styled once it may be read") { files("spool/outbox") == ["secret.vangogh.jpg"] }
        stop(service)
    }

    func testFailureBroughtBackByHand_countsOnce() throws {
        try prepare()
        let service = try start()
        _ = try write(Array("bad".utf8), BytePath("spool/inbox/bad.jpg"))
        try waitUntil("it failed") { files("spool/failed").count == 2 && isIdle() }
        try Files.rename(directory.appending("spool/failed/bad.jpg"), to: directory.appending("spool/inbox/bad.jpg"))
        try waitUntil("it failed again") { try explain("bad.jpg").history.count == 2 && isIdle() }
        try waitUntil("it lies there again") { files("spool/failed").contains("bad.jpg") }
        XCTAssertEqual(try ask(.status).status?.totals, ["failed": 1])
        XCTAssertEqual(try ask(.status).status?.lastFailures.count, 1)
        stop(service)
    }

    // MARK: explain

    func testDonePhoto_isKnownByThePlaceWhereItWasDropped() throws {
        try prepare()
        let service = try start()
        _ = try write(photoBytes("sea"), "spool/inbox/trip/beach.jpg")
        try styled(1)
        let trip = directory.appending("spool/inbox/trip")
        XCTAssertEqual(try explain("beach.jpg", from: trip).state, "styled", "the file is gone, the place is not")
        XCTAssertEqual(
            try explain("./trip/../trip/beach.jpg", from: directory.appending("spool/inbox")).state, "styled")
        XCTAssertEqual(symlink("\(directory)/spool/inbox", "\(directory)/link"), 0)
        XCTAssertEqual(try explain(BytePath("\(directory)/link/trip/beach.jpg"), from: "/").state, "styled")
        XCTAssertEqual(try explain("beach.jpg", from: "/").state, "styled", "by its name alone")
        XCTAssertEqual(try explain("trip/beach.vangogh.jpg", from: "/").state, "styled", "by its picture's name")
        XCTAssertEqual(try explain("trip/beach.jpg", from: directory.appending("spool/originals")).state, "styled")
        stop(service)
    }

    func testFileThatTheServiceCannotSee_isKnownByItsContent() throws {
        try prepare()
        let service = try start()
        _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        try styled(1)
        // As below a home directory: the service is given no path that it can look at.
        let home = directory.appending("home")
        _ = try write(photoBytes("sea"), "home/holiday 1.jpg")
        var file = FileReference(typed: "holiday 1.jpg", in: home)
        file.path = FileName("/home/nobody/holiday 1.jpg")
        var explanation = try XCTUnwrap(
            ControlSocket.ask(ControlRequest(.explain, file: file), at: [socket]).explanation)
        XCTAssertEqual(explanation.state, "styled")
        XCTAssertTrue(explanation.sentences[0].contains("same content as beach.jpg"), explanation.sentences[0])
        // A copy of the picture.
        _ = try write(Files.read(directory.appending("spool/outbox/beach.vangogh.jpg")), "home/beach.vangogh.jpg")
        XCTAssertEqual(try explain("beach.vangogh.jpg", from: home).state, "styled")
        _ = try write(photoBytes("other"), "home/beach.jpg")
        file = FileReference(typed: BytePath("\(home)/beach.jpg"), in: "/")
        explanation = try XCTUnwrap(ControlSocket.ask(ControlRequest(.explain, file: file), at: [socket]).explanation)
        XCTAssertEqual(explanation.state, "unknown", "another photo of that name is not meant")
        XCTAssertEqual(
            try explain("beach.jpg", from: home).state, "styled",
            "a file of the same name does not hide the one in the inbox")
        stop(service)
    }

    func testFileThatIsNowhere_isUnknownAndNobodyPutItThere() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        for name in [
            "\(directory)/spool/outbox/none.jpg", "none.jpg", "/nowhere/none.jpg", "\(directory)/spool/inbox/none.jpg",
        ] {
            let explanation = try explain(BytePath(name), from: "/")
            XCTAssertEqual(explanation.state, "unknown", name)
            XCTAssertTrue(explanation.sentences[0].contains("no such file"), explanation.sentences[0])
        }
        _ = try write("x", "spool/outbox/theirs.jpg")
        XCTAssertTrue(
            try explain(BytePath("\(directory)/spool/outbox/theirs.jpg"), from: "/").sentences[0].contains(
                "someone else"))
        stop(service)
    }

    // MARK: retry and redo

    func testRetryCommandThatIsPrinted_bringsBackEveryName() throws {
        try prepare()
        let names: [[UInt8]] = [
            Array("a b'c.jpg".utf8), Array("back\\slash\n.jpg".utf8), [0xFF, 0x1B] + Array(".jpg".utf8),
        ]
        for name in names { _ = try write(Array("bad".utf8), BytePath("spool/inbox").appending(name)) }
        let service = try start()
        try waitUntil("they failed") { files("spool/failed").count == 6 && isIdle() }
        for name in names {
            let explanation = try explain(directory.appending("spool/inbox").appending(name))
            let place = directory.appending("spool/failed").appending(name)
            XCTAssertTrue(
                explanation.sentences.contains { $0.hasSuffix("cyclegan-style retry \(shellQuoted(place))") },
                "\(explanation.sentences)")
            XCTAssertTrue(
                try text(place.parent.appending(name + Array(".reason.txt".utf8))).contains(
                    "cyclegan-style retry \(shellQuoted(place))"))
            XCTAssertTrue(try send(.retry, place).isDone)
        }
        stop(service)
    }

    func testRedo_makesADonePhotoAnew() throws {
        try prepare()
        let service = try start()
        _ = try write(photoBytes("sea"), "spool/inbox/trip/beach.jpg")
        try styled(1)
        let reply = try send(.redo, directory.appending("spool/outbox/trip/beach.vangogh.jpg"), strength: 0.5)
        XCTAssertTrue(reply.isDone, reply.message ?? "")
        try styled(2)
        XCTAssertEqual(files("spool/outbox"), ["trip/beach.vangogh-1.jpg", "trip/beach.vangogh.jpg"])
        XCTAssertEqual(files("spool/originals"), ["trip/beach.jpg"], "the original stays where it is")
        XCTAssertEqual(files("spool/inbox"), [])
        let history = try explain("trip/beach.jpg").history
        XCTAssertEqual(history.map(\.state), ["styled", "styled"])
        XCTAssertTrue(try XCTUnwrap(history[0].settings).contains("strength=0.5"))
        XCTAssertEqual(history.map(\.originalState), ["archived", "archived"])
        // Not a copy of the earlier picture, although the bytes, the model and the settings are the same.
        XCTAssertTrue(try send(.redo, "trip/beach.jpg").isDone)
        try styled(3)
        XCTAssertFalse(try text(directory.appending("log")).contains("a copy of an earlier picture"))
        try Files.unlink(directory.appending("spool/originals/trip/beach.jpg"))
        XCTAssertTrue(try XCTUnwrap(send(.redo, "trip/beach.jpg").message).contains("is not there any more"))
        XCTAssertFalse(try send(.redo, "none.jpg").isDone)
        XCTAssertFalse(try send(.redo, "trip/beach.jpg", style: "nobody").isDone)
        stop(service)
    }

    func testRedo_ofAPhotoThatStaysInItsInbox() throws {
        try prepare("originals: keep")
        let service = try start()
        _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        try styled(1)
        XCTAssertTrue(try send(.redo, "beach.jpg").isDone)
        try styled(2)
        XCTAssertEqual(files("spool/inbox"), ["beach.jpg"])
        stop(service)
        let again = try start()
        try waitUntil("it is up") { isIdle() }
        sleep(1)
        XCTAssertEqual(files("spool/outbox").count, 2, "a restart makes nothing anew")
        stop(again)
    }

    // MARK: the configuration

    func testReload_saysWhatNeedsARestart() throws {
        try prepare()
        let service = try start()
        try waitUntil("it is up") { isIdle() }
        let good = try text(directory.appending("config.yaml"))
        _ = try write(good.replacing("/state\n", with: "/state2\n") + "threads: 1\nquality: 80\n", "config.yaml")
        for _ in 0..<2 {
            let reply = try ask(.reload)
            XCTAssertTrue(reply.isDone)
            XCTAssertTrue(try XCTUnwrap(reply.message).contains("but for 'state', 'threads'"), reply.message ?? "")
        }
        XCTAssertEqual(try ask(.status).status?.needsRestart, ["state", "threads"])
        _ = try write(good, "config.yaml")
        XCTAssertEqual(try ask(.reload).message, "The new configuration is in use.")
        XCTAssertEqual(try ask(.status).status?.needsRestart, [])
        stop(service)
    }

    func testDebugLevel_tellsEveryDecision() throws {
        try prepare("log-level: debug")
        _ = try write(photoBytes("sea"), "spool/inbox/beach.jpg")
        _ = try write(photoBytes("sea"), "spool/inbox/copy.jpg")
        _ = try write("x", "spool/inbox/upload.jpg.part")
        _ = try write("x", "spool/inbox/@eaDir/thumb.jpg")
        let service = try start()
        try styled(2)
        stop(service)
        let log = try text(directory.appending("log"))
        for line in [
            "spool/inbox/beach.jpg: waited for", "complete: beach.jpg", "ready: beach.jpg", "beach.jpg: in work",
            "beach.jpg: decoded, ",
            "beach.jpg: its original: archived", "the same bytes were styled before",
            "upload.jpg.part: the name upload.jpg.part matches the pattern *.part", "@eaDir: the name @eaDir matches",
        ] {
            XCTAssertTrue(log.contains(line), "\(line) is missing in\n\(log)")
        }
    }
}
