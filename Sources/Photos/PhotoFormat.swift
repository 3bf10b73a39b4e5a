/// The file formats that photos are read from and written to.
public enum PhotoFormat: String, Sendable, CaseIterable {
    case jpeg, png

    /// The format that the first bytes of a file announce, whatever the file is called; nil for any other content.
    public static func sniff(_ bytes: UnsafeRawBufferPointer) -> PhotoFormat? {
        let reader = ByteReader(bytes)
        if reader.matches([0xFF, 0xD8, 0xFF], at: 0) { return .jpeg }
        if reader.matches(pngSignature, at: 0) { return .png }
        return nil
    }

    /// Without the dot, lower case, the usual one first.
    public var fileExtensions: [String] {
        switch self {
        case .jpeg: ["jpg", "jpeg", "jpe", "jfif"]
        case .png: ["png"]
        }
    }

    static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Why content that `sniff` does not know is not a photo for us, in words that help the person who sent it.
    static func describeUnknown(_ bytes: UnsafeRawBufferPointer) -> String {
        let reader = ByteReader(bytes)
        if bytes.isEmpty { return "the file is empty" }
        if reader.matches([0x89, 0x50, 0x4E, 0x47], at: 0) || reader.matches(Array("PNG".utf8), at: 1) {
            return "the PNG signature is damaged, as by a transfer in text mode; send the file again in binary mode"
        }
        let known: [(offset: Int, magic: String, name: String)] = [
            (0, "GIF8", "a GIF"), (8, "WEBP", "a WebP"), (4, "ftyphe", "a HEIC"), (4, "ftypmif", "a HEIC"),
            (4, "ftypavi", "an AVIF"), (4, "ftyp", "a video or a raw photo"), (0, "BM", "a BMP"),
            (0, "II*\0", "a TIFF or a raw photo"), (0, "MM\0*", "a TIFF or a raw photo"), (0, "%PDF", "a PDF"),
            (0, "8BPS", "a Photoshop document"), (0, "<svg", "an SVG"), (0, "<?xml", "XML"),
        ]
        for (offset, magic, name) in known where reader.matches(Array(magic.utf8), at: offset) {
            return "the content is \(name), not a JPEG or PNG; convert it first"
        }
        return "the content is neither JPEG nor PNG"
    }
}
