/// The file formats that photos are read from; some are written too.
package enum PhotoFormat: String, Sendable, CaseIterable {
    case jpeg, png, heic, avif, webp, tiff

    /// The table of formats: everything else about one is in its codec.
    var codec: any PhotoCodec.Type {
        switch self {
        case .jpeg: JPEGCodec.self
        case .png: PNGCodec.self
        case .heic: HEICCodec.self
        case .avif: AVIFCodec.self
        case .webp: WebPCodec.self
        case .tiff: TIFFCodec.self
        }
    }

    /// As people write it.
    package var name: String { codec.name }

    /// Without the dot, lower case, the usual one first.
    package var fileExtensions: [String] { codec.fileExtensions }

    /// Whether pictures can be written in it.
    package var isWritten: Bool { codec.encode != nil }

    package static var written: [PhotoFormat] { allCases.filter(\.isWritten) }

    /// The library that this build of the program lacks for reading the format; nil where it has what it needs.
    package var missingLibrary: String? { codec.isBuiltIn ? nil : codec.library }

    /// The format of a picture that is to be in the photo's own: where that is not written, JPEG, or PNG to keep alpha.
    package func written(hasAlpha: Bool) -> PhotoFormat { isWritten ? self : hasAlpha ? .png : .jpeg }

    /// The format that a file's extension announces: without the dot, in any letter case.
    package init?(fileExtension: String) {
        let spelling = fileExtension.lowercased()
        guard let format = Self.allCases.first(where: { $0.fileExtensions.contains(spelling) }) else { return nil }
        self = format
    }

    /// The format that the first bytes of a file announce, whatever the file is called; nil for any other content.
    package static func sniff(_ bytes: UnsafeRawBufferPointer) -> PhotoFormat? {
        let reader = ByteReader(bytes)
        return allCases.first { $0.codec.signatures.contains { $0.matches(reader) } }
    }

    /// "JPEG, PNG, HEIC, AVIF, WebP or TIFF".
    static func list(_ conjunction: String) -> String {
        let names = allCases.map(\.name)
        return names.dropLast().joined(separator: ", ") + " \(conjunction) " + names.suffix(1).joined()
    }
}

/// The first bytes of a file; nil stands for any byte.
struct Signature: Sendable {
    let bytes: [UInt8?]

    init(_ bytes: [UInt8?]) { self.bytes = bytes }

    /// `text` behind `gap` bytes of any value.
    init(_ text: String, after gap: Int = 0) {
        bytes = [UInt8?](repeating: nil, count: gap) + text.utf8.map { $0 }
    }

    /// A file type box of a brand (ISO/IEC 14496-12, section 4.3). Its size stands before it; a file of a few other
    /// bytes is no beginning of one, for the list of brands is short: the size's upper bytes are 0.
    init(brand: String) { bytes = [0, 0, nil, nil] + ("ftyp" + brand).utf8.map { $0 } }

    func matches(_ reader: ByteReader) -> Bool { reader.has(bytes.count, at: 0) && begins(reader) }

    /// Whether a file that has only these bytes yet may become one of the format.
    func begins(_ reader: ByteReader) -> Bool {
        bytes.enumerated().prefix(reader.count).allSatisfy { index, byte in byte == nil || byte == reader.bytes[index] }
    }
}
