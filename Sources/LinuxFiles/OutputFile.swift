import Glibc

/// One file that a person names for output, looked at before any work is done and written when there is something to
/// write.
///
/// Devices and pipes are written into; symbolic links are followed, and stay; a file that is there keeps its mode,
/// owner and other names, and is replaced in one step where that is possible. Nothing is left behind where writing
/// fails.
package final class OutputFile {
    private enum Way {
        /// Open already: a device, a pipe, or one of this process's own descriptors.
        case stream(CInt)
        /// A new file takes its name, with the mode and owner of the one that is there.
        case replacement(of: stat?)
        /// Its directory, its owner, its access list or its other names forbid a replacement.
        case inPlace
    }

    /// As it was named.
    package let name: BytePath
    /// Behind symbolic links.
    package let path: BytePath
    /// Of the file that is there; nil for a new one, a device or a pipe.
    package let existing: FileIdentity?
    private let way: Way

    package var isStream: Bool { if case .stream = way { true } else { false } }

    /// - Throws: `OutputError` where it cannot be written.
    package init(_ name: BytePath) throws {
        self.name = name
        if let descriptor = Self.ownDescriptor(name) {
            (path, existing, way) = (name, nil, try Self.stream(descriptor, name))
            return
        }
        let status: stat?
        do {
            // Not our own reading of links, so that the kernel's rules for those in shared directories hold.
            status = try Files.status(ofTarget: name)
        } catch let error as SystemError where error.code == ENOENT {
            status = nil
        } catch let error as SystemError { throw OutputError(name, "cannot be written", error) }
        switch status.map({ $0.st_mode & S_IFMT }) {
        case nil:
            path = try Self.target(of: name)
            (existing, way) = (nil, .replacement(of: nil))
            try Self.checkNew(path, name)
        case S_IFREG:
            path = try Self.target(of: name)
            (existing, way) = (FileIdentity(status!), try Self.way(over: path, status!))
        case S_IFDIR: throw OutputError("\(name) is a directory")
        case S_IFSOCK: throw OutputError("\(name) is a socket, which cannot be opened for writing")
        default:
            let descriptor: CInt
            do {
                descriptor = try retrying("open", name) { open($0, O_WRONLY | O_CLOEXEC | O_NOCTTY) }
            } catch let error as SystemError { throw OutputError(name, "cannot be opened for writing", error) }
            (path, existing, way) = (name, nil, .stream(descriptor))
            try Self.refuseTerminal(descriptor, name)
        }
    }

    /// Standard output.
    package init(standardOutput: ()) throws {
        (name, path, existing) = ("-", "-", nil)
        way = try Self.stream(STDOUT_FILENO, "standard output")
    }

    deinit { if case .stream(let descriptor) = way { close(descriptor) } }

    // MARK: Writing

    /// `body` gets a function that appends bytes.
    /// - Throws: `OutputError`, and what `body` throws.
    package func write(_ body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
        do {
            switch way {
            case .stream(let descriptor): try body { try Files.write($0, to: descriptor, self.name) }
            case .inPlace: try writeInPlace(body)
            case .replacement(of: nil): try AtomicFile.write(path, mode: 0o666, body: body)
            case .replacement(of: let status?):
                do { try replace(status, body) } catch let error as SystemError where error.code == EBUSY {
                    // A mount of its own, as containers make them of single files.
                    try writeInPlace(body)
                }
            }
        } catch let error as SystemError {
            if error.code == EPIPE { throw OutputError("\(name) was closed by its reader") }
            throw OutputError(name, "cannot be written", error)
        }
    }

    package func write(_ bytes: [UInt8]) throws { try write { append in try bytes.withUnsafeBytes { try append($0) } } }

    private func replace(
        _ status: stat, _ body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        // Nobody else reads it before it has its owner and mode, in this order: a change of owner takes set-user-ID
        // bits away.
        try AtomicFile.write(path, mode: 0o600) { file in
            try retrying("give its owner to", file.path) { fchown(file.raw, status.st_uid, status.st_gid) }
            try retrying("give its mode to", file.path) { fchmod(file.raw, status.st_mode & 0o7777) }
        } body: {
            try body($0)
        }
    }

    private func writeInPlace(_ body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void)
        throws
    {
        let file = try Descriptor.open(path, flags: O_WRONLY | O_NOFOLLOW)
        let descriptor = file.raw
        try body { try Files.write($0, to: descriptor, self.path) }
        try file.truncate(to: Int(lseek(descriptor, 0, SEEK_CUR)))
        try file.synchronize()
    }

    // MARK: Checks

    /// The number in `/dev/stdout`, `/dev/fd/N` and their like. Opening those would be another opening of the file
    /// behind them.
    private static func ownDescriptor(_ name: BytePath) -> CInt? {
        let text = String(decoding: name.bytes, as: UTF8.self)
        if text == "/dev/stdout" { return STDOUT_FILENO }
        if text == "/dev/stderr" { return STDERR_FILENO }
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where text.hasPrefix(prefix) {
            return CInt(text.dropFirst(prefix.count))
        }
        return nil
    }

    private static func stream(_ descriptor: CInt, _ name: BytePath) throws -> Way {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0, fcntl(copy, F_GETFL) & O_ACCMODE != O_RDONLY else {
            if copy >= 0 { close(copy) }
            throw OutputError("\(name) is not open for writing")
        }
        do { try refuseTerminal(copy, name) } catch {
            close(copy)
            throw error
        }
        return .stream(copy)
    }

    private static func refuseTerminal(_ descriptor: CInt, _ name: BytePath) throws {
        if isatty(descriptor) == 1 {
            throw OutputError(
                "\(name) is a terminal, which this output would garble; name a file, or lead it into one or a pipe")
        }
    }

    private static func directory(of path: BytePath) -> BytePath { path.parent.isEmpty ? "." : path.parent }

    /// Where a path's symbolic links lead, also where nothing is there yet.
    private static func target(of path: BytePath) throws -> BytePath {
        var path = path
        for _ in 0..<40 {
            var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = path.withCString { source in
                text.withUnsafeMutableBytes { readlink(source, $0.baseAddress!, $0.count) }
            }
            if count < 0 { return path }
            path = directory(of: path).resolving(BytePath(bytes: Array(text[..<count])))
        }
        throw OutputError("\(path) is a symbolic link that leads in a circle")
    }

    private static func checkNew(_ path: BytePath, _ name: BytePath) throws {
        let parent = directory(of: path)
        guard (try? Files.status(ofTarget: parent)) != nil else {
            throw OutputError("\(name) cannot be written: there is no directory \(parent); make it first")
        }
        do {
            try probe(parent) { _ in }
            // The name itself may be impossible: too long, or for this file system.
            _ = try Files.statusIfPresent(of: path)
        } catch let error as SystemError { throw OutputError(name, "cannot be written in \(parent)", error) }
    }

    private static func way(over path: BytePath, _ status: stat) throws -> Way {
        do { _ = try Descriptor.open(path, flags: O_WRONLY | O_NOFOLLOW) } catch let error as SystemError {
            throw OutputError(path, "cannot be overwritten", error)
        }
        guard status.st_nlink == 1, Files.attribute("system.posix_acl_access", of: path) == nil else { return .inPlace }
        do {
            try probe(directory(of: path)) { file in
                try retrying("give its owner to", file.path) { fchown(file.raw, status.st_uid, status.st_gid) }
            }
            return .replacement(of: status)
        } catch is SystemError { return .inPlace }
    }

    /// Whether files can be made there, which a look at rights, mounts and attributes would only guess.
    private static func probe(_ directory: BytePath, _ body: (borrowing Descriptor) throws -> Void) throws {
        let path = directory.appending(".probing-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp")
        let file = try Descriptor.open(
            path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, trying: "create")
        defer { try? Files.unlinkIfPresent(path) }
        try body(file)
    }
}

/// Why something cannot be written where it should.
package struct OutputError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// With the kernel's reason.
    package init(_ path: BytePath, _ what: String, _ error: SystemError) {
        description = "\(path) \(what): \(error.reason)"
    }
}
