import Foundation
import Glibc
import LinuxFiles
import ServiceControl
import XCTest

@testable import StyleService

/// Several services, each a process, on one spool. As root each has a mount and a UTS namespace of its own.
class SharedSpoolTestCase: ServiceTestCase {
    /// One spool, and the services on it.
    final class Spool {
        let directory: BytePath
        let settings: String
        private(set) var members: [String: Process] = [:]
        let program: URL

        init(_ directory: BytePath, _ settings: String, program: URL) throws {
            (self.directory, self.settings, self.program) = (directory, settings, program)
            try Files.makeDirectory(directory.appending("spool/inbox"))
            try Descriptor.open(directory.appending("model.safetensors"), flags: O_WRONLY | O_CREAT).synchronize()
        }

        deinit { for process in members.values where process.isRunning { kill(process.processIdentifier, SIGKILL) } }

        /// Whether names of machines can be given.
        static let hasNamespaces: Bool = {
            let probe = Process()
            probe.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            probe.arguments = ["unshare", "-m", "-u", "hostname", "probe"]
            probe.standardError = FileHandle.nullDevice
            guard (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }()

        /// Starts a service, with a state of its own.
        /// - Parameter boot: two of the same are on one machine.
        func start(_ name: String, _ environment: [String: String] = [:], boot: String? = nil, core: Int? = nil) throws
        {
            let config = "\(directory)/\(name).yaml"
            try """
            spool: \(directory)/spool
            state: \(directory)/\(name)
            settle: 0s
            style: '\(directory)/model.safetensors'
            shared-spool: yes
            \(settings)

            """.write(toFile: config, atomically: true, encoding: .utf8)
            let naming = ["unshare", "-m", "-u", "sh", "-c", "hostname host-\(name); exec \"$0\" \"$@\""]
            let pinning = core.map { ["taskset", "-c", "\($0)"] } ?? []
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = (Self.hasNamespaces ? naming : []) + pinning + [program.path, config]
            process.environment = ProcessInfo.processInfo.environment
                .merging(["CYCLEGAN_STYLED_BOOT_ID": boot ?? name]) { $1 }.merging(environment) { $1 }
            let log = "\(directory)/\(name).log"
            if !FileManager.default.fileExists(atPath: log) {
                FileManager.default.createFile(atPath: log, contents: nil)
            }
            let handle = try XCTUnwrap(FileHandle(forWritingAtPath: log))
            try handle.seekToEnd()
            process.standardError = handle
            try process.run()
            members[name] = process
        }

        func signal(_ name: String, _ signal: CInt) {
            if let member = members[name] { kill(member.processIdentifier, signal) }
        }

        func kill9(_ name: String) {
            signal(name, SIGKILL)
            members.removeValue(forKey: name)?.waitUntilExit()
        }

        /// - Returns: the status that it ended with.
        @discardableResult
        func stop(_ name: String) -> Int32? {
            guard let process = members.removeValue(forKey: name) else { return nil }
            process.terminate()
            process.waitUntilExit()
            return process.terminationStatus
        }

        func isRunning(_ name: String) -> Bool { members[name]?.isRunning ?? false }

        func isStopped(_ name: String) -> Bool {
            guard let member = members[name],
                let text = Files.kernelText(BytePath("/proc/\(member.processIdentifier)/stat")),
                let end = text.lastIndex(of: ")")
            else { return false }
            return text[text.index(end, offsetBy: 2)] == "T"
        }

        func ask(_ name: String, _ request: ControlRequest) throws -> ControlReply {
            try ControlSocket.ask(request, at: [directory.appending("\(name)/control.sock")])
        }

        func isIdle(_ name: String) -> Bool {
            guard let status = try? ask(name, ControlRequest(.status)).status else { return false }
            return status.activity == .idle && status.ready == 0
        }

        var areAllIdle: Bool { members.keys.allSatisfy(isIdle) }

        func log(_ name: String) -> String {
            (try? Files.read(directory.appending("\(name).log"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }

        func drop(_ content: String, as name: String) throws { try drop(photoBytes(content), as: name) }

        /// Whole, as by a rename.
        func drop(_ bytes: [UInt8], as name: String) throws {
            let path = directory.appending("spool/inbox/\(name)"), part = directory.appending("spool/part")
            try Files.makeDirectory(path.parent)
            try Descriptor.open(part, flags: O_WRONLY | O_CREAT | O_TRUNC).write(bytes)
            try Files.rename(part, to: path)
        }

        /// Without what a service that was killed had begun to write: that goes after the lease's length.
        var leases: [String] { files("leases/held").filter { !$0.hasPrefix("new-") } }

        /// Every file below a directory, by its path there, in order.
        func files(_ name: String) -> [String] {
            let root = directory.appending("spool/\(name)")
            var found: [String] = []
            Files.walk(root) { path, _ in found.append(path.relative(to: root)!.description) }
            return found.sorted()
        }
    }

    func spool(_ name: String = "shared", _ settings: String = "lease: 2s") throws -> Spool {
        try Spool(directory.appending(name), settings, program: program)
    }

    /// Each photo has exactly its picture, each original is where it belongs, and nothing of the work is left.
    func check(
        _ spool: Spool, photos: [String], bad: [String] = [], originals: String = "archive", _ when: String = "",
        file: StaticString = #filePath, line: UInt = #line
    ) {
        let names = photos.map { $0.replacing(".jpg", with: ".vangogh.jpg") }.sorted()
        XCTAssertEqual(spool.files("outbox"), names, "one picture each \(when)", file: file, line: line)
        for (photo, name) in zip(photos, photos.map { $0.replacing(".jpg", with: ".vangogh.jpg") }) {
            let bytes = try? Files.read(spool.directory.appending("spool/outbox/\(name)"))
            XCTAssertEqual(bytes, picture(photo), "the right picture of \(photo) \(when)", file: file, line: line)
        }
        XCTAssertEqual(
            spool.files("originals"), originals == "archive" ? photos.sorted() : [], "originals \(when)", file: file,
            line: line)
        XCTAssertEqual(
            spool.files("inbox"), originals == "keep" ? (photos + bad).sorted() : [], "the inbox \(when)", file: file,
            line: line)
        XCTAssertEqual(
            spool.files("failed"),
            originals == "keep" ? [] : bad.flatMap { [$0, "\($0).reason.txt"] }.sorted(), "failed \(when)", file: file,
            line: line)
        XCTAssertEqual(spool.leases, [], "leases \(when)", file: file, line: line)
        XCTAssertEqual(
            spool.files("leases/decided").count, originals == "keep" ? photos.count + bad.count : 0,
            "decisions \(when)",
            file: file, line: line)
    }

    /// Whether everything is done and cleaned up, as far as services may need their time for it.
    func isDone(_ spool: Spool, photos: Int, bad: Int = 0, isKept: Bool = false) -> Bool {
        spool.files("outbox").count == photos && spool.leases.isEmpty
            && spool.files("inbox").count == (isKept ? photos + bad : 0) && spool.areAllIdle
    }
}
