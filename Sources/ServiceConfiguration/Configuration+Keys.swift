import LinuxFiles
import Photos
import Stylizing

// Every key of the configuration. To add one, add the value to its structure and a row here, and explain it in
// etc/cyclegan-styled/config.yaml; a test tells what was forgotten.

extension Configuration {
    /// The keys at the top that are about places; the inboxes' come after them.
    static var placeKeys: [ConfigurationKey<Configuration>] {
        [
            .directory(
                "spool", \.spool, "where the inboxes' directories and the archived originals are: an absolute path"),
            .directory("state", \.state, "the ledger, and models of your own", .needsRestart),
        ]
    }

    /// The other keys that stand at the top only.
    static var serviceKeys: [ConfigurationKey<Configuration>] {
        [
            .duration(
                "rescan", \.rescan, in: .seconds(1)...(.seconds(86400 * 7)),
                "every inbox is looked through this often, in case something was missed", .changesTheWatcher),
            .flag(
                "shared-spool", \.sharedSpool,
                "whether services of other machines work on the same spool, on a file system of the network: yes or no",
                .needsRestart),
            .duration(
                "lease", \.lease, in: .seconds(1)...(.seconds(3600)),
                "with shared-spool: after this long without a sign of life, others take a service's photos over",
                .needsRestart),
            .duration(
                "stop-within", \.stopWithin, in: .zero...(.seconds(3600)),
                "at a stop, how long the photo in work may still take"),
            .automatic(
                "memory", \.memory, "what the network may use: auto or a size", .needsRestart,
                type: "auto, or a size from 64M to 16T",
                text: Quantity.text(bytes:)
            ) {
                $0.bytes("memory", in: (64 << 20)...(1 << 44))
            },
            .automatic(
                "threads", \.threads, "threads that compute: auto or a number", .needsRestart,
                type: "auto, or a whole number from 1 to 1024", text: { "\($0)" }
            ) {
                $0.integer("threads", in: 1...1024)
            },
            .retention("keep-originals", \.keepOriginals, "how long archived originals stay: forever or a duration"),
            .retention(
                "keep-failed", \.keepFailed, "how long failed photos and their reasons stay: forever or a duration"),
            .retention(
                "keep-history", \.keepHistory, "how long the ledger remembers finished photos: forever or a duration"),
            .choice(
                "log-level", \.logLevel,
                "the least important lines in the journal: debug, info, notice, warning or error"),
            .file(
                "metrics", \.metrics, ending: ".prom",
                "the file that node_exporter's textfile collector reads: an absolute path that ends in .prom, or off"),
        ]
    }
}

extension InboxConfiguration {
    /// The keys that stand in an inbox only.
    static var directoryKeys: [ConfigurationKey<InboxConfiguration>] {
        [
            .directory("inbox", \.inbox, "photos arrive here, in any sub-directories", .changesTheWatcher),
            .directory("outbox", \.outbox, "pictures, in the same sub-directories"),
            .directory("failed", \.failed, "what could not be done, each with its reason beside it"),
        ]
    }

    /// The keys that may stand at the top, for every inbox, and in an inbox, for that one.
    static var sharedKeys: [ConfigurationKey<InboxConfiguration>] {
        [
            .choice(
                "originals", \.originals, "the photo once its picture is there: archive, keep or delete",
                .changesTheWatcher)
        ] + PictureSettings.keys.map { ConfigurationKey($0, of: \.picture) } + [
            .choice("duplicates", \.duplicates, "bytes that were styled before with the same settings: reuse or again"),
            .choice(
                "restyle", \.restyle,
                "whether finished photos are made anew with a new model: never or on-new-model"),
            .flag(
                "keep-modification-time", \.keepModificationTime,
                "whether the picture gets the photo's modification time: yes or no"),
            .duration(
                "settle", \.settle, in: .zero...(.seconds(3600)),
                "how long a file must be left alone before it counts as complete",
                .changesTheWatcher),
            .duration(
                "incomplete-after", \.incompleteAfter, in: .milliseconds(100)...(.seconds(86400)),
                "how long to wait for a file whose end is missing", .changesTheWatcher),
        ]
    }
}

extension PictureSettings {
    /// The keys that decide what a picture looks like, in the order of the fingerprint.
    static var keys: [ConfigurationKey<PictureSettings>] {
        [
            // Not in the fingerprint: the model's hash stands beside it, and says more than a name.
            ConfigurationKey(
                "style", \.style, "a model's name, or the path of a .safetensors file",
                type: "name of a model, or file", text: { quoted(BytePath($0).description) }
            ) { section in
                guard let style = section.text("style") else { return nil }
                if style.isEmpty { section.problem("style", "must name a model or a file") }
                return style
            },
            ConfigurationKey(
                "strokes", \.strokes,
                "how large brush strokes are in the picture: fine, medium, coarse, or a factor from 0.25 to 4",
                .changesThePicture, type: "fine, medium, coarse, or a number from 0.25 to 4", text: { "\($0)" }
            ) {
                $0.value("strokes", expected: "fine, medium, coarse or a factor from 0.25 to 4", StrokeSize.init)
            },
            ConfigurationKey(
                "render", \.render,
                "the size that the network works at: strokes, original, or 'fit N' for at most N pixels on the long "
                    + "edge",
                .changesThePicture, type: "strokes, original, or fit N with N from 16 to 65535", text: { "\($0)" }
            ) {
                $0.value(
                    "render", expected: "'strokes', 'original' or, for example, 'fit 1600' (16 to 65535 pixels)",
                    renderSize)
            },
            .fraction(
                "strength", \.strength, "0 to 1: so much of the painting, the rest is the photo", .changesThePicture),
            .choice(
                "format", \.format, "the picture's file format: same (as the photo), jpeg or png", .changesThePicture),
            .integer("quality", \.quality, in: 1...100, "JPEG quality, 1 to 100", .changesThePicture),
            ConfigurationKey(
                "subsampling", \.subsampling, "how finely a JPEG keeps colour: 4:2:0 or 4:4:4", .changesThePicture,
                type: "one of 4:2:0, 4:4:4", text: { quoted(SubsamplingWord($0).rawValue) }, fingerprint: { "\($0)" }
            ) { $0.choice("subsampling", SubsamplingWord.self)?.value },
            .choice(
                "metadata", \.metadata, "what of the photo's metadata the picture carries: all, basic or none",
                .changesThePicture),
            .choice("truncated", \.truncated, "a photo whose file ends too early: fail or accept", .changesThePicture),
        ]
    }

    private static func renderSize(_ text: String) -> RenderSize? {
        guard let size = RenderSize(text) else { return nil }
        if case .fit(let side) = size, !RenderSize.sides.contains(side) { return nil }
        return size
    }
}

extension PhotoError {
    /// The reason, and for a limit the key that raises it.
    package var advice: String {
        guard case .overLimit(let limit) = kind else { return reason }
        return "\(reason); raise limits.\(limit.key) to allow it"
    }
}

extension DecodingLimits.Limit {
    /// Its key among the limits.
    var key: String {
        switch self {
        case .pixels: "max-pixels"
        case .side: "max-side"
        case .fileBytes: "max-file-bytes"
        case .chunkBytes: "max-chunk-bytes"
        case .chunks: "max-chunks"
        case .scans: "max-scans"
        }
    }
}

extension DecodingLimits {
    /// The keys below `limits`.
    static var keys: [ConfigurationKey<DecodingLimits>] {
        [
            .count("max-pixels", \.maxPixels, in: DecodingLimits.range(of: \.maxPixels), "width times height"),
            .count("max-side", \.maxSide, in: DecodingLimits.range(of: \.maxSide), "width, and height"),
            .bytes("max-file-bytes", \.maxFileBytes, in: DecodingLimits.range(of: \.maxFileBytes), "the file"),
            .bytes(
                "max-chunk-bytes", \.maxChunkBytes, in: DecodingLimits.range(of: \.maxChunkBytes),
                "metadata, unpacked"),
            .count("max-chunks", \.maxChunks, in: DecodingLimits.range(of: \.maxChunks), "pieces of metadata"),
            .count("max-scans", \.maxScans, in: DecodingLimits.range(of: \.maxScans), "of a progressive JPEG"),
        ]
    }
}

private enum SubsamplingWord: String, CaseIterable {
    case half = "4:2:0"
    case full = "4:4:4"

    init(_ value: ChromaSubsampling) { self = value == .yuv420 ? .half : .full }

    var value: ChromaSubsampling { self == .half ? .yuv420 : .yuv444 }
}

// MARK: What follows from the rows

extension PictureSettings {
    /// Two photos with the same bytes, the same model and the same value of this have the same picture.
    package var fingerprint: String {
        Self.keys.compactMap { key in key.fingerprint.map { "\(key.name)=\($0(self))" } }.joined(separator: " ")
    }
}

extension Configuration {
    /// Takes back the changes that only a restart can put to use, so that this is what is in effect.
    /// - Returns: their keys.
    package mutating func keepWhatNeedsRestart(of running: Configuration) -> [String] {
        let changed = (Self.placeKeys + Self.serviceKeys).filter {
            $0.effects.contains(.needsRestart) && $0.text(self) != $0.text(running)
        }
        for key in changed { key.copy(running, &self) }
        return changed.map(\.name)
    }

    /// Everything that the watching of an inbox depends on: where two of these differ, it is watched anew.
    package func watcherFingerprint(of inbox: InboxConfiguration) -> [String] {
        let own = (InboxConfiguration.directoryKeys + InboxConfiguration.sharedKeys).filter {
            $0.effects.contains(.changesTheWatcher)
        }
        let shared = Self.serviceKeys.filter { $0.effects.contains(.changesTheWatcher) }
        return own.map { $0.text(inbox) } + shared.map { $0.text(self) }
            + excludedDirectories(of: inbox).map(\.description)
    }

    /// What `--print-config` shows: the values in effect, as a configuration file that means the same.
    package var yaml: String {
        func lines<Settings>(_ keys: [ConfigurationKey<Settings>], _ settings: Settings, indent: String = "")
            -> [String]
        {
            keys.map { "\(indent)\($0.name): \($0.text(settings))" }
        }
        var result = [
            files.isEmpty
                ? "# No configuration file: every value is the default." : "# From \(files.joined(separator: ", "))"
        ]
        result += lines(Self.placeKeys, self) + ["inboxes:"]
        for inbox in inboxes {
            result += ["  \(inbox.key):"]
            result += lines(InboxConfiguration.directoryKeys + InboxConfiguration.sharedKeys, inbox, indent: "    ")
        }
        if !styles.isEmpty { result.append("styles:") }
        for style in styles {
            result += ["  \(style.key):"] + lines(StyleConfiguration.keys, style, indent: "    ") + ["    retrain:"]
            result += lines(RetrainConfiguration.keys, style.retrain, indent: "      ")
        }
        result += lines(Self.serviceKeys, self) + ["limits:"] + lines(DecodingLimits.keys, limits, indent: "  ")
        return result.joined(separator: "\n") + "\n"
    }

    /// Every key with its default and what it is for, as help text.
    package static var help: String {
        func lines<Settings>(_ keys: [ConfigurationKey<Settings>], _ settings: Settings, prefix: String = "")
            -> [String]
        {
            keys.map { key in
                let effect = key.effects.contains(.needsRestart) ? "; used after a restart" : ""
                return "  \(prefix)\(key.name): \(key.help) (\(key.text(settings)))\(effect)"
            }
        }
        let inbox = InboxConfiguration.standard
        return
            (["Keys, with their defaults:"] + lines(placeKeys, Configuration()) + lines(serviceKeys, Configuration())
            + lines(DecodingLimits.keys, DecodingLimits(), prefix: "limits.")
            + ["In styles.NAME:"] + lines(StyleConfiguration.keys, StyleConfiguration.standard(inbox.key))
            + lines(RetrainConfiguration.keys, RetrainConfiguration(), prefix: "retrain.")
            + ["In inboxes.NAME:"] + lines(InboxConfiguration.directoryKeys, inbox)
            + ["In an inbox, or at the top for all of them:"] + lines(InboxConfiguration.sharedKeys, inbox)).joined(
                separator: "\n")
    }
}
