import DirectoryWatching

/// The path as the file system's own byte strings, from the module that watches directories.
public typealias BytePath = DirectoryWatching.BytePath
public typealias FileIdentity = DirectoryWatching.FileIdentity

extension BytePath {
    /// The last component's bytes, empty for `/` and for an empty path.
    var name: [UInt8] { lastComponent.bytes }

    /// `other` below this path; an absolute `other` stands for itself.
    func resolving(_ other: BytePath) -> BytePath { other.isAbsolute ? other : appending(other) }

    /// Without `.`, `..`, doubled and trailing slashes. Symbolic links are not followed.
    var normalized: BytePath {
        let up = [UInt8](repeating: UInt8(ascii: "."), count: 2)
        var parts: [[UInt8]] = []
        for part in components {
            if part != up {
                parts.append(part)
            } else if let last = parts.last, last != up {
                parts.removeLast()
            } else if !isAbsolute {
                parts.append(part)
            }
        }
        let joined = Array(parts.joined(separator: [UInt8(ascii: "/")]))
        return BytePath(bytes: isAbsolute ? [UInt8(ascii: "/")] + joined : joined)
    }

    func isInside(_ ancestor: BytePath) -> Bool { relative(to: ancestor).map { !$0.isEmpty } ?? false }
}

extension FileIdentity {
    /// The same inode, whatever was written to it since.
    func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }

    /// The same inode with the same size and modification time. The change time does not count: renaming, linking and chmod set it
    /// and leave the content alone.
    func isSameContent(as other: FileIdentity) -> Bool { isSameFile(as: other) && size == other.size && modified == other.modified }
}
