/// A path as one word of a shell's command line, whatever its bytes: as it is where nothing in it means something to a
/// shell, else in single quotes, and `$'...'` (bash, ksh, zsh; POSIX 2024) where it has bytes that a terminal could not
/// show or take.
package func shellQuoted(_ path: BytePath) -> String {
    let bytes = path.bytes
    guard let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isTerminalControl)
    else {
        return dollarQuoted(bytes)
    }
    if !bytes.isEmpty, bytes.allSatisfy({ isPlain($0) }), bytes.first != UInt8(ascii: "-") { return text }
    return text.contains("\\") ? dollarQuoted(bytes) : "'\(text.replacing("'", with: "'\\''"))'"
}

/// Letters beyond ASCII mean nothing to a shell, but some of them are blanks to a reader: only those in quotes.
private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
    default: "-_./+,:=@%".utf8.contains(byte)
    }
}

/// Bytes that are part of printable text stay; every other one is an escape of two digits, which ends there.
private func dollarQuoted(_ bytes: [UInt8]) -> String {
    var result = "$'", rest = bytes[...]
    while let first = rest.first {
        let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        let piece = rest.prefix(length)
        if let text = String(validating: piece, as: UTF8.self), !text.unicodeScalars.contains(where: isTerminalControl)
        {
            result += first == UInt8(ascii: "\\") ? "\\\\" : first == UInt8(ascii: "'") ? "\\'" : text
            rest = rest.dropFirst(length)
        } else {
            result += "\\x" + (first < 16 ? "0" : "") + String(first, radix: 16)
            rest = rest.dropFirst()
        }
    }
    return result + "'"
}
