import Foundation
import Glibc
import LinuxFiles
import ServiceControl
import XCTest

@testable import StyleService

/// The service as a process of its own, with a translator that needs no time.
class ServiceTestCase: DirectoryTestCase {
    var program: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("styled-victim")
    }

    func prepare(_ lines: String = "") throws {
        _ = try write(
            "spool: \(directory)/spool\nstate: \(directory)/state\nsettle: 0s\nstyle: "
                + "'\(directory)/model.safetensors'\n\(lines)\n",
            "config.yaml")
        _ = try write("", "model.safetensors")
        try Files.makeDirectory(directory.appending("spool/inbox"))
    }

    /// - Parameter through: a command that runs another.
    func start(_ environment: [String: String] = [:], through command: [String] = []) throws -> Process {
        let process = Process()
        let words = command + [program.path, "\(directory)/config.yaml"]
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let log = "\(directory)/log"
        if !FileManager.default.fileExists(atPath: log) { _ = try write("", "log") }
        let handle = try XCTUnwrap(FileHandle(forWritingAtPath: log))
        try handle.seekToEnd()
        process.standardError = handle
        try process.run()
        return process
    }

    func stop(_ process: Process) {
        process.terminate()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0)
    }

    func ask(_ command: ControlRequest.Command) throws -> ControlReply {
        try ControlSocket.ask(ControlRequest(command), at: [socket])
    }

    func isIdle() -> Bool {
        guard let status = try? ask(.status).status else { return false }
        return status.activity == .idle && status.ready == 0
    }

    /// What `InstantTranslator` makes of a content.
    func picture(_ content: String) -> [UInt8] {
        let bytes = Array(content.utf8) + [0xFF, 0xD9]
        return Array("picture:".utf8) + (bytes + [UInt8](repeating: 0, count: (3 - bytes.count % 3) % 3)).map { ~$0 }
    }

    var socket: BytePath { directory.appending("state/control.sock") }

    /// Lets the test go on where a small file system can be mounted on a directory; unmounted when the test ends.
    func mountMemory(_ name: String, options: String, flags: UInt = 0) throws -> BytePath {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount a file system")
        let path = directory.appending(name)
        try Files.makeDirectory(path)
        try XCTSkipUnless(
            mount("none", path.description, "tmpfs", flags, options) == 0,
            "tmpfs cannot be mounted here with \(options)")
        addTeardownBlock { umount2(path.description, CInt(MNT_DETACH)) }
        return path
    }

    /// A file that takes all the room that there is.
    func fill(_ name: String) throws -> BytePath {
        let path = try write("", name)
        let file = try Descriptor.open(path, flags: O_WRONLY | O_APPEND)
        let block = [UInt8](repeating: 0x78, count: 4096)
        do { while true { try file.write(block) } } catch let error as SystemError {
            XCTAssertEqual(error.code, ENOSPC)
        }
        return path
    }
}
