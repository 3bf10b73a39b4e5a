import Foundation
import LinuxFiles

/// What can be asked of a running service: one line of JSON, answered by one line of JSON.
package struct ControlRequest: Codable, Sendable {
    package enum Command: String, Codable, Sendable, CaseIterable {
        case status, explain, retry, redo, pause, resume, reload, training, models, retrain
    }

    package var command: Command
    /// For `explain`, `retry` and `redo`.
    package var file: FileReference?
    /// For `retry`: everything that failed or was put off.
    package var all: Bool?
    /// For `training`: how a run stands.
    package var report: TrainingReport?
    /// For `redo`: in place of the inbox's.
    package var style: String?
    package var strength: Double?
    /// For `models`.
    package var models: ModelsRequest?
    /// For `retrain`.
    package var retrain: RetrainRequest?

    package init(
        _ command: Command, file: FileReference? = nil, all: Bool? = nil, report: TrainingReport? = nil,
        style: String? = nil,
        strength: Double? = nil, models: ModelsRequest? = nil, retrain: RetrainRequest? = nil
    ) {
        self.command = command
        (self.models, self.retrain) = (models, retrain)
        self.file = file
        self.all = all
        self.report = report
        self.style = style
        self.strength = strength
    }
}

/// A path in JSON: text, and beside it the bytes (base64) where they are no UTF-8.
package struct FileName: Codable, Sendable, Hashable {
    package var path: String
    package var bytes: Data?

    package init(_ path: BytePath) {
        if let text = String(validating: path.bytes, as: UTF8.self) {
            self.path = text
        } else {
            self.path = path.description
            bytes = Data(path.bytes)
        }
    }

    package var bytePath: BytePath { bytes.map { BytePath(bytes: Array($0)) } ?? BytePath(path) }
}

package struct ControlReply: Codable, Sendable {
    package var isDone: Bool
    /// For a person: what was done, or why not.
    package var message: String?
    package var problems: [String]?
    package var status: StatusReport?
    package var explanation: Explanation?
    package var models: [ModelReport]?
    package var styles: [StyleReport]?

    package static func success(_ message: String? = nil) -> ControlReply {
        ControlReply(isDone: true, message: message)
    }
    package static func failure(_ message: String, problems: [String]? = nil) -> ControlReply {
        ControlReply(isDone: false, message: message, problems: problems)
    }
}

/// The service at one moment.
package struct StatusReport: Codable, Sendable {
    package enum Activity: String, Codable, Sendable { case idle, styling, paused, blocked, stopping }

    package struct Inbox: Codable, Sendable {
        package var key: String
        package var inbox: FileName
        package var outbox: FileName
        package var style: String
        package var state: String
        /// Files that are still being written, or have not settled.
        package var settling: Int
        /// Files that are empty, and files and directories that the service may not read; `explain` says more of each.
        package var empty: Int
        package var unreadable: Int
        /// Why its pictures cannot be written at present.
        package var blocked: String?
        /// Originals of finished photos that cannot be moved out of it, and why.
        package var stayingOriginals: Int
        package var stayingReason: String?

        package init(
            key: String, inbox: FileName, outbox: FileName, style: String, state: String, settling: Int, empty: Int,
            unreadable: Int, blocked: String? = nil, stayingOriginals: Int, stayingReason: String? = nil
        ) {
            self.key = key
            self.inbox = inbox
            self.outbox = outbox
            self.style = style
            self.state = state
            self.settling = settling
            self.empty = empty
            self.unreadable = unreadable
            self.blocked = blocked
            self.stayingOriginals = stayingOriginals
            self.stayingReason = stayingReason
        }
    }

    package struct Work: Codable, Sendable {
        package var file: FileName
        package var inbox: String
        package var stage: String
        package var percent: Int?
        package var secondsLeft: Double?
        package var seconds: Double

        package init(
            file: FileName, inbox: String, stage: String, percent: Int? = nil, secondsLeft: Double? = nil,
            seconds: Double
        ) {
            self.file = file
            self.inbox = inbox
            self.stage = stage
            self.percent = percent
            self.secondsLeft = secondsLeft
            self.seconds = seconds
        }
    }

    /// A photo of a shared spool that another service has in work.
    package struct Elsewhere: Codable, Sendable {
        package var file: FileName
        package var inbox: String
        /// The machine's name.
        package var host: String
        package var processId: Int32

        package init(file: FileName, inbox: String, host: String, processId: Int32) {
            (self.file, self.inbox, self.host, self.processId) = (file, inbox, host, processId)
        }
    }

    package struct Failure: Codable, Sendable {
        package var file: FileName
        package var inbox: String
        package var reason: String
        package var time: Date

        package init(file: FileName, inbox: String, reason: String, time: Date) {
            self.file = file
            self.inbox = inbox
            self.reason = reason
            self.time = time
        }
    }

    package var activity: Activity
    package var sentence: String
    package var processId: Int32
    package var startedAt: Date
    package var inboxes: [Inbox]
    package var ready: Int
    package var deferred: Int
    /// Until everything that is ready or in work is done; nil where that cannot be told, or nothing is.
    package var queueSecondsLeft: Double?
    package var inWork: [Work]
    /// What services that share the spool have in work; nil where it is not shared.
    package var elsewhere: [Elsewhere]?
    package var styledLastHour: Int
    /// Mean seconds from claim to publication in the last hour.
    package var secondsPerPhoto: Double?
    package var totals: [String: Int]
    package var lastFailures: [Failure]
    /// The training runs that told of themselves and are still at work.
    package var training: [TrainingReport]
    /// The styles that the service trains.
    package var styles: [StyleReport]
    package var configurationFiles: [String]
    package var refusedConfiguration: String?
    /// Keys of the configuration whose new value is used after a restart only.
    package var needsRestart: [String]

    package init(
        activity: Activity, sentence: String, processId: Int32, startedAt: Date, inboxes: [Inbox], ready: Int,
        deferred: Int, queueSecondsLeft: Double? = nil, inWork: [Work], elsewhere: [Elsewhere]? = nil,
        styledLastHour: Int,
        secondsPerPhoto: Double? = nil, totals: [String: Int], lastFailures: [Failure], training: [TrainingReport],
        styles: [StyleReport], configurationFiles: [String], refusedConfiguration: String? = nil, needsRestart: [String]
    ) {
        self.activity = activity
        self.sentence = sentence
        self.processId = processId
        self.startedAt = startedAt
        self.inboxes = inboxes
        self.ready = ready
        self.deferred = deferred
        self.queueSecondsLeft = queueSecondsLeft
        (self.inWork, self.elsewhere) = (inWork, elsewhere)
        self.styledLastHour = styledLastHour
        self.secondsPerPhoto = secondsPerPhoto
        self.totals = totals
        self.lastFailures = lastFailures
        (self.training, self.styles) = (training, styles)
        self.configurationFiles = configurationFiles
        self.refusedConfiguration = refusedConfiguration
        self.needsRestart = needsRestart
    }
}

/// Everything that the service knows about one file.
package struct Explanation: Codable, Sendable {
    package struct Entry: Codable, Sendable {
        package var id: Int64
        package var inbox: String
        package var file: FileName
        package var state: String
        package var attempts: Int
        package var reason: String?
        package var recordedAt: Date
        package var finishedAt: Date?
        package var nextTryAt: Date?
        package var model: String?
        package var modelSha256: String?
        package var settings: String?
        package var sha256: String?
        package var output: FileName?
        package var original: FileName?
        package var originalState: String?
        package var seconds: Double?

        package init(
            id: Int64, inbox: String, file: FileName, state: String, attempts: Int, reason: String? = nil,
            recordedAt: Date, finishedAt: Date? = nil, nextTryAt: Date? = nil, model: String? = nil,
            modelSha256: String? = nil, settings: String? = nil, sha256: String? = nil, output: FileName? = nil,
            original: FileName? = nil, originalState: String? = nil, seconds: Double? = nil
        ) {
            self.id = id
            self.inbox = inbox
            self.file = file
            self.state = state
            self.attempts = attempts
            self.reason = reason
            self.recordedAt = recordedAt
            self.finishedAt = finishedAt
            self.nextTryAt = nextTryAt
            self.model = model
            self.modelSha256 = modelSha256
            self.settings = settings
            self.sha256 = sha256
            self.output = output
            self.original = original
            self.originalState = originalState
            self.seconds = seconds
        }
    }

    package var file: FileName
    package var inbox: String?
    /// A state of the ledger, or `waiting`, `not taken`, `unseen` (in an inbox, but not noticed yet) or `unknown`.
    package var state: String
    /// In order, for a person.
    package var sentences: [String]
    /// The ledger's rows about it, newest first.
    package var history: [Entry]

    package init(file: FileName, inbox: String? = nil, state: String, sentences: [String], history: [Entry]) {
        self.file = file
        self.inbox = inbox
        self.state = state
        self.sentences = sentences
        self.history = history
    }
}

/// JSON as the control socket and `--json` have it: keys with hyphens, times in ISO 8601.
package enum ControlJSON {
    package static func encoder(pretty: Bool = false) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .custom { HyphenatedKey(hyphenated($0.last!.stringValue)) }
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting =
            pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    package static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { HyphenatedKey(camelCased($0.last!.stringValue)) }
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }

    private static func hyphenated(_ key: String) -> String {
        key.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : String($1) }
    }

    private static func camelCased(_ key: String) -> String {
        let parts = key.split(separator: "-")
        return parts.dropFirst().reduce(String(parts.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
    }
}

private struct HyphenatedKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}
