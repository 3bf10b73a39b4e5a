import LinuxFiles
import Photos

extension Configuration {
    /// Reads the file and `conf.d/*.yaml` beside it.
    ///
    /// - Parameter path: nil stands for the default path, whose file may be missing.
    /// - Throws: `ConfigurationError` with everything that is wrong.
    package static func load(_ path: String? = nil) throws -> Configuration {
        let (tree, files) = try ConfigurationTree.load(path ?? defaultPath, isRequired: path != nil)
        let problems = ConfigurationProblems()
        var configuration = read(ConfigurationSection(tree, problems: problems), problems: problems)
        guard problems.found.isEmpty else {
            throw ConfigurationError(
                problems: problems.found.sorted { ($0.position?.order ?? (0, 0)) < ($1.position?.order ?? (0, 0)) })
        }
        configuration.files = files
        return configuration
    }

    /// The same from text, for tests and tools.
    package static func parse(_ text: String, file: String = "config.yaml") throws -> Configuration {
        let problems = ConfigurationProblems()
        let tree: ConfigurationTree
        do { tree = try ConfigurationTree.parse(text, file: file) } catch let problem as ConfigurationProblem {
            throw ConfigurationError(problems: [problem])
        }
        let configuration = read(ConfigurationSection(tree, problems: problems), problems: problems)
        guard problems.found.isEmpty else { throw ConfigurationError(problems: problems.found) }
        return configuration
    }

    private static func read(_ root: ConfigurationSection, problems: ConfigurationProblems) -> Configuration {
        var result = Configuration()
        for key in placeKeys { key.read(root, &result) }
        if !result.spool.isAbsolute {
            root.problem("spool", "'\(result.spool)' must be an absolute path: it begins with /")
        }
        result.spool = result.spool.normalized
        result.state = result.spool.resolving(result.state).normalized
        if let limits = root.section("limits") {
            for key in DecodingLimits.keys { key.read(limits, &result.limits) }
            limits.finish()
        }
        for key in serviceKeys { key.read(root, &result) }
        var shared = InboxConfiguration.standard
        for key in InboxConfiguration.sharedKeys { key.read(root, &shared) }
        result.inboxes = readInboxes(root, shared: shared, spool: result.spool, problems: problems)
        for inbox in result.inboxes {
            let own = root.section("inboxes")?.section(inbox.key)?.entry("style")
            result.stylePositions[inbox.key] = (own ?? root.entry("style"))?.node.position
        }
        result.styles = readStyles(root, inboxes: result.inboxes, spool: result.spool, problems: problems)
        if result.sharedSpool, result.state == result.spool || result.state.isInside(result.spool) {
            root.problem(
                "state",
                "\(result.state) lies in the spool, which is shared: each service needs a state directory of its own, "
                    + "on a disk of its own machine")
        }
        root.finish()
        reportOverlaps(result, root: root, problems: problems)
        return result
    }

    private static func readInboxes(
        _ root: ConfigurationSection, shared: InboxConfiguration, spool: BytePath, problems: ConfigurationProblems
    ) -> [InboxConfiguration] {
        func located(_ inbox: InboxConfiguration) -> InboxConfiguration {
            var inbox = inbox
            for path in [\InboxConfiguration.inbox, \.outbox, \.failed] {
                inbox[keyPath: path] = spool.resolving(inbox[keyPath: path]).normalized
            }
            return inbox
        }
        guard let section = root.section("inboxes"), !section.allEntries.isEmpty else { return [located(shared)] }
        var withoutFailed: [Int] = []
        var inboxes = section.allEntries.enumerated().map { index, entry in
            var inbox = shared
            inbox.key = entry.key
            if let message = keyProblem(entry.key) { problems.add(entry.position, "inboxes: \(message)") }
            let section = ConfigurationSection(entry.node, path: "inboxes.\(entry.key)", problems: problems)
            for key in InboxConfiguration.directoryKeys + InboxConfiguration.sharedKeys { key.read(section, &inbox) }
            if section.text("failed") == nil { withoutFailed.append(index) }
            section.finish()
            return located(inbox)
        }
        if inboxes.count > 1 { separateFailed(&inboxes, withoutFailed, spool: spool) }
        return inboxes
    }

    /// Several inboxes need failed directories of their own: where one names none it is `failed/KEY`, or `failed-KEY`
    /// where another inbox has `failed` for itself.
    private static func separateFailed(_ inboxes: inout [InboxConfiguration], _ unnamed: [Int], spool: BytePath) {
        let common = spool.appending("failed")
        let isTaken = inboxes.enumerated().contains { index, inbox in
            !unnamed.contains(index) && [inbox.inbox, inbox.outbox, inbox.failed].contains(common)
        }
        for index in unnamed {
            let key = inboxes[index].key
            inboxes[index].failed = isTaken ? spool.appending("failed-\(key)") : common.appending(key)
        }
    }

    /// The key becomes a part of file names and of journal fields.
    static func keyProblem(_ key: String, what: String = "an inbox's key") -> String? {
        let isPlain =
            !key.isEmpty && key.count <= 64
            && key.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "_")
            }
        return isPlain ? nil : "'\(key)' cannot be \(what): it may have up to 64 letters, digits, - and _"
    }
}

extension SourcePosition {
    fileprivate var order: (Int, Int) { (line, column) }
}
