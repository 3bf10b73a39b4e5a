import Glibc

extension Files {
    /// Gives a file a second name (a hard link); throws EEXIST where that is taken, ENOENT where `source` is not there.
    /// Beside exclusive creation this is what every file system, also one of the network, does for one caller only.
    package static func link(_ source: BytePath, to target: BytePath) throws {
        try retrying("link \(source) to", target) { target in source.withCString { Glibc.link($0, target) } }
    }

    /// Has a network file system ask its server anew what lies in a directory: opening it does that. Names that were
    /// looked up before are else believed for up to a minute.
    /// - Throws: `SystemError`.
    package static func refresh(_ directory: BytePath) throws {
        _ = try Descriptor.directory(directory, followingLinks: true)
    }
}

extension Descriptor {
    /// Sets the modification time to now, by the clock of whoever keeps the file.
    package func touch() throws { try retrying("touch", path) { futimens(raw, nil) } }
}

extension SystemError {
    /// The file is not there (any more), also where a network file system had it open.
    package var isGone: Bool { isMissing || code == ESTALE }
}
