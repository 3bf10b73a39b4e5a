import Logging
import Photos
import Stylizing

/// What to do with a photo once its picture is published.
public enum OriginalsPolicy: String, CaseIterable, Sendable { case archive, keep, delete }

/// What to do with bytes that were styled before with the same model and settings.
public enum DuplicatesPolicy: String, CaseIterable, Sendable { case reuse, again }

/// Which of the two formats a picture is written in.
public enum OutputFormat: String, CaseIterable, Sendable { case same, jpeg, png }

/// The least important log lines that are written.
public enum LogLevelSetting: String, CaseIterable, Sendable {
    case debug, info, notice, warning, error

    public var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// Everything that decides what a picture looks like.
public struct PictureSettings: Sendable, Equatable {
    public var style = "vangogh"
    public var render = RenderSize.fit(1600)
    public var strength = 1.0
    public var format = OutputFormat.same
    public var quality = 92
    public var subsampling = ChromaSubsampling.yuv420
    public var metadata = MetadataPolicy.basic
    public var truncated = TruncatedPolicy.fail

    public init() {}

    /// Two photos with the same bytes, the same model and the same value of this have the same picture.
    var fingerprint: String {
        "render=\(render) strength=\(strength) format=\(format.rawValue) quality=\(quality) subsampling=\(subsampling) "
            + "metadata=\(metadata) truncated=\(truncated)"
    }
}

/// One inbox with its directories, all absolute.
public struct InboxConfiguration: Sendable, Equatable {
    /// The inbox's key, which stands in the names of its pictures.
    public var key: String
    public var inbox: BytePath
    public var outbox: BytePath
    public var failed: BytePath
    public var originals = OriginalsPolicy.archive
    public var picture = PictureSettings()
    public var keepModificationTime = false
    public var duplicates = DuplicatesPolicy.reuse
    public var settle = Duration.seconds(2)
    public var incompleteAfter = Duration.seconds(60)
}

/// The service's whole configuration; every value is in effect, with the default where the files say nothing.
public struct Configuration: Sendable, Equatable {
    public static let defaultPath = "/etc/cyclegan-styled/config.yaml"

    public var spool = BytePath("/srv/cyclegan-styled")
    public var state = BytePath("/var/lib/cyclegan-styled")
    public var inboxes: [InboxConfiguration] = []
    public var limits = DecodingLimits()
    public var rescan = Duration.seconds(300)
    public var stopWithin = Duration.seconds(20)
    /// Bytes that the network may use; nil chooses half of what the machine or the control group has.
    public var memory: Int?
    /// Threads that compute; nil uses every processor that the service may run on.
    public var threads: Int?
    /// How long archived originals stay; nil is for ever.
    public var keepOriginals: Duration?
    /// How long failed photos and their reasons stay; nil is for ever.
    public var keepFailed: Duration?
    /// How long the ledger remembers a photo that is done with; nil is for ever.
    public var keepHistory: Duration? = .seconds(366 * 86400)
    public var logLevel = LogLevelSetting.info
    /// Where each inbox's style is written, for messages.
    var stylePositions: [String: SourcePosition] = [:]
    /// The files that were read.
    public var files: [String] = []

    public init() {}

    /// Where originals are archived, mirrored as they lay in the inbox.
    public var originals: BytePath { spool.appending("originals") }
    public var models: BytePath { state.appending("models") }
    /// Keys whose new value takes effect at the next start only.
    func changesThatNeedRestart(from old: Configuration) -> [String] {
        var keys: [String] = []
        if state != old.state { keys.append("state") }
        if memory != old.memory { keys.append("memory") }
        if threads != old.threads { keys.append("threads") }
        return keys
    }

    /// Whether every inbox's style stands for a model.
    /// - Throws: `ConfigurationError` naming each that does not.
    public func checkModels(_ models: ModelStore) throws {
        let problems = inboxes.compactMap { inbox -> ConfigurationProblem? in
            do {
                _ = try models.file(for: inbox.picture.style)
                return nil
            } catch { return ConfigurationProblem(position: stylePositions[inbox.key], message: "inboxes.\(inbox.key).style: \(error)") }
        }
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }

    public var ledger: BytePath { state.appending("ledger.sqlite") }
    public var lock: BytePath { state.appending("lock") }
}
