/// The names that a picture, or a file set aside, may get: the plain one first, then `-1`, `-2` and so on before the
/// extension. A name never grows over the 255 bytes that Linux allows: the stem is cut.
package struct OutputName: Sendable, Equatable {
    /// Bytes that a single name may have on Linux (NAME_MAX).
    package static let longest = 255

    package let stem: [UInt8]
    /// Between the stem and the number: the inbox's key with its dot, or nothing.
    package let middle: [UInt8]
    /// With its dot; may be empty.
    package let fileExtension: [UInt8]

    /// The name of a picture: `beach.jpg` of the inbox `vangogh` becomes `beach.vangogh.jpg`.
    /// - Parameters:
    ///   - name: the photo's name.
    ///   - key: the inbox's key.
    ///   - extensions: the written format's extensions, the usual one first. One that the photo already has is kept as
    ///     it is spelt.
    ///   - photoExtensions: the extensions of all formats: only these are taken off the photo's name.
    package init(photo name: [UInt8], key: String, extensions: [String], photoExtensions: [String]) {
        let (stem, suffix) = Self.split(name)
        let spelling = suffix.map { $0.asciiLowercased }
        if let suffix, let spelling, extensions.contains(spelling) {
            self.stem = stem
            fileExtension = [UInt8(ascii: ".")] + suffix
        } else {
            self.stem = spelling.map(photoExtensions.contains) == true ? stem : name
            fileExtension = Array(".\(extensions[0])".utf8)
        }
        middle = Array(".\(key)".utf8)
    }

    /// A file that keeps its own name where that is free: an original or a failed photo.
    package init(keeping name: [UInt8]) {
        let (stem, suffix) = Self.split(name)
        self.stem = suffix == nil ? name : stem
        middle = []
        fileExtension = suffix.map { [UInt8(ascii: ".")] + $0 } ?? []
    }

    /// The name to try after `number` taken ones, with `suffix` after everything.
    package func candidate(_ number: Int, suffix: String = "") -> [UInt8] {
        let tail = middle + (number == 0 ? [] : Array("-\(number)".utf8)) + fileExtension + Array(suffix.utf8)
        return Self.cut(stem, to: Self.longest - tail.count) + tail
    }

    /// Splits at the last dot; a leading dot starts a name, and an extension is short and plain.
    private static func split(_ name: [UInt8]) -> (stem: [UInt8], suffix: [UInt8]?) {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, name.count - dot - 1 <= 16, dot + 1 < name.count
        else {
            return (name, nil)
        }
        return (Array(name[..<dot]), Array(name[(dot + 1)...]))
    }

    /// Cuts between characters where the bytes are UTF-8: a continuation byte never starts what is cut off.
    private static func cut(_ bytes: [UInt8], to limit: Int) -> [UInt8] {
        guard bytes.count > limit else { return bytes }
        var end = max(limit, 0)
        while end > 0, bytes[end] & 0xC0 == 0x80, limit - end < 4 { end -= 1 }
        return Array(bytes[..<end])
    }
}

extension [UInt8] {
    package var asciiLowercased: String {
        String(decoding: map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }
}
