/// Names and values of journal fields. Source: systemd's "Native Journal Protocol" and systemd.journal-fields(7).
enum JournalField {
    /// journald drops a field silently if its name is longer.
    static let longestName = 64

    /// The field for a metadata key: upper-case keys such as MESSAGE_ID are taken as they are; others become upper
    /// snake case behind a prefix (`imageWidth` → `CYCLEGAN_IMAGE_WIDTH`). journald silently drops small letters,
    /// hyphens and leading digits or underscores, so none of these comes out.
    static func name(for key: String, prefix: String) -> String {
        if isFieldName(key) { return String(key.prefix(longestName)) }
        var name = prefix
        var previousWasSmall = false
        for character in key.utf8 {
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                if previousWasSmall { name += "_" }
                name.unicodeScalars.append(Unicode.Scalar(character))
                previousWasSmall = false
            case UInt8(ascii: "a")...UInt8(ascii: "z"):
                name.unicodeScalars.append(Unicode.Scalar(character - 32))
                previousWasSmall = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                name.unicodeScalars.append(Unicode.Scalar(character))
                previousWasSmall = true
            default:
                name += "_"
                previousWasSmall = false
            }
        }
        return String(name.prefix(longestName))
    }

    static func isFieldName(_ key: String) -> Bool {
        guard let first = key.utf8.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else { return false }
        return key.utf8.allSatisfy { character in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(character)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) || character == UInt8(ascii: "_")
        }
    }
}

/// Bytes for a log line's metadata that must reach the journal as they are, such as a file name that is not UTF-8:
/// `logger.info("…", metadata: ["file": .stringConvertible(JournalBytes(path.bytes))])`.
package struct JournalBytes: CustomStringConvertible, Sendable, Hashable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// For handlers that know text only; stray bytes become U+FFFD.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
