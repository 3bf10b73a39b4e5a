import Photos
import Stylizing

extension Configuration {
    /// Reads the file and `conf.d/*.yaml` beside it.
    ///
    /// - Parameter path: nil stands for the default path, whose file may be missing.
    /// - Throws: `ConfigurationError` with everything that is wrong.
    public static func load(_ path: String? = nil) throws -> Configuration {
        let (tree, files) = try ConfigurationTree.load(path ?? defaultPath, isRequired: path != nil)
        let problems = ConfigurationProblems()
        var configuration = read(ConfigurationSection(tree, problems: problems), problems: problems)
        guard problems.found.isEmpty else {
            throw ConfigurationError(problems: problems.found.sorted { ($0.position?.order ?? (0, 0)) < ($1.position?.order ?? (0, 0)) })
        }
        configuration.files = files
        return configuration
    }

    /// The same from text, for tests and tools.
    static func parse(_ text: String, file: String = "config.yaml") throws -> Configuration {
        let problems = ConfigurationProblems()
        let tree: ConfigurationTree
        do { tree = try ConfigurationTree.parse(text, file: file) } catch let problem as ConfigurationProblem {
            throw ConfigurationError(problems: [problem])
        }
        let configuration = read(ConfigurationSection(tree, problems: problems), problems: problems)
        guard problems.found.isEmpty else { throw ConfigurationError(problems: problems.found) }
        return configuration
    }

    private static let longTime = Duration.seconds(1_000_000_000)

    private static func read(_ root: ConfigurationSection, problems: ConfigurationProblems) -> Configuration {
        var result = Configuration()
        if let spool = root.text("spool") {
            result.spool = BytePath(spool).normalized
            if !result.spool.isAbsolute { root.problem("spool", "'\(spool)' must be an absolute path: it begins with /") }
        }
        if let state = root.text("state") { result.state = result.spool.resolving(BytePath(state)).normalized }
        if let limits = root.section("limits") { result.limits = readLimits(limits) }
        result.rescan = root.duration("rescan", in: .seconds(1)...(.seconds(86400 * 7))) ?? result.rescan
        result.stopWithin = root.duration("stop-within", in: .zero...(.seconds(3600))) ?? result.stopWithin
        result.memory = automatic(root, "memory") { $0.bytes("memory", in: (64 << 20)...(1 << 44)) }
        result.threads = automatic(root, "threads") { $0.integer("threads", in: 1...1024) }
        result.keepOriginals = kept(root, "keep-originals", default: result.keepOriginals)
        result.keepFailed = kept(root, "keep-failed", default: result.keepFailed)
        result.keepHistory = kept(root, "keep-history", default: result.keepHistory)
        result.logLevel = root.choice("log-level") ?? result.logLevel

        var shared = InboxConfiguration(
            key: "vangogh", inbox: BytePath("inbox"), outbox: BytePath("outbox"), failed: BytePath("failed"))
        readShared(root, into: &shared)
        result.inboxes = readInboxes(root, shared: shared, spool: result.spool, problems: problems)
        for inbox in result.inboxes {
            let own = root.section("inboxes")?.section(inbox.key)?.entry("style")
            result.stylePositions[inbox.key] = (own ?? root.entry("style"))?.node.position
        }
        root.finish()
        reportOverlaps(result, root: root, problems: problems)
        return result
    }

    /// `auto`, or nothing, is nil.
    private static func automatic<Value>(
        _ section: ConfigurationSection, _ key: String, _ read: (ConfigurationSection) -> Value?
    ) -> Value? {
        if case .scalar("auto") = section.entry(key)?.node.value { return nil }
        return read(section)
    }

    /// `forever` is nil.
    private static func kept(_ section: ConfigurationSection, _ key: String, default: Duration?) -> Duration? {
        if case .scalar("forever") = section.entry(key)?.node.value { return nil }
        return section.duration(key, in: .seconds(60)...longTime) ?? `default`
    }

    private static func readLimits(_ section: ConfigurationSection) -> DecodingLimits {
        var limits = DecodingLimits()
        limits.maxPixels = section.count("max-pixels", in: 1...(1 << 40)) ?? limits.maxPixels
        limits.maxSide = section.count("max-side", in: 1...1_000_000) ?? limits.maxSide
        limits.maxFileBytes = section.bytes("max-file-bytes", in: 1...(1 << 40)) ?? limits.maxFileBytes
        limits.maxChunkBytes = section.bytes("max-chunk-bytes", in: 1024...(1 << 31)) ?? limits.maxChunkBytes
        limits.maxChunks = section.count("max-chunks", in: 1...1_000_000_000) ?? limits.maxChunks
        limits.maxScans = section.count("max-scans", in: 1...1_000_000) ?? limits.maxScans
        section.finish()
        return limits
    }

    /// The keys that may stand at the top, for every inbox, and in an inbox, for that one.
    private static func readShared(_ section: ConfigurationSection, into inbox: inout InboxConfiguration) {
        inbox.originals = section.choice("originals") ?? inbox.originals
        inbox.duplicates = section.choice("duplicates") ?? inbox.duplicates
        inbox.keepModificationTime = section.boolean("keep-modification-time") ?? inbox.keepModificationTime
        inbox.settle = section.duration("settle", in: .zero...(.seconds(3600))) ?? inbox.settle
        inbox.incompleteAfter = section.duration("incomplete-after", in: .milliseconds(100)...(.seconds(86400))) ?? inbox.incompleteAfter
        var picture = inbox.picture
        if let style = section.text("style") {
            if style.isEmpty { section.problem("style", "must name a model or a file") }
            picture.style = style
        }
        picture.render = section.value("render", expected: "'original' or, for example, 'fit 1600' (16 to 65535 pixels)", { RenderSize($0).flatMap(inRange) })
            ?? picture.render
        picture.strength = section.fraction("strength", in: 0...1) ?? picture.strength
        picture.format = section.choice("format") ?? picture.format
        picture.quality = section.integer("quality", in: 1...100) ?? picture.quality
        picture.subsampling = section.choice("subsampling", SubsamplingWord.self)?.value ?? picture.subsampling
        picture.metadata = section.choice("metadata") ?? picture.metadata
        picture.truncated = section.choice("truncated") ?? picture.truncated
        inbox.picture = picture
    }

    private static func inRange(_ size: RenderSize) -> RenderSize? {
        if case .fit(let side) = size, !(16...65535).contains(side) { return nil }
        return size
    }

    private static func readInboxes(
        _ root: ConfigurationSection, shared: InboxConfiguration, spool: BytePath, problems: ConfigurationProblems
    ) -> [InboxConfiguration] {
        func located(_ inbox: InboxConfiguration) -> InboxConfiguration {
            var inbox = inbox
            for path in [\InboxConfiguration.inbox, \.outbox, \.failed] { inbox[keyPath: path] = spool.resolving(inbox[keyPath: path]).normalized }
            return inbox
        }
        guard let section = root.section("inboxes"), !section.allEntries.isEmpty else { return [located(shared)] }
        return section.allEntries.map { entry in
            var inbox = shared
            inbox.key = entry.key
            if let message = keyProblem(entry.key) { problems.add(entry.position, "inboxes: \(message)") }
            let section = ConfigurationSection(entry.node, path: "inboxes.\(entry.key)", problems: problems)
            for (key, path) in [("inbox", \InboxConfiguration.inbox), ("outbox", \.outbox), ("failed", \.failed)] {
                guard let text = section.text(key) else { continue }
                if text.isEmpty { section.problem(key, "must name a directory") }
                inbox[keyPath: path] = BytePath(text)
            }
            readShared(section, into: &inbox)
            section.finish()
            return located(inbox)
        }
    }

    /// The key becomes a part of file names and of journal fields.
    private static func keyProblem(_ key: String) -> String? {
        let isPlain = !key.isEmpty && key.count <= 64 && key.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
        return isPlain ? nil : "'\(key)' cannot be an inbox's key: it may have up to 64 letters, digits, - and _"
    }
}

extension SourcePosition {
    fileprivate var order: (Int, Int) { (line, column) }
}

private enum SubsamplingWord: String, CaseIterable {
    case half = "4:2:0", full = "4:4:4"
    var value: ChromaSubsampling { self == .half ? .yuv420 : .yuv444 }
}
