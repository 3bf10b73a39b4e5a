import Glibc
import LinuxFiles

extension Examiner {
    /// A regular file was seen: begin to wait for it, or notice that it has changed.
    func sample(_ name: [UInt8], in node: DirectoryNode, _ identity: FileIdentity) {
        let relative = node.relative.appending(name)
        let now = surroundings.now()
        let settle = settle(in: node)
        node.files.insert(name)
        guard var record = table[relative] else {
            var record = FileRecord(identity: identity, settle: settle, now: now)
            if let earlier = remembered[relative], earlier.identity == identity {
                table[relative] = earlier
            } else {
                schedule(&record, relative, at: now + settle)
                decide(record, relative)
            }
            return
        }
        if record.identity == identity { return }
        noteChange(&record, relative, identity, now)
        // A file that never rests keeps its turn; else its changes would put it off for ever.
        if record.toldRestless, record.due != nil {
            table[relative] = record
        } else {
            schedule(&record, relative, at: now + record.settle)
        }
    }

    func refuse(_ name: [UInt8], in node: DirectoryNode, _ identity: FileIdentity, _ reason: RefusalReason) {
        let relative = node.relative.appending(name)
        node.files.insert(name)
        if let record = table[relative], record.stage == .refused(reason), record.identity?.inode == identity.inode {
            return
        }
        var record = FileRecord(identity: identity, settle: 0, now: surroundings.now())
        record.stage = .refused(reason)
        table[relative] = record
        output.send(.refused(rootPath.appending(relative), reason))
    }

    private func decide(_ record: FileRecord, _ relative: BytePath) {
        guard options.tellsDecisions else { return }
        output.send(.decided(rootPath.appending(relative), record.standing(now: surroundings.now(), options: options)))
    }

    private func noteChange(_ record: inout FileRecord, _ relative: BytePath, _ identity: FileIdentity, _ now: Int64) {
        if record.isReported {
            output.send(.changed(rootPath.appending(relative)))
            record = FileRecord(identity: identity, settle: record.settle, now: now)
            return
        }
        if case .refused = record.stage { record = FileRecord(identity: identity, settle: record.settle, now: now) }
        // An empty file that is being filled starts anew; so does one that could not be read.
        if record.stage == .empty { record.began = now }
        record.identity = identity
        record.stage = .settling
        record.since = now
        record.retryDelay = 0
        if now - record.began >= options.restlessAfter.inNanoseconds, !record.toldRestless {
            record.toldRestless = true
            output.send(.changedWhileWaiting(rootPath.appending(relative), for: .nanoseconds(now - record.began)))
        }
    }

    private func schedule(_ record: inout FileRecord, _ relative: BytePath, at time: Int64?) {
        record.due = time
        table[relative] = record
        if let time { due.insert(relative, due: time) }
    }

    // MARK: When a file's time has come

    func examineDue() {
        for _ in 0..<Self.batch {
            guard let first = due.first, first.due <= surroundings.now() else { return }
            let entry = due.removeFirst()
            guard let record = table[entry.path], record.due == entry.due else { continue }
            examineDue(entry.path, record)
        }
    }

    private func examineDue(_ relative: BytePath, _ record: FileRecord) {
        let components = relative.components
        guard let name = components.last, let node = root?.descendant(components.dropLast()) else { return }
        var record = record
        do {
            let directory = try open(node)
            let file = try Descriptor.forReading(BytePath(bytes: name), at: directory.raw)
            try judge(&record, relative, file, directory, name)
        } catch {
            failed(&record, relative, name, node, error)
        }
    }

    /// The rule: a regular file, unchanged for the settle time, not empty, no download in progress beside it, and with
    /// its end in place, or waited for long enough.
    private func judge(
        _ record: inout FileRecord, _ relative: BytePath, _ file: borrowing Descriptor,
        _ directory: borrowing Descriptor, _ name: [UInt8]
    ) throws {
        let identity = try file.identity()
        var now = surroundings.now()
        if identity != record.identity { noteChange(&record, relative, identity, now) }
        let settle = record.settle
        let isSettled = now - record.since >= settle
        let isRestless = record.toldRestless && !isSettled
        guard isSettled || isRestless else { return schedule(&record, relative, at: record.since + settle) }
        if identity.size == 0 { return waitEmpty(&record, relative) }
        if options.isDone(relative, identity) {
            record.stage = .reported(.present)
            decide(record, relative)
            return schedule(&record, relative, at: nil)
        }

        let end = try options.structuralEnd(file)
        let after = try file.identity()
        now = surroundings.now()
        if after != identity {
            noteChange(&record, relative, after, now)
            return schedule(&record, relative, at: now + settle)
        }
        if isRestless, end != .present { return schedule(&record, relative, at: now + settle) }

        let patience = options.incompleteAfter.inNanoseconds
        let waited = now - record.since
        if waited < patience, !isRestless {
            let next = min(record.since + patience, now + max(settle, waited))
            if let companion = companion(of: name, in: directory) {
                if record.stage != .companion(companion) {
                    record.stage = .companion(companion)
                    decide(record, relative)
                }
                return schedule(&record, relative, at: next)
            }
            if end == .missing {
                if record.stage != .incomplete {
                    record.stage = .incomplete
                    decide(record, relative)
                }
                return schedule(&record, relative, at: next)
            }
        }
        record.stage = .reported(end)
        record.began = now
        schedule(&record, relative, at: nil)
        let complete = CompleteFile(
            path: rootPath.appending(relative), relative: relative, identity: identity, structuralEnd: end)
        output.send(.complete(complete))
    }

    private func waitEmpty(_ record: inout FileRecord, _ relative: BytePath) {
        record.stage = .empty
        let isFirst = !record.toldEmpty
        record.toldEmpty = true
        schedule(&record, relative, at: nil)
        if isFirst { output.send(.empty(rootPath.appending(relative))) }
    }

    private func companion(of name: [UInt8], in directory: borrowing Descriptor) -> [UInt8]? {
        for suffix in options.companionSuffixes {
            let companion = name + Array(suffix.utf8)
            if (try? directory.status(of: companion)) != nil { return companion }
        }
        return nil
    }

    /// A name that cannot even be looked at, as in a directory that may be listed but not entered.
    func noteUnreadable(_ name: [UInt8], in node: DirectoryNode, _ error: any Error) {
        let relative = node.relative.appending(name)
        var record = table[relative] ?? FileRecord(identity: nil, settle: settle(in: node), now: surroundings.now())
        if case .unreadable = record.stage { return }
        node.files.insert(name)
        failed(&record, relative, name, node, error)
    }

    private func failed(
        _ record: inout FileRecord, _ relative: BytePath, _ name: [UInt8], _ node: DirectoryNode, _ error: any Error
    ) {
        let code = (error as? SystemError)?.code ?? EIO
        switch code {
        case ENOENT, ELOOP, ENXIO, ENOTDIR, ESTALE:
            // Gone, or something else by now. If the directory itself is another, its own hint follows; look again
            // soon.
            schedule(&record, relative, at: surroundings.now() + record.settle)
            examine([name], in: node)
        default:
            record.retryDelay =
                record.retryDelay == 0
                ? 5_000_000_000 : min(record.retryDelay * 2, options.rescanInterval.inNanoseconds)
            let isNew = record.stage != .unreadable(code)
            record.stage = .unreadable(code)
            schedule(&record, relative, at: surroundings.now() + record.retryDelay)
            if isNew { output.send(.unreadable(rootPath.appending(relative), errno: code)) }
        }
    }

    // MARK: Wishes of the watcher's owner

    func forget(_ path: BytePath) {
        guard let relative = below(path), let name = relative.components.last else { return }
        guard let node = root?.descendant(relative.components.dropLast()) else { return }
        removeFile(name, from: node, telling: false)
    }

    func reexamine(_ path: BytePath) {
        guard let relative = below(path), let name = relative.components.last else { return }
        guard let node = root?.descendant(relative.components.dropLast()) else { return }
        removeFile(name, from: node, telling: false)
        examine([name], in: node)
    }

    private func below(_ path: BytePath) -> BytePath? {
        path.isAbsolute ? path.relative(to: rootPath) : path
    }
}
