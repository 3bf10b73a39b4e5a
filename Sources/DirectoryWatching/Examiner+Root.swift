import Glibc
import LinuxFiles

extension Examiner {
    /// Takes hold of the root directory, or waits for it.
    func attach() {
        nextRootCheck = surroundings.now() + Self.rootInterval
        do {
            let descriptor = try Descriptor.directory(rootPath, followingLinks: true)
            forgetAncestors()
            let status = try descriptor.status()
            directories = 1
            let node = DirectoryNode(name: [], parent: nil, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
            node.remote = remoteName(descriptor)
            root = node
        } catch {
            return waitForRoot(error as? SystemError)
        }
        rescan()
        // Of what becomes of it from now on the kernel tells; if it was replaced before it was watched, nobody does.
        if let root, (try? Files.status(ofTarget: rootPath)).map(root.isSame) != true {
            nextRootCheck = surroundings.now()
        }
    }

    /// Compares the path with the directory that is being watched: it may have been removed and made again, moved
    /// away, or covered by a mount, and of the last the kernel says nothing.
    func checkRoot() {
        nextRootCheck = surroundings.now() + Self.rootInterval
        guard let node = root else { return attach() }
        if let found = try? Files.status(ofTarget: rootPath), node.isSame(found) { return }
        detach()
        attach()
    }

    /// Lets go of a root that is no longer there. Its files did not vanish one by one, so nothing is said about them;
    /// those told complete are remembered in case the same directory returns.
    private func detach() {
        guard let node = root else { return }
        node.forEach { directory in
            removeWatch(directory)
            for name in directory.files {
                let path = directory.relative.appending(name)
                if let record = table[path], record.isReported { remembered[path] = record }
            }
        }
        root = nil
        directories = 0
        table.change { contents in
            contents.files = [:]
            contents.unreadableDirectories = [:]
        }
        due.removeAll()
        nextPoll = nil
        overflowRescan = nil
    }

    private func waitForRoot(_ error: SystemError?) {
        let code = error?.code ?? EIO
        let reason = code == ENOENT ? "\(rootPath) does not exist" : "\(rootPath): \(SystemError.reason(code))"
        nextRescan = surroundings.now() + options.rescanInterval.inNanoseconds
        nextPoll = nil
        if watchAncestors(), (try? Descriptor.directory(rootPath, followingLinks: true)) != nil {
            // It came while its ancestors were being watched.
            return attach()
        }
        setState(.waiting(reason: reason))
    }

    /// Watches the nearest directory above that exists. Returns whether it could.
    private func watchAncestors() -> Bool {
        forgetAncestors()
        guard let reader else { return false }
        var ancestor = rootPath.parent
        awaitedName = rootPath.lastComponent.bytes
        while !ancestor.isEmpty {
            if let descriptor = try? Descriptor.directory(ancestor, followingLinks: true) {
                if let watch = try? reader.watch(directory: descriptor.raw, path: ancestor) {
                    ancestorWatches.insert(watch)
                }
                break
            }
            if ancestor.bytes == [UInt8(ascii: "/")] { break }
            awaitedName = ancestor.lastComponent.bytes
            ancestor = ancestor.parent
        }
        return !ancestorWatches.isEmpty
    }

    private func forgetAncestors() {
        for watch in ancestorWatches { reader?.unwatch(watch) }
        ancestorWatches = []
    }

    /// A mount has come or gone somewhere: compare every directory with what its path leads to now.
    func verifyMounts() {
        checkRoot()
        guard let root else { return }
        var replaced: [DirectoryNode] = []
        root.forEach { node in
            if node !== root, !isInPlace(node) { replaced.append(node) }
        }
        for node in replaced {
            if let parent = node.parent, parent.children[node.name] === node { examine([node.name], in: parent) }
        }
    }

    private func isInPlace(_ node: DirectoryNode) -> Bool {
        guard let parent = node.parent else { return true }
        do {
            let descriptor = try open(parent)
            return node.isSame(try descriptor.status(of: node.name))
        } catch {
            return false
        }
    }

    // MARK: Watches

    func remoteName(_ directory: borrowing Descriptor) -> String? {
        guard options.polling != .never, let magic = try? directory.fileSystemMagic() else { return nil }
        return surroundings.remoteName(magic)
    }

    func openReader() {
        guard options.polling != .always, reader == nil else { return }
        do {
            let opened = try KernelReader(mailbox: mailbox, beforeReading: surroundings.beforeReading)
            try opened.start()
            reader = opened
            output.reader = opened
        } catch {
            let code = (error as? SystemError)?.code ?? EIO
            if unwatchedReason == nil { output.send(.notice(instanceLimitNotice(code))) }
            unwatchedReason = code == EMFILE ? "the limit fs.inotify.max_user_instances is reached" : "\(error)"
        }
    }

    /// Adds the kernel's watch to a directory that is open.
    func ensureWatch(_ node: DirectoryNode, _ descriptor: borrowing Descriptor) {
        if node.watch != nil { return }
        if watchLimit == nil, node.remote == nil, let reader {
            do {
                let watch = try reader.watch(directory: descriptor.raw, path: path(of: node))
                node.watch = watch
                nodesByWatch[watch, default: []].append(node)
                return
            } catch {
                let code = (error as? SystemError)?.code ?? EIO
                // Gone in this moment: the directory above tells.
                if [ENOENT, ENOTDIR, ELOOP].contains(code) { return }
                watchLimit = code
            }
        }
        // A full scan, to which this may belong, sets its own time; otherwise one is needed to begin polling.
        nextPoll = nextPoll ?? surroundings.now()
    }

    func removeWatch(_ node: DirectoryNode) {
        guard let watch = node.watch else { return }
        node.watch = nil
        nodesByWatch[watch]?.removeAll { $0 === node }
        if nodesByWatch[watch]?.isEmpty ?? true {
            nodesByWatch[watch] = nil
            reader?.unwatch(watch)
        }
    }

    /// After a full scan: how the directory is being watched now, and one message if that is less than it should be.
    func settleState() {
        if options.polling == .always { return setState(.polling(reason: "as configured")) }
        if let remote = root?.remote {
            return setState(.polling(reason: "\(remote) does not tell of changes made elsewhere"))
        }
        if reader == nil { return setState(.polling(reason: unwatchedReason ?? "inotify is not available")) }
        unwatchedReason = nil
        if let code = watchLimit {
            if !toldWatchLimit {
                toldWatchLimit = true
                output.send(.notice(watchLimitNotice(code)))
            }
            let reason = code == ENOSPC ? "the limit fs.inotify.max_user_watches is reached" : SystemError.reason(code)
            return setState(.polling(reason: reason))
        }
        toldWatchLimit = false
        setState(.watching)
    }

    func setState(_ state: InboxState) {
        let isNew = table.change { contents in
            defer { contents.state = state }
            return contents.state != state
        }
        if isNew { output.send(.state(state)) }
    }
}
