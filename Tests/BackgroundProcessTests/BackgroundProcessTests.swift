import Foundation
import LinuxFiles
import XCTest

@testable import BackgroundProcess

final class BackgroundProcessTests: XCTestCase {
    private var output = BytePath.empty

    override func setUpWithError() throws {
        let name = "background-\(UUID().uuidString).txt"
        output = BytePath(FileManager.default.temporaryDirectory.appendingPathComponent(name).path)
    }

    override func tearDown() { try? Files.unlinkIfPresent(output) }

    /// The test program's folder holds the victim.
    private var program: BytePath {
        get throws {
            let path = Files.resolved("/proc/self/exe").parent.appending("background-victim")
            _ = try Files.status(of: path)
            return path
        }
    }

    private func start(_ what: String..., parent: pid_t = getpid()) throws -> BackgroundProcess {
        try BackgroundProcess(program: program, arguments: [String(parent)] + what, output: output)
    }

    private func text() throws -> String { String(decoding: try Files.read(output), as: UTF8.self) }

    private func waitUntil(_ what: String, line: UInt = #line, _ body: () throws -> Bool) rethrows {
        let seconds = 10.0, deadline = Date() + seconds
        while Date() < deadline {
            if try body() { return }
            usleep(10_000)
        }
        XCTFail("not in \(seconds) s: \(what)", line: line)
    }

    private func untilReady() throws { try waitUntil("the child is ready") { try text().contains("ready") } }

    /// Field of /proc/PID/stat, counted as in proc(5).
    private func field(_ number: Int, of process: pid_t) throws -> String {
        guard let stat = Files.kernelText(BytePath("/proc/\(process)/stat")) else {
            throw SystemError(ESRCH, "look at")
        }
        return String(stat[stat.lastIndex(of: ")")!...].split(separator: " ")[number - 2])
    }

    func testRole_isIdleEverywhere_andFirstToGo() throws {
        let child = try start("wait", String(1 << 30))
        defer { child.stop(within: 1) }
        try untilReady()
        let said = try text()
        XCTAssertFalse(said.contains("refused"), said)
        XCTAssertEqual(try field(41, of: child.process), "5", "SCHED_IDLE")
        XCTAssertEqual(Files.kernelText(BytePath("/proc/\(child.process)/oom_score_adj")), "800")
        let limits = try XCTUnwrap(Files.kernelText(BytePath("/proc/\(child.process)/limits")))
        let data = limits.split(separator: "\n").first { $0.hasPrefix("Max data size") }
        XCTAssertTrue(data?.contains("1073741824") ?? false, limits)
        XCTAssertEqual(try field(5, of: child.process), String(child.process), "a process group of its own")
    }

    func testSignals_areNotInheritedBlockedOrIgnored() throws {
        var blocked = sigset_t(), before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        let handler = signal(SIGTERM, SIG_IGN)
        defer {
            signal(SIGTERM, handler)
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        let child = try start("wait")
        try untilReady()
        XCTAssertEqual(child.stop(within: 10), .killed(SIGTERM))
    }

    func testParentsDeath_endsTheChild() throws {
        let spawner = try BackgroundProcess(program: program, arguments: ["parent"], output: output)
        var child: pid_t = 0
        try waitUntil("it says whom it started") {
            child = pid_t(try text().trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
            return child > 0
        }
        // The child must have taken its role, or there is nothing to see.
        waitUntil("the child runs when idle") { (try? field(41, of: child)) == "5" }
        kill(spawner.process, SIGKILL)
        XCTAssertEqual(spawner.waitForEnd(seconds: 10), .killed(SIGKILL))
        waitUntil("the child is gone") { kill(child, 0) != 0 || (try? field(3, of: child)) != "S" }
    }

    func testParentThatIsGoneAlready_isNoticed() throws {
        let child = try start("wait", parent: 1)
        XCTAssertEqual(child.waitForEnd(seconds: 10), .exited(3))
        XCTAssertTrue(try text().contains("has ended"))
    }

    func testPause_stopsTheWork_andItGoesOn() throws {
        let child = try start("count")
        defer { child.stop(within: 1) }
        try untilReady()
        child.pause(true)
        try waitUntil("it is stopped") { try field(3, of: child.process) == "T" }
        let before = try text()
        usleep(200_000)
        XCTAssertEqual(try text(), before)
        XCTAssertNil(child.end())
        child.pause(false)
        try waitUntil("it goes on") { try text().count > before.count }
    }

    func testStop_whenItIsPaused_endsIt() throws {
        let child = try start("wait")
        try untilReady()
        child.pause(true)
        XCTAssertEqual(child.stop(within: 10), .killed(SIGTERM))
        XCTAssertEqual(child.end(), .killed(SIGTERM))
        child.pause(true)
        XCTAssertFalse(child.isPaused)
    }

    func testStop_whenItDoesNotListen_killsItInTime() throws {
        let child = try start("ignore")
        try untilReady()
        let start = ContinuousClock.now
        XCTAssertEqual(child.stop(within: 0.3), .killed(SIGKILL))
        XCTAssertLessThan(ContinuousClock.now - start, .seconds(5))
    }

    func testMemoryLimit_holdsForTheChildAlone() throws {
        let child = try start("allocate", String(200 << 20))
        XCTAssertEqual(child.waitForEnd(seconds: 30), .exited(0))
        let size = try XCTUnwrap(Int(text().trimmingCharacters(in: .whitespacesAndNewlines)))
        XCTAssertGreaterThan(size, 50 << 20)
        XCTAssertLessThan(size, 200 << 20)
    }

    func testEnd_hasTheStatus_andAMissingProgramIsAnError() throws {
        XCTAssertEqual(try start("fail").waitForEnd(seconds: 10), .exited(7))
        XCTAssertThrowsError(try BackgroundProcess(program: "/no/such/program", arguments: [], output: output)) {
            XCTAssertTrue("\($0)".contains("/no/such/program"), "\($0)")
        }
    }
}
