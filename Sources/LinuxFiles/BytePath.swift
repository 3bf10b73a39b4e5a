/// A path, or a single name, as the kernel has it: bytes without NUL, in no promised encoding.
///
/// File names on Linux are bytes. Reading them as UTF-8 would lose files whose names are not (old archives, cameras,
/// Windows shares), so nothing here becomes a `String` before it is shown to a person.
package struct BytePath: Hashable, Sendable, Comparable {
    /// The path's bytes, without a terminating NUL.
    package var bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ string: String) {
        bytes = Array(string.utf8)
    }

    /// The relative path of the directory itself: no bytes.
    package static let empty = BytePath(bytes: [])

    package var isEmpty: Bool { bytes.isEmpty }
    package var isAbsolute: Bool { bytes.first == slash }

    /// The names between the slashes; doubled slashes and `.` count for nothing.
    package var components: [[UInt8]] {
        bytes.split(separator: slash).filter { $0 != [dot] }.map(Array.init)
    }

    /// The bytes after the last slash; empty for an empty path.
    package var lastComponent: BytePath {
        BytePath(bytes: components.last ?? [])
    }

    /// The path without its last component; empty where nothing is left, `/` for a name directly below the root.
    package var parent: BytePath {
        let names = components.dropLast()
        let joined = Array(names.joined(separator: [slash]))
        return BytePath(bytes: isAbsolute ? [slash] + joined : joined)
    }

    package func appending(_ name: [UInt8]) -> BytePath {
        if bytes.isEmpty { return BytePath(bytes: name) }
        if name.isEmpty { return self }
        return BytePath(bytes: bytes.last == slash ? bytes + name : bytes + [slash] + name)
    }

    package func appending(_ other: BytePath) -> BytePath { appending(other.bytes) }
    package func appending(_ name: String) -> BytePath { appending(Array(name.utf8)) }

    /// The rest of this path below `ancestor`, or nil where it is not below it. `/in/ab` is not below `/in/a`.
    package func relative(to ancestor: BytePath) -> BytePath? {
        guard isAbsolute == ancestor.isAbsolute else { return nil }
        let own = components
        let above = ancestor.components
        guard own.count >= above.count, Array(own.prefix(above.count)) == above else { return nil }
        return BytePath(bytes: Array(own.dropFirst(above.count).joined(separator: [slash])))
    }

    package static func < (left: BytePath, right: BytePath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Calls `body` with the path as a C string.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        var terminated = bytes
        terminated.append(0)
        return try terminated.withUnsafeBytes { try body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    }
}

extension BytePath: CustomStringConvertible {
    /// For people: UTF-8 where it is valid; control characters and stray bytes as `\n`, `\t` or `\xFF`.
    package var description: String {
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            let piece = rest.prefix(length)
            if let valid = String(validating: piece, as: UTF8.self) {
                text += valid.unicodeScalars.map(Self.escaped).joined()
                rest = rest.dropFirst(length)
            } else {
                text += terminalEscape(UInt32(first))
                rest = rest.dropFirst()
            }
        }
        return text
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\\": "\\\\"
        default: isTerminalControl(scalar) ? terminalEscape(scalar.value) : String(scalar)
        }
    }
}

extension BytePath: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(value) }
}

private let slash = UInt8(ascii: "/")
private let dot = UInt8(ascii: ".")
