import Digests
import Evaluation
import Foundation
import Glibc
import LinuxFiles
import Logging
import ModelLedger
import Networks
import Photos
import Retraining
import ServiceConfiguration
import ServiceControl
import StyleModels
import Threads
import Weights
import XCTest

@testable import StyleService

/// The training's thread with a program of the test's own in the trainer's place.
class TrainingTestCase: DirectoryTestCase {
    private(set) var ledger: Ledger!
    private(set) var archive: ModelArchive!
    private(set) var store: ModelStore!
    private(set) var reports: TrainingRuns!
    private(set) var training: Training!
    let promoted = Monitor<[String]>([])
    let queue = Monitor(0)

    override func setUpWithError() throws {
        try super.setUpWithError()
        ledger = try Ledger(directory.appending("state/ledger.sqlite").parentMade())
        archive = try ModelArchive(database: ledger.database, directory: directory.appending("state/models/sha256"))
        store = ModelStore(state: directory.appending("state"), base: directory)
        store.follow { [archive] style in try archive!.current(style).map(archive!.path) }
        reports = TrainingRuns()
    }

    override func tearDownWithError() throws {
        end()
        try ledger?.close()
        try super.tearDownWithError()
    }

    /// A style named `painter`.
    func painter(_ lines: String...) throws -> ServiceConfiguration.Configuration {
        try configuration(
            "styles:\n  painter:\n    retrain:\n" + (["when: weekly"] + lines).map { "      \($0)\n" }.joined())
    }

    /// Starts the thread.
    /// - Parameter script: what the trainer's process does; it is given `$DIR`, the run's directory.
    func begin(
        _ configuration: ServiceConfiguration.Configuration, _ script: String,
        change: (inout TrainingEnvironment) -> Void = { _ in }
    ) throws {
        var environment = TrainingEnvironment()
        environment.program = try program(script)
        environment.schedule = TrainingSchedule(machine: "a machine", zone: TimeZone(identifier: "UTC")!)
        environment.queue = { [queue] in queue.read { $0 } }
        (environment.pauseAfterFailure, environment.interval) = (0.02, 0.02)
        environment.patience = { 5 }
        change(&environment)
        training = Training(
            configuration, ledger: ledger, archive: archive, models: store, reports: reports, environment: environment,
            logger: Logger(label: "test"), changed: {},
            promoted: { [promoted] style in promoted.change { $0.append(style) } })
        try training.start()
    }

    func end() {
        training?.askToStop()
        training?.join()
        training = nil
    }

    private func program(_ script: String) throws -> BytePath {
        let path = try write("#!/bin/sh\nDIR=$2\nROOT='\(directory)'\n\(script)\n", "trainer")
        try Files.setMode(path, 0o755)
        return path
    }

    /// What the trainer's process does where it has nothing better to do: the candidate and its decision are there.
    static let decides = """
        mkdir -p "$DIR/training/checkpoints"
        cp "$ROOT/candidate.safetensors" "$DIR/training/model.safetensors"
        cp "$ROOT/decision.json" "$DIR/decision.json"
        """

    /// A generator's file; another number, other weights.
    @discardableResult
    func model(_ number: Int, _ name: String) throws -> BytePath {
        let path = try directory.appending(name).parentMade()
        let description = GeneratorDescription(
            baseChannels: 1, residualBlocks: 0, activation: .relu, upsampling: .resize)
        let tensors = description.tensorShapes.map { key, shape in
            (name: key, shape: shape, values: [Float](repeating: Float(number), count: shape.reduce(1, *)))
        }
        try Safetensors.write(path.description, tensors: tensors, metadata: description.metadata)
        return path
    }

    /// What the gate will have said of the candidate.
    func candidate(_ number: Int, _ decision: GateFigures.Decision) throws -> SHA256Digest {
        let path = try model(number, "candidate.safetensors")
        let figures = GateFigures(
            decision: decision, reasons: ["reason \(number)"], photos: 5, paintings: 5, scale: 256, seed: 1)
        try write(try GateReport.json(figures), "decision.json")
        return SHA256.hash(try Files.read(path))
    }

    /// Images as `DomainIntake` keeps them.
    func fill(_ configuration: ServiceConfiguration.Configuration, _ range: Range<Int> = 0..<12) throws {
        for domain in StyleConfiguration.Domain.allCases {
            let key = DomainKey("painter", domain),
                library = try DomainLibrary(configuration.library("painter", domain))
            for number in range {
                let bytes = try Self.image(number + (domain == .photos ? 1000 : 0)), name = BytePath("\(number).png")
                let file = try XCTUnwrap(Files.identity(of: write(bytes, BytePath("images/\(domain)-\(number).png"))))
                _ = try ledger.addDomainFile(key, .directory, name, file, library.add(bytes).0)
            }
        }
    }

    static func image(_ number: Int) throws -> [UInt8] {
        let pixels = (0..<4800).map { i in UInt8(truncatingIfNeeded: i * (number % 7 + 3) + i / 120 * number) }
        let photo = Photo(width: 40, height: 40, pixels: pixels, format: .png)
        return try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png))
    }

    /// Makes the schedule due.
    func letTimePass() throws {
        try ledger.noteTrial("painter", .now - .seconds(30 * 86400))
        training?.wake()
    }

    func run(_ state: RunEntry.State) throws -> RunEntry? {
        try ledger.runs(style: "painter").first { $0.state == state }
    }

    func waitForRun(_ state: RunEntry.State, file: StaticString = #filePath, line: UInt = #line) throws -> RunEntry {
        try waitUntil("a run is \(state)", seconds: 20, file: file, line: line) {
            try run(state) != nil && training.state.read { $0.active == nil }
        }
        return try XCTUnwrap(run(state))
    }
}

extension BytePath {
    /// This path, whose directory is there.
    fileprivate func parentMade() throws -> BytePath {
        try Files.makeDirectory(parent)
        return self
    }
}
