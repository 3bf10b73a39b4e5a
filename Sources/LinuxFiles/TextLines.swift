extension StringProtocol {
    /// The lines of a text file, empty ones too. Editors of other systems end lines with CR and LF, which Swift holds
    /// for one character: a split at "\n" alone finds none.
    package var textLines: [SubSequence] {
        split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    }
}
