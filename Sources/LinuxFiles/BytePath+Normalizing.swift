extension BytePath {
    /// The last component's bytes, empty for `/` and for an empty path.
    package var name: [UInt8] { lastComponent.bytes }

    /// `other` below this path; an absolute `other` stands for itself.
    package func resolving(_ other: BytePath) -> BytePath { other.isAbsolute ? other : appending(other) }

    /// Without `.`, `..`, doubled and trailing slashes. Symbolic links are not followed.
    package var normalized: BytePath {
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

    /// Whether it lies below a directory, which is not inside itself.
    package func isInside(_ ancestor: BytePath) -> Bool { relative(to: ancestor).map { !$0.isEmpty } ?? false }
}
