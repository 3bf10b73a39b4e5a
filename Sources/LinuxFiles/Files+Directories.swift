import Glibc

extension Files {
    /// Creates a directory and its missing ancestors. Whether the new ones are shared with the group is the umask's
    /// business, and a setgid bit is inherited from the parent: asking for it is forbidden under RestrictSUIDSGID=.
    /// - Returns: the directories that were made, outermost first.
    @discardableResult
    package static func makeDirectory(_ path: BytePath) throws -> [BytePath] {
        do {
            try retrying("create the directory", path) { mkdir($0, 0o777) }
            return [path]
        } catch let error as SystemError where error.code == EEXIST {
            guard isDirectory(try status(ofTarget: path)) else {
                throw SystemError(ENOTDIR, "use as a directory", path)
            }
            return []
        } catch let error as SystemError where error.code == ENOENT && path.parent != path && !path.parent.isEmpty {
            let made = try makeDirectory(path.parent)
            do { try retrying("create the directory", path) { mkdir($0, 0o777) } } catch let error as SystemError
                where error.code == EEXIST
            {
                // Another made it in this moment.
            }
            return made + [path]
        }
    }

    /// Makes the names in a directory durable.
    package static func synchronizeDirectory(_ path: BytePath) throws {
        do { try Descriptor.directory(path, followingLinks: true).synchronize() } catch let error as SystemError
            where error.operation == "synchronise" && [EINVAL, ENOTSUP].contains(error.code)
        {
            // Some network and FUSE file systems cannot do this for directories; their rename is as durable as it gets.
        }
    }

    /// The names in a directory, or in the one that a symbolic link leads to, in byte order.
    package static func names(in directory: BytePath) throws -> [[UInt8]] {
        try Descriptor.directory(directory, followingLinks: true).names()
    }

    /// Calls `visit` for every entry below `directory` that is no directory, without following symbolic links.
    /// Directories that cannot be read are passed over.
    package static func walk(_ directory: BytePath, visit: (BytePath, stat) throws -> Void) rethrows {
        var pending = [directory]
        while let next = pending.popLast() {
            // The one that was asked for may be a link; what lies in it is not followed.
            guard let names = try? Descriptor.directory(next, followingLinks: next == directory).names() else {
                continue
            }
            for name in names {
                let path = next.appending(name)
                guard let status = try? status(of: path) else { continue }
                if isDirectory(status) { pending.append(path) } else { try visit(path, status) }
            }
        }
    }
}

extension BytePath {
    /// Whether names can be made and removed in this directory: its permissions and its mount say so, at present.
    /// - Throws: `SystemError` with what hinders.
    package func checkWritable() throws {
        try retrying("take files out of", self) { faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) }
    }
}
