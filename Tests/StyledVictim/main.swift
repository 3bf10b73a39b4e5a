// The service, with a translator that answers at once and failure points that end the process as kill -9 does.
//
//   styled-victim CONFIG
//   FAIL_AT=point[:count]   die when the point is reached for the count-th time
//   STOP_AT=point[:count]   stop there as kill -STOP does, until somebody sends SIGCONT
//   DAMAGE_AT=point         find the ledger damaged there
//   TRANSLATION_SECONDS=s   let every translation take so long
//   TRAINER=program         start that for training, and again soon where it dies
//   SLOW_START_SECONDS=s    and its first percent so much longer
//
//   styled-victim --train SOCKET RUN   tell a service of a training in RUN, and live until standard input ends

import Digests
import Foundation
import GRDB
import Glibc
import LinuxFiles
import Logging
import Photos
import Publishing
import ServiceConfiguration
import ServiceControl
import StyleModels
import StyleService
import SystemdKit

/// Inverts the bytes of small "photos": a JPEG's beginning, and somewhere a colon with the content behind it.
struct InstantTranslator: PhotoTranslating {
    var seconds: Double
    var slowStart = 0.0

    func model(for style: String) throws -> ModelIdentity {
        ModelIdentity(name: style, path: BytePath("/model"), hash: SHA256.hash([1, 2, 3]))
    }

    func decode(_ bytes: [UInt8], limits: DecodingLimits) throws -> Photo {
        let content = Array(bytes.drop { $0 != UInt8(ascii: ":") }.dropFirst())
        guard bytes.starts(with: [0xFF, 0xD8, 0xFF]), !content.isEmpty else {
            throw PhotoError(kind: .corrupt, reason: "the JPEG is damaged: no content")
        }
        let padded = content + [UInt8](repeating: 0, count: (3 - content.count % 3) % 3)
        return Photo(width: padded.count / 3, height: 1, pixels: padded, format: .jpeg)
    }

    func translate(
        _ photo: Photo, model: ModelIdentity, settings: PictureSettings, progress: @escaping @Sendable (Double) -> Bool
    ) throws -> Photo {
        let steps = 20
        if slowStart > 0 {
            usleep(UInt32(slowStart * 1e6))
            if !progress(0.01) { throw TranslationAbandoned() }
        }
        for step in 0..<steps where seconds > 0 {
            usleep(UInt32(seconds / Double(steps) * 1e6))
            if !progress(Double(step + 1) / Double(steps)) { throw TranslationAbandoned() }
        }
        var picture = photo
        picture.pixels = photo.pixels.map { ~$0 }
        return picture
    }

    func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8] { Array("picture:".utf8) + photo.pixels }
}

if CommandLine.arguments.count == 4, CommandLine.arguments[1] == "--train" {
    TrainingReporter(candidates: [BytePath(CommandLine.arguments[2])]).tell(
        TrainingReport(
            run: BytePath(CommandLine.arguments[3]), iteration: 120, total: 1000, losses: ["generators": 5.25],
            imagesPerSecond: 0.5,
            secondsLeft: 1760))
    while readLine() != nil {}
    exit(0)
}
StyleDaemon.openSignalInbox()
let environment = ProcessInfo.processInfo.environment
for (name, signal) in [("FAIL_AT", SIGKILL), ("STOP_AT", SIGSTOP)] {
    guard let failure = environment[name] else { continue }
    let parts = failure.split(separator: ":")
    guard let wanted = FailurePoint(rawValue: String(parts[0])) else { fatalError("no failure point \(parts[0])") }
    let left = LockedCounter(parts.count > 1 ? Int(parts[1])! : 1)
    FailurePoint.install { point in
        // To this thread itself, which goes not one step on.
        if point == wanted, left.decrement() == 0 { raise(signal) }
    }
}
if let wanted = environment["DAMAGE_AT"].flatMap(FailurePoint.init(rawValue:)) {
    FailurePoint.install { point in
        if point == wanted { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
    }
}
let levels = JournalLogHandler.Configuration(identifier: "styled-victim", destination: .plainLines)
let logger = Logger(label: "styled-victim") { JournalLogHandler(label: $0, configuration: levels) }
do {
    let path = CommandLine.arguments[1]
    let configuration = try Configuration.load(path)
    levels.level = configuration.logLevel.level
    let translator = InstantTranslator(
        seconds: Double(environment["TRANSLATION_SECONDS"] ?? "") ?? 0,
        slowStart: Double(environment["SLOW_START_SECONDS"] ?? "") ?? 0)
    var trainer = TrainingEnvironment()
    trainer.program = environment["TRAINER"].map { BytePath($0) }
    trainer.pauseAfterFailure = 0.1
    let models = ModelStore(state: configuration.state, base: configuration.spool)
    try StyleDaemon(
        configuration: configuration, configurationPath: path, models: models, translator: translator, logger: logger,
        levels: levels,
        trainer: trainer
    ).run()
} catch is StoppedAtStart {
    exit(0)
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(error is ConfigurationError ? 78 : 1)
}

final class LockedCounter: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Int

    init(_ value: Int) { self.value = value }

    func decrement() -> Int {
        lock.withLock {
            value -= 1
            return value
        }
    }
}
