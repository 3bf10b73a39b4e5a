import LinuxFiles
import Logging
import Photos
import Stylizing

/// What to do with a photo once its picture is published.
package enum OriginalsPolicy: String, CaseIterable, Sendable { case archive, keep, delete }

/// What to do with bytes that were styled before with the same model and settings.
package enum DuplicatesPolicy: String, CaseIterable, Sendable { case reuse, again }

/// Which of the two formats a picture is written in.
package enum OutputFormat: String, CaseIterable, Sendable { case same, jpeg, png }

/// The least important log lines that are written.
package enum LogLevelSetting: String, CaseIterable, Sendable {
    case debug, info, notice, warning, error

    package var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// Everything that decides what a picture looks like.
package struct PictureSettings: Sendable, Equatable {
    package var style = "vangogh"
    package var strokes = StrokeSize.medium
    package var render = RenderSize.strokes(.medium)
    package var strength = 1.0
    package var format = OutputFormat.same
    package var quality = 92
    package var subsampling = ChromaSubsampling.yuv420
    package var metadata = MetadataPolicy.basic
    package var truncated = TruncatedPolicy.fail

    package init() {}

    /// What `strokes` and `render` come to together.
    package var renderSize: RenderSize {
        if case .strokes = render { .strokes(strokes) } else { render }
    }
}

/// One inbox with its directories, all absolute.
package struct InboxConfiguration: Sendable, Equatable {
    /// The inbox's key, which stands in the names of its pictures.
    package var key: String
    package var inbox: BytePath
    package var outbox: BytePath
    package var failed: BytePath
    package var originals = OriginalsPolicy.archive
    package var picture = PictureSettings()
    package var keepModificationTime = false
    package var duplicates = DuplicatesPolicy.reuse
    package var restyle = RestylePolicy.never
    package var settle = Duration.seconds(2)
    package var incompleteAfter = Duration.seconds(60)

    /// What holds where nothing is configured, with directories below the spool.
    package static let standard = InboxConfiguration(key: "vangogh", inbox: "inbox", outbox: "outbox", failed: "failed")
}

/// The service's whole configuration; every value is in effect, with the default where the files say nothing.
package struct Configuration: Sendable, Equatable {
    package static let defaultPath = "/etc/cyclegan-styled/config.yaml"

    package var spool = BytePath("/srv/cyclegan-styled")
    package var state = BytePath("/var/lib/cyclegan-styled")
    package var inboxes: [InboxConfiguration] = []
    package var styles: [StyleConfiguration] = []
    package var limits = DecodingLimits()
    package var rescan = Duration.seconds(300)
    /// Whether services of other machines work on the same spool.
    package var sharedSpool = false
    /// How long a photo stays with a service that does not say that it is alive.
    package var lease = Duration.seconds(120)
    package var stopWithin = Duration.seconds(20)
    /// Bytes that the network may use; nil chooses half of what the machine or the control group has.
    package var memory: Int?
    /// Threads that compute; nil uses every processor that the service may run on.
    package var threads: Int?
    /// How long archived originals stay; nil is for ever.
    package var keepOriginals: Duration?
    /// How long failed photos and their reasons stay; nil is for ever.
    package var keepFailed: Duration?
    /// How long the ledger remembers a photo that is done with; nil is for ever.
    package var keepHistory: Duration? = .seconds(366 * 86400)
    package var logLevel = LogLevelSetting.info
    /// The file of metrics for node_exporter; nil for none.
    package var metrics: BytePath?
    /// Where each inbox's style is written, for messages.
    package internal(set) var stylePositions: [String: SourcePosition] = [:]
    /// The files that were read.
    package var files: [String] = []

    package init() {}

    /// Where originals are archived, mirrored as they lay in the inbox.
    package var originals: BytePath { spool.appending("originals") }
    /// Where services that share the spool tell one another what they do.
    package var leases: BytePath { spool.appending("leases") }
    package var models: BytePath { state.appending("models") }
    package var ledger: BytePath { state.appending("ledger.sqlite") }
    package var lock: BytePath { state.appending("lock") }
}
