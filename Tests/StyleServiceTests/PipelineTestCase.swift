import Foundation
import LinuxFiles
import Logging
import XCTest

@testable import StyleService

/// A pipeline over a directory of the test's own, fed by hand instead of by watchers.
class PipelineTestCase: DirectoryTestCase {
    private(set) var ledger: Ledger!
    private(set) var pipeline: Pipeline!
    let translator = FakeTranslator()

    /// Opens the ledger and the pipeline, which is started unless told otherwise.
    func open(_ lines: String = "", start: Bool = true, recover: Bool = true) throws {
        let configuration = try configuration(lines)
        for inbox in configuration.inboxes { try Files.makeDirectory(inbox.inbox) }
        try Files.makeDirectory(configuration.state)
        ledger = try Ledger(configuration.ledger)
        pipeline = Pipeline(
            configuration: configuration, ledger: ledger, translator: translator,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        if recover { try pipeline.recover() }
        if start { try pipeline.start() }
    }

    /// Ends the pipeline's threads and closes the ledger.
    func close() throws {
        guard let pipeline else { return }
        pipeline.state.change { $0.phase = .abandoning }
        let hasRun = pipeline.state.read { !$0.inWork.isEmpty || $0.hasEnded(.taking) } || hasStarted
        if hasRun { XCTAssertTrue(pipeline.state.wait(seconds: 10, for: { $0.hasEnded(.publishing) })) }
        try ledger.close()
        self.pipeline = nil
    }

    private var hasStarted: Bool { pipeline.state.wait(seconds: 0.2, for: { $0.hasEnded(.taking) }) }

    override func tearDownWithError() throws {
        try close()
        try super.tearDownWithError()
    }

    /// Puts a photo into the inbox and tells the ledger that it is complete.
    @discardableResult
    func drop(_ content: String, as name: String, inbox: String = "vangogh", directory: String = "inbox") throws
        -> BytePath
    {
        try drop(photoBytes(content), as: BytePath(name), inbox: inbox, directory: directory)
    }

    @discardableResult
    func drop(_ bytes: [UInt8], as name: BytePath, inbox: String = "vangogh", directory: String = "inbox") throws
        -> BytePath
    {
        let path = try write(bytes, BytePath("spool/\(directory)").appending(name))
        try announce(path, name, inbox: inbox)
        return path
    }

    func announce(_ path: BytePath, _ name: BytePath, inbox: String = "vangogh") throws {
        try ledger.record([InboxFile(inbox: inbox, path: name, identity: try XCTUnwrap(Files.identity(of: path)))])
        pipeline.wake()
    }

    /// Waits until nothing is ready or in work.
    func finish(file: StaticString = #filePath, line: UInt = #line) throws {
        try waitUntil("everything is done", file: file, line: line) {
            let counts = try ledger.counts([.ready, .claimed])
            return try counts.isEmpty && ledger.unfinished().isEmpty && pipeline.state.read(\.inWork.isEmpty)
        }
    }

    func entries(_ name: String) throws -> [LedgerEntry] { try ledger.history(inbox: "vangogh", path: BytePath(name)) }
}
