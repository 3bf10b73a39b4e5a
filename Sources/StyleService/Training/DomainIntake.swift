import Digests
import DirectoryWatching
import Foundation
import LinuxFiles
import Logging
import Photos
import Publishing
import Retraining
import ServiceConfiguration
import Synchronization
import SystemdKit
import Threads

/// Watches the directories of all domains, and keeps the copies of their images that training reads.
///
/// One thread takes files in, one after the other: decoding fifty paintings at once would take the processors from a
/// photo. A copy is on the disk before the ledger knows its file, and the ledger forgets a file before its copy goes:
/// a start finds what was interrupted (`audit`).
final class DomainIntake: Sendable {
    private enum Task: Sendable {
        case complete(DomainKey, CompleteFile)
        case vanished(DomainKey, BytePath)
        case audit
    }

    private struct State {
        var configuration: Configuration
        var tasks: [Task] = []
        var isStopping = false
        var isWorking = false
        var watchers: [DomainKey: (root: BytePath, watcher: DirectoryWatcher)] = [:]
        var standings: [DomainKey: InboxState] = [:]
        /// Files that could not be read at the moment.
        var deferred: [DomainKey: Set<BytePath>] = [:]
    }

    private let ledger: Ledger
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let keeping: DomainGuard
    private let state: Monitor<State>
    private let thread = Mutex<WorkerThread?>(nil)

    /// - Parameter changed: called when images have come or gone.
    init(
        _ configuration: Configuration, ledger: Ledger, keeping: DomainGuard, logger: Logger,
        changed: @escaping @Sendable () -> Void = {}
    ) {
        (self.ledger, self.keeping, self.logger, self.changed) = (ledger, keeping, logger, changed)
        state = Monitor(State(configuration: configuration))
    }

    /// - Throws: `SystemError` where no more threads may be started.
    func start() throws {
        audit()
        let started = try WorkerThread("domains") { self.run() }
        thread.withLock { $0 = started }
    }

    /// Watches the domains of a configuration; those whose directories have not changed go on undisturbed.
    func apply(_ configuration: Configuration) throws {
        var wanted: [DomainKey: BytePath] = [:]
        for style in configuration.styles {
            for domain in StyleConfiguration.Domain.allCases {
                wanted[DomainKey(style.key, domain)] = style.directory(domain)
            }
        }
        let outdated = state.change { state in
            state.configuration = configuration
            let outdated = state.watchers.filter { wanted[$0.key] != $0.value.root }
            for key in outdated.keys {
                state.watchers[key] = nil
                state.standings[key] = nil
            }
            return outdated.values.map(\.watcher)
        }
        for watcher in outdated { watcher.stop() }
        lookAgain()
        for (key, root) in wanted.sorted(by: { "\($0.key)" < "\($1.key)" })
        where state.read({ $0.watchers[key] == nil }) {
            try watch(key, root, configuration)
        }
    }

    private func watch(_ key: DomainKey, _ root: BytePath, _ configuration: Configuration) throws {
        var options = WatchOptions()
        options.rescanInterval = configuration.rescan
        options.structuralEnd = StructuralEnd.ofPhoto
        options.isDone = { [ledger] path, identity in
            (try? ledger.hasDomainFile(key, .directory, path, identity)) ?? false
        }
        let watcher = DirectoryWatcher(root: root, options: options)
        watcher.listen { [weak self] event in self?.handle(event, key) }
        state.change { $0.watchers[key] = (root, watcher) }
        try watcher.start()
    }

    private func handle(_ event: WatchEvent, _ key: DomainKey) {
        switch event {
        case .complete(let file): state.change { $0.tasks.append(.complete(key, file)) }
        case .vanished(let path):
            state.change { state in
                guard let root = state.watchers[key]?.watcher.root, let relative = path.relative(to: root) else {
                    return
                }
                state.tasks.append(.vanished(key, relative))
            }
        case .refused(let path, let reason):
            logger.warning(
                "domain \(key): not taken: \(path): \(reason)", metadata: .domain(key, path, reason: "\(reason)"))
        case .unreadable(let path, let code):
            let reason = SystemError.reason(code)
            logger.warning(
                "domain \(key): cannot be read now: \(path): \(reason)", metadata: .domain(key, path, reason: reason))
        case .state(let standing):
            state.change { $0.standings[key] = standing }
            if case .waiting(let reason) = standing { logger.warning("domain \(key) is waited for: \(reason)") }
        case .notice(let text): logger.warning("domain \(key): \(text)")
        case .changed, .changedWhileWaiting, .empty, .decided: break
        }
    }

    /// Looks now and then whether files are still there, and tries those again that could not be read.
    func lookAgain() { state.change { $0.tasks.append(.audit) } }

    /// Whether files wait to be taken in.
    var isBusy: Bool { state.read { $0.isWorking || !$0.tasks.isEmpty } }

    /// Why a domain is not watched; nil where it is.
    func trouble(_ key: DomainKey) -> String? {
        if case .waiting(let reason)? = state.read({ $0.standings[key] }) { reason } else { nil }
    }

    /// Returns when the file in work is taken in.
    func stop() {
        for watcher in state.change({ state in
            state.isStopping = true
            defer { state.watchers = [:] }
            return state.watchers.values.map(\.watcher)
        }) { watcher.stop() }
        thread.withLock { $0 }?.join()
    }

    // MARK: The thread

    private func run() {
        while true {
            let task = state.wait(
                for: { $0.isStopping || !$0.tasks.isEmpty },
                then: { state -> Task? in
                    if state.isStopping { return nil }
                    state.isWorking = true
                    return state.tasks.removeFirst()
                })
            guard let task else { return }
            switch task {
            case .complete(let key, let file): take(key, file)
            case .vanished(let key, let path): forget(key, [path])
            case .audit: audit()
            }
            state.change { $0.isWorking = false }
            changed()
        }
    }

    private func library(_ key: DomainKey) throws -> DomainLibrary {
        try DomainLibrary(state.read(\.configuration).library(key.style, key.domain))
    }

    private func take(_ key: DomainKey, _ file: CompleteFile) {
        let configuration = state.read(\.configuration)
        do {
            let bytes = try Files.read(file.path, limit: configuration.limits.maxFileBytes)
            // Written again meanwhile: the watcher tells when it is complete.
            guard try Files.identity(of: file.path)?.isSameContent(as: file.identity) == true else { return }
            let library = try library(key), image = SHA256.hash(bytes)
            // A known content is not decoded again.
            let isKnown = try Files.statusIfPresent(of: library.path(of: image)) != nil
            let photo = isKnown ? nil : try PhotoDecoder.decode(bytes: bytes, limits: configuration.limits)
            let isNew = try keeping.during {
                let isNew = try photo.map { try library.add($0, as: image).isNew } ?? false
                let released = try ledger.addDomainFile(key, .directory, file.relative, file.identity, image)
                for image in released { try library.remove(image) }
                return isNew
            }
            logger.debug("domain \(key): \(file.relative) \(isNew ? "is new" : "is known by its content")")
        } catch let error as SystemError where error.isMissing {
            return
        } catch let error as SystemError where error.code == EFBIG {
            refuse(key, file, "the file is larger than limits.max-file-bytes allows")
        } catch let error as PhotoError where Self.isPermanent(error) {
            refuse(key, file, error.advice)
        } catch {
            logger.warning(
                "domain \(key): \(file.relative) is tried again later: \(error)",
                metadata: .domain(key, file.relative, reason: "\(error)"))
            state.change { $0.deferred[key, default: []].insert(file.relative) }
        }
    }

    private static func isPermanent(_ error: PhotoError) -> Bool {
        switch error.kind {
        case .outOfMemory, .io: false
        case .notAPhoto, .unsupported, .corrupt, .truncated, .overLimit: true
        }
    }

    /// What is no image goes where a person sees it, with its reason beside it.
    private func refuse(_ key: DomainKey, _ file: CompleteFile, _ reason: String) {
        forget(key, [file.relative])
        guard let style = state.read(\.configuration).style(key.style) else { return }
        let place = style.failed.appending(key.domain.rawValue).appending(file.relative.parent)
        var message = "domain \(key): \(file.relative) cannot be learnt from: \(reason)"
        do {
            let moved = try FileMover.move(
                file.path, expected: file.identity, into: place, as: OutputName(keeping: file.relative.name))
            guard let moved else { return }
            let text =
                "\(BytePath(bytes: moved.name)) cannot be learnt from.\n\nWhy:      \(reason)\nDomain:   \(key)\n"
            let note = BytePath(bytes: moved.bytes + Array(ReasonFile.suffix.utf8))
            try AtomicFile.write(note, mode: 0o660) { append in
                try Array(text.utf8).withUnsafeBytes { try append($0) }
            }
            message += "; it is now \(moved)"
        } catch { message += "; it stays where it is: \(error)" }
        logger.warning("\(message)", metadata: .domain(key, file.relative, reason: reason))
    }

    private func forget(_ key: DomainKey, _ paths: [BytePath]) {
        guard !paths.isEmpty else { return }
        do {
            let library = try library(key)
            try keeping.during {
                for image in try ledger.removeDomainFiles(key, .directory, paths) { try library.remove(image) }
            }
        } catch { logger.warning("domain \(key): \(error)") }
    }

    // MARK: What nobody told

    /// Files that went while nobody watched are forgotten, and copies and ledger are brought to agree.
    private func audit() {
        let configuration = state.read(\.configuration)
        for style in configuration.styles {
            for domain in StyleConfiguration.Domain.allCases {
                let key = DomainKey(style.key, domain)
                do { try audit(key, root: style.directory(domain)) } catch { logger.warning("domain \(key): \(error)") }
            }
            do { try forgetInboxes(style) } catch { logger.warning("style \(style.key): \(error)") }
        }
        let again = state.change { state in
            defer { state.deferred = [:] }
            return state.deferred.compactMap { key, paths in state.watchers[key].map { ($0.watcher, paths) } }
        }
        for (watcher, paths) in again { for path in paths { watcher.reexamine(path) } }
    }

    private func audit(_ key: DomainKey, root: BytePath) throws {
        // A directory that is not there is not empty: its mount may come.
        if let status = try? Files.status(ofTarget: root), Files.isDirectory(status) {
            let files = try ledger.domainFiles(key, .directory)
            forget(key, try files.map(\.path).filter { try Files.statusIfPresent(of: root.appending($0)) == nil })
        }
        let library = try library(key)
        let lost = try keeping.during {
            try library.sweep()
            let copies = try library.images(), known = try ledger.domainImages(key)
            for image in copies.subtracting(known) { try library.remove(image) }
            return try known.subtracting(copies).flatMap { try ledger.domainImageLost(key, $0) }
        }
        guard !lost.isEmpty else { return }
        state.change { $0.deferred[key, default: []].formUnion(lost) }
    }

    /// Photos of inboxes that a style does not learn from any more.
    private func forgetInboxes(_ style: StyleConfiguration) throws {
        let key = DomainKey(style.key, .photos), library = try library(key)
        for inbox in try ledger.inboxesLearntFrom(key) where !style.learnFrom.contains(inbox) {
            let files = try ledger.domainFiles(key, .inbox(inbox)).map(\.path)
            try keeping.during {
                for image in try ledger.removeDomainFiles(key, .inbox(inbox), files) { try library.remove(image) }
            }
        }
    }
}

/// Held while a copy and what the ledger says of it change together.
final class DomainGuard: Sendable {
    private let mutex = Mutex(())

    func during<Result: Sendable>(_ body: () throws -> Result) rethrows -> Result {
        try mutex.withLock { _ in try body() }
    }
}

extension Logger.Metadata {
    /// The journal's fields for an image that is not learnt from.
    static func domain(_ key: DomainKey, _ path: BytePath, reason: String) -> Logger.Metadata {
        var fields: Logger.Metadata = .event(.domainFileRefused, reason: reason)
        fields["CYCLEGAN_STYLE"] = .string(key.style)
        fields["CYCLEGAN_DOMAIN"] = .string(key.domain.rawValue)
        fields["CYCLEGAN_FILE"] = .stringConvertible(JournalBytes(path.bytes))
        return fields
    }
}
