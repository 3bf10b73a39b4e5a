import Foundation

/// What can be asked of a running service: one line of JSON, answered by one line of JSON.
public struct ControlRequest: Codable, Sendable {
    public enum Command: String, Codable, Sendable, CaseIterable { case status, explain, retry, pause, resume, reload, training }

    public var command: Command
    /// For `explain` and `retry`: absolute, or as a person names a file of an inbox.
    public var file: FileName?
    /// For `retry`: everything that failed or was put off.
    public var all: Bool?
    /// For `training`: how a run stands.
    public var report: TrainingReport?

    public init(_ command: Command, file: FileName? = nil, all: Bool? = nil, report: TrainingReport? = nil) {
        self.command = command
        self.file = file
        self.all = all
        self.report = report
    }
}

/// A path in JSON: text, and beside it the bytes (base64) where they are no UTF-8.
public struct FileName: Codable, Sendable, Hashable {
    public var path: String
    public var bytes: Data?

    public init(_ path: BytePath) {
        if let text = String(validating: path.bytes, as: UTF8.self) {
            self.path = text
        } else {
            self.path = path.description
            bytes = Data(path.bytes)
        }
    }

    public var bytePath: BytePath { bytes.map { BytePath(bytes: Array($0)) } ?? BytePath(path) }
}

public struct ControlReply: Codable, Sendable {
    public var isDone: Bool
    /// For a person: what was done, or why not.
    public var message: String?
    public var problems: [String]?
    public var status: StatusReport?
    public var explanation: Explanation?

    static func success(_ message: String? = nil) -> ControlReply { ControlReply(isDone: true, message: message) }
    static func failure(_ message: String, problems: [String]? = nil) -> ControlReply {
        ControlReply(isDone: false, message: message, problems: problems)
    }
}

/// The service at one moment.
public struct StatusReport: Codable, Sendable {
    public enum Activity: String, Codable, Sendable { case idle, styling, paused, blocked, stopping }

    public struct Inbox: Codable, Sendable {
        public var key: String
        public var inbox: FileName
        public var outbox: FileName
        public var style: String
        public var state: String
        /// Files that are still being written, or have not settled.
        public var settling: Int
    }

    public struct Work: Codable, Sendable {
        public var file: FileName
        public var inbox: String
        public var stage: String
        public var percent: Int?
        public var secondsLeft: Double?
        public var seconds: Double
    }

    public struct Failure: Codable, Sendable {
        public var file: FileName
        public var inbox: String
        public var reason: String
        public var time: Date
    }

    public var activity: Activity
    public var sentence: String
    public var processId: Int32
    public var startedAt: Date
    public var inboxes: [Inbox]
    public var ready: Int
    public var deferred: Int
    public var inWork: [Work]
    public var styledLastHour: Int
    /// Mean seconds from claim to publication in the last hour.
    public var secondsPerPhoto: Double?
    public var totals: [String: Int]
    public var lastFailures: [Failure]
    /// The training runs that told of themselves and are still at work.
    public var training: [TrainingReport]
    public var configurationFiles: [String]
    public var refusedConfiguration: String?
}

/// Everything that the service knows about one file.
public struct Explanation: Codable, Sendable {
    public struct Entry: Codable, Sendable {
        public var id: Int64
        public var inbox: String
        public var file: FileName
        public var state: String
        public var attempts: Int
        public var reason: String?
        public var recordedAt: Date
        public var finishedAt: Date?
        public var nextTryAt: Date?
        public var model: String?
        public var modelSha256: String?
        public var settings: String?
        public var sha256: String?
        public var output: FileName?
        public var original: FileName?
        public var originalState: String?
        public var seconds: Double?
    }

    public var file: FileName
    public var inbox: String?
    public var state: String
    /// In order, for a person.
    public var sentences: [String]
    /// The ledger's rows about it, newest first.
    public var history: [Entry]
}

/// JSON as the control socket and `--json` have it: keys with hyphens, times in ISO 8601.
public enum ControlJSON {
    public static func encoder(pretty: Bool = false) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .custom { HyphenatedKey(hyphenated($0.last!.stringValue)) }
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    public static func decoder() -> JSONDecoder {
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
