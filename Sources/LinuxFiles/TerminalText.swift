/// Text for a terminal or a line of a log: what would move the cursor, colour, hide or turn round what follows is shown
/// as an escape, `\n`, `\t` or `\x1B`. Every line that a program prints of what others have named goes through this.
package func terminalSafe(_ text: String) -> String {
    if text.unicodeScalars.allSatisfy({ !isTerminalControl($0) }) { return text }
    return text.unicodeScalars.map { scalar in
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: return isTerminalControl(scalar) ? terminalEscape(scalar.value) : String(scalar)
        }
    }.joined()
}

/// C0, DEL, C1, line and paragraph separators, and the marks that turn the writing direction.
func isTerminalControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}

func terminalEscape(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{" + digits + "}"
}
