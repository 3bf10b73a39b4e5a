/// Content that is no photo for us, in words that help the person who sent it.
enum OtherContent {
    /// What to do about a kind of content.
    private enum Remedy: String {
        case imageMagick = "convert it to JPEG first, as ImageMagick does (convert NAME NAME.jpg)"
        case rawDeveloper = "develop it to JPEG first, as with darktable or RawTherapee"
        case video =
            "it is no photo; take a picture out of it first, as with ffmpeg (ffmpeg -i NAME -frames:v 1 NAME.png)"
        case page = "render it first, as pdftoppm does (pdftoppm -png NAME NAME)"
        case drawing = "render it first, as rsvg-convert does (rsvg-convert -o NAME.png NAME)"
        case jpegXL = "convert it first, as djxl does (djxl NAME NAME.png)"
    }

    private static let known: [(signature: Signature, name: String, remedy: Remedy)] = [
        (Signature("GIF8"), "a GIF", .imageMagick), (Signature("BM"), "a BMP", .imageMagick),
        (Signature("8BPS"), "a Photoshop document", .imageMagick),
        (Signature("gimp xcf"), "a GIMP document", .imageMagick),
        (Signature([0, 0, 1, 0]), "an icon", .imageMagick),
        (Signature("jP  ", after: 4), "a JPEG 2000", .imageMagick),
        (Signature([0xFF, 0x4F, 0xFF, 0x51]), "a JPEG 2000", .imageMagick),
        (Signature([0xFF, 0x0A]), "a JPEG XL", .jpegXL), (Signature("JXL ", after: 4), "a JPEG XL", .jpegXL),
        (Signature("ftypcrx", after: 4), "a raw photo (Canon)", .rawDeveloper),
        (Signature("FUJIFILMCCD-RAW"), "a raw photo (Fujifilm)", .rawDeveloper),
        (Signature("IIRO"), "a raw photo (Olympus)", .rawDeveloper),
        (Signature("IIRS"), "a raw photo (Olympus)", .rawDeveloper),
        (Signature("MMOR"), "a raw photo (Olympus)", .rawDeveloper),
        (Signature([0x49, 0x49, 0x55, 0x00]), "a raw photo (Panasonic)", .rawDeveloper),
        (Signature("FOVb"), "a raw photo (Sigma)", .rawDeveloper),
        (Signature("\0MRM"), "a raw photo (Minolta)", .rawDeveloper),
        (Signature("ftyp", after: 4), "a video", .video), (Signature([0x1A, 0x45, 0xDF, 0xA3]), "a video", .video),
        (Signature("AVI ", after: 8), "a video", .video),
        (Signature("%PDF"), "a PDF", .page), (Signature("%!PS"), "PostScript", .page),
        (Signature("<svg"), "an SVG", .drawing), (Signature("<?xml"), "XML, perhaps an SVG", .drawing),
    ]

    /// The error for content of a format that is not read.
    static func error(_ bytes: UnsafeRawBufferPointer) -> PhotoError {
        PhotoError(kind: .notAPhoto, reason: reason(bytes))
    }

    /// The error for a raw photo in a TIFF structure.
    static func rawPhoto(_ kind: String) -> PhotoError {
        PhotoError(
            kind: .notAPhoto,
            reason: "the content is a raw photo (\(kind)), which is not read; \(Remedy.rawDeveloper.rawValue)")
    }

    private static func reason(_ bytes: UnsafeRawBufferPointer) -> String {
        let reader = ByteReader(bytes)
        if bytes.isEmpty { return "the file is empty" }
        if reader.matches([0x89, 0x50, 0x4E, 0x47], at: 0) || reader.matches(Array("PNG".utf8), at: 1) {
            return "the PNG signature is damaged, as by a transfer in text mode; send the file again in binary mode"
        }
        if let (_, name, remedy) = known.first(where: { $0.signature.matches(reader) }) {
            return "the content is \(name), which is not read; \(remedy.rawValue)"
        }
        return "the content is none of \(PhotoFormat.list("and"))"
    }
}
