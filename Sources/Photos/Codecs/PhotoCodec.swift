import CImageCodecs

/// One file format: all that the program knows of it. `PhotoFormat.codec` lists them.
protocol PhotoCodec: Sendable {
    /// As people write it: "the JPEG is damaged".
    static var name: String { get }
    /// Without the dot, lower case, the usual one first.
    static var fileExtensions: [String] { get }
    /// A file is of this format when its beginning fits one of these.
    static var signatures: [Signature] { get }
    /// The library that reads it, and whether it was there when the program was built.
    static var library: String { get }
    static var isBuiltIn: Bool { get }

    /// Refuses what the first bytes of a file already condemn.
    /// - Throws: `PhotoError`
    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws

    /// Reads everything but the pixels. `bytes` must outlive what is returned.
    /// - Throws: `PhotoError`
    static func open(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion) throws
        -> OpenPhoto

    /// Whether a file's last part is there, without decoding; bytes behind its end do not matter.
    /// - Throws: `SystemError` where the file cannot be read.
    static func hasEnd(_ file: ByteStream) throws -> Bool

    /// Writes a picture; nil where the format is only read.
    static var encode: (@Sendable (Photo, EncodingOptions) throws -> [UInt8])? { get }
}

extension PhotoCodec {
    static var isBuiltIn: Bool { true }
    static var encode: (@Sendable (Photo, EncodingOptions) throws -> [UInt8])? { nil }
    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {}
}

/// A file whose header has been read.
struct OpenPhoto {
    let rows: RowDecoder
    var metadata = PhotoMetadata()
    /// How its colours are to be converted; nil where they are sRGB's.
    var description: ColourDescription?
    /// Whether rows come upright, whatever EXIF and XMP say.
    var isUpright = false
    var warnings: [String] = []
}

/// Rows out of a decoder of `CImageCodecs`, from the image's first to its last. The file's bytes must outlive the
/// object.
final class RowDecoder {
    typealias Opening = (UnsafePointer<UInt8>?, Int, UnsafePointer<cic_options>) -> OpaquePointer?

    let decoder: OpaquePointer
    private(set) var info = cic_info()
    private let name: String

    /// Reads the header.
    /// - Parameter gamma: a gAMA value to correct for, if any.
    /// - Throws: `PhotoError`, also where the header exceeds a limit.
    init(
        _ codec: any PhotoCodec.Type, _ opening: Opening, _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits,
        gamma: Double? = nil
    ) throws {
        name = codec.name
        guard codec.isBuiltIn else {
            throw PhotoError(
                kind: .unsupported,
                reason:
                    "this program was built without \(codec.library), which reads \(name); convert the photo to JPEG, "
                    + "or "
                    + "build the program again with \(codec.library)-dev installed")
        }
        let source = bytes.bindMemory(to: UInt8.self)
        var options = cic_options(
            accept_damage: limits.truncated == .accept ? 1 : 0,
            max_side: UInt32(clamping: min(limits.maxSide, 0x7FFF_FFFF)),
            max_pixels: UInt64(clamping: limits.maxPixels),
            max_chunk_bytes: limits.maxChunkBytes, file_gamma: gamma ?? 0)
        guard let decoder = opening(source.baseAddress, source.count, &options) else {
            throw PhotoError(CIC_NO_MEMORY, name: name, message: "no decoder could be made")
        }
        self.decoder = decoder
        let status = cic_read_header(decoder, &info)
        if status == CIC_TOO_LARGE { throw limits.exceededByPart(name) }
        try check(status)
        try limits.check(width: Int(info.width), height: Int(info.height))
    }

    deinit { cic_close(decoder) }

    /// Fills `rows` with the next `count` rows, in `info`'s layout.
    func read(into rows: UnsafeMutablePointer<UInt8>, count: Int) throws {
        try check(cic_read_rows(decoder, rows, count))
    }

    /// Checks what comes after the last row.
    func finish() throws { try check(cic_finish(decoder)) }

    /// Damage that was accepted, and oddities.
    var warnings: [String] {
        var warnings: [String] = []
        let damage = String(cString: cic_damage(decoder)), note = String(cString: cic_note(decoder))
        if !damage.isEmpty { warnings.append("the \(name) is damaged and was read as far as possible: \(damage)") }
        if !note.isEmpty { warnings.append("the \(name) is odd, but its pixels are whole: \(note)") }
        return warnings
    }

    func check(_ status: cic_status) throws {
        guard status != CIC_OK else { return }
        throw PhotoError(status, name: name, message: String(cString: cic_error(decoder)))
    }
}

extension cic_info {
    var bytesPerPixel: Int { layout == CIC_RGB ? 3 : 4 }
}
