import Glibc
import LinuxFiles

extension Examiner {
    /// Looks at everything: the safety net, the answer to an overflow, and the whole of it where directories are
    /// polled.
    func rescan(retryingWatches: Bool = true) {
        overflowRescan = nil
        if root != nil {
            guard let found = try? Files.status(ofTarget: rootPath), root?.isSame(found) == true else {
                return checkRoot()
            }
        }
        guard let root else { return attach() }
        if retryingWatches {
            watchLimit = nil
            openReader()
        }
        findExcluded()
        let began = surroundings.now()
        scan(root)
        let ended = surroundings.now()
        if retryingWatches {
            let interval = Double(options.rescanInterval.inNanoseconds)
            nextRescan = ended + Int64(interval * Double.random(in: 0.75...1.25))
        }
        var needsPolling = false
        // One that cannot be read is told of by its permissions changing.
        root.forEach { node in
            if node.watch == nil, node.unreadable == nil { needsPolling = true }
        }
        // A scan that takes long is not repeated right after it ended.
        nextPoll = needsPolling ? ended + max(options.pollInterval.inNanoseconds, (ended - began) * 10) : nil
        table.change { contents in
            contents.scans += 1
            contents.lastScan = .nanoseconds(ended - began)
        }
        settleState()
        // What was remembered from before has been found again, or is gone.
        remembered = [:]
    }

    private func scan(_ node: DirectoryNode) {
        do {
            let descriptor = try open(node)
            try scan(node, descriptor)
        } catch {
            directoryFailed(node, error)
        }
    }

    /// Watches, then lists: whatever comes after the listing leads to an event.
    private func scan(_ node: DirectoryNode, _ descriptor: borrowing Descriptor) throws {
        if let parent = node.parent {
            // A mount below the root may be of another kind.
            node.remote = parent.device == node.device ? parent.remote : remoteName(descriptor)
        }
        ensureWatch(node, descriptor)
        let names = try descriptor.names()
        setUnreadable(nil, node)
        var present = Set<[UInt8]>(minimumCapacity: names.count)
        for name in names {
            if mailbox.isStopped { return }
            present.insert(name)
            examine(name, in: node, descriptor, deep: true)
        }
        node.passedOver.formIntersection(present)
        for name in node.files.subtracting(present) { examine(name, in: node, descriptor, deep: false) }
        for name in Set(node.children.keys).subtracting(present) { examine(name, in: node, descriptor, deep: false) }
    }

    private func directoryFailed(_ node: DirectoryNode, _ error: any Error) {
        let code = (error as? SystemError)?.code ?? EIO
        switch code {
        case ENOENT, ENOTDIR, ESTALE, ELOOP:
            // It was replaced a moment ago; the directory above knows.
            if node.parent == nil { nextRootCheck = 0 }
        default:
            if node.unreadable != code { output.send(.unreadable(path(of: node), errno: code)) }
            setUnreadable(code, node)
        }
    }

    private func setUnreadable(_ code: CInt?, _ node: DirectoryNode) {
        guard node.unreadable != code else { return }
        node.unreadable = code
        let path = node.relative
        table.change { $0.unreadableDirectories[path] = code }
    }

    /// Tells that a name is left alone, once for as long as it is there.
    private func tellPassedOver(_ name: [UInt8], in node: DirectoryNode, _ standing: @autoclosure () -> FileStanding) {
        guard options.tellsDecisions, node.passedOver.insert(name).inserted else { return }
        output.send(.decided(rootPath.appending(node.relative.appending(name)), standing()))
    }

    // MARK: Hints

    func namesHinted(_ watch: Int32, _ names: Set<[UInt8]>) {
        for node in nodesByWatch[watch] ?? [] { examine(Array(names), in: node) }
    }

    /// Something happened to a watched directory itself: removed, moved, unmounted, its permissions changed.
    func directoryHinted(_ watch: Int32) {
        for node in nodesByWatch[watch] ?? [] {
            guard let parent = node.parent else {
                checkRoot()
                if node === root, node.unreadable != nil { rescan() }
                continue
            }
            examine([node.name], in: parent)
        }
    }

    func watchEnded(_ watch: Int32) {
        guard let nodes = nodesByWatch.removeValue(forKey: watch) else { return }
        for node in nodes {
            node.watch = nil
            guard let parent = node.parent else {
                checkRoot()
                // The same directory without a watch: an unmounted and remounted file system has the same numbers.
                if node === root { rescan() }
                continue
            }
            examine([node.name], in: parent)
        }
    }

    /// Looks at names in one directory again.
    func examine(_ names: [[UInt8]], in node: DirectoryNode) {
        do {
            let descriptor = try open(node)
            for name in names { examine(name, in: node, descriptor, deep: false) }
        } catch {
            directoryFailed(node, error)
        }
    }

    /// Looks at one name. `deep` scans directories that are known already, too.
    private func examine(_ name: [UInt8], in node: DirectoryNode, _ descriptor: borrowing Descriptor, deep: Bool) {
        if let pattern = ignore.pattern(matching: name) {
            return tellPassedOver(name, in: node, .ignored(name: BytePath(bytes: name), pattern: pattern))
        }
        let found: stat
        do {
            found = try descriptor.status(of: name)
        } catch let error as SystemError where error.code == ENOENT {
            return remove(name, from: node)
        } catch {
            return noteUnreadable(name, in: node, error)
        }
        switch found.st_mode & S_IFMT {
        case S_IFDIR:
            enter(name, in: node, found, deep: deep)
        case S_IFREG:
            removeDirectory(name, from: node)
            sample(name, in: node, FileIdentity(found))
        default:
            removeDirectory(name, from: node)
            refuse(name, in: node, FileIdentity(found), Self.refusal(found.st_mode))
        }
    }

    private static func refusal(_ mode: mode_t) -> RefusalReason {
        switch mode & S_IFMT {
        case S_IFLNK: .symbolicLink
        case S_IFIFO: .fifo
        case S_IFSOCK: .socket
        case S_IFCHR: .characterDevice
        case S_IFBLK: .blockDevice
        default: .unknownType
        }
    }

    private func enter(_ name: [UInt8], in node: DirectoryNode, _ status: stat, deep: Bool) {
        guard options.recursive else { return removeFile(name, from: node, telling: true) }
        let device = UInt64(status.st_dev)
        let inode = UInt64(status.st_ino)
        if isExcluded(node.relative.appending(name), device, inode) {
            tellPassedOver(name, in: node, .excluded(node.relative.appending(name)))
            return removeDirectory(name, from: node)
        }
        guard node.depth < options.maximumDepth else {
            return refuse(name, in: node, FileIdentity(status), .tooDeep)
        }
        removeFile(name, from: node, telling: true)
        if let known = node.children[name] {
            if known.isSame(status) {
                let needsScan = deep || known.unreadable != nil || (known.watch == nil && nextPoll == nil)
                if needsScan { scan(known) }
                return
            }
            removeDirectory(name, from: node)
        }
        let child = DirectoryNode(name: name, parent: node, device: device, inode: inode)
        node.children[name] = child
        directories += 1
        scan(child)
    }

    // MARK: Leaving

    private func remove(_ name: [UInt8], from node: DirectoryNode) {
        removeFile(name, from: node, telling: true)
        removeDirectory(name, from: node)
    }

    func removeDirectory(_ name: [UInt8], from node: DirectoryNode) {
        guard let child = node.children.removeValue(forKey: name) else { return }
        child.forEach { directory in
            removeWatch(directory)
            setUnreadable(nil, directory)
            directories -= 1
            for name in directory.files { removeFile(name, from: directory, telling: true) }
        }
    }

    func removeFile(_ name: [UInt8], from node: DirectoryNode, telling: Bool) {
        guard node.files.remove(name) != nil else { return }
        let relative = node.relative.appending(name)
        guard let record = table[relative] else { return }
        table[relative] = nil
        if case .refused = record.stage { return }
        if telling { output.send(.vanished(rootPath.appending(relative))) }
    }

    // MARK: Excluded directories

    /// An excluded directory is known by its numbers as well as by its path, which may lead through links.
    private func findExcluded() {
        excludedIdentities = []
        for path in options.excludedDirectories {
            if let status = try? Files.status(ofTarget: rootPath.resolving(path)) {
                excludedIdentities.insert([UInt64(status.st_dev), UInt64(status.st_ino)])
            }
        }
    }

    private func isExcluded(_ relative: BytePath, _ device: UInt64, _ inode: UInt64) -> Bool {
        excludedIdentities.contains([device, inode])
            || options.excludedDirectories.contains { directory in
                let excluded = directory.isAbsolute ? directory.relative(to: rootPath) : directory
                return excluded?.components == relative.components
            }
    }
}
