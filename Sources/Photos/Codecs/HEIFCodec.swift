import CImageCodecs

/// HEIC and AVIF through libheif (ISO/IEC 23008-12).
///
/// The file's own properties say how it is to be turned and mirrored, and libheif does that. What EXIF says of the
/// orientation is there for information, and is not applied a second time.
protocol HEIFCodec: PhotoCodec {}

enum HEICCodec: HEIFCodec {
    static let name = "HEIC"
    static let fileExtensions = ["heic", "heif", "hif"]
    /// HEVC pictures and sequences, and what may hold pictures of any coding.
    static let signatures = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "mif2", "msf1"]
        .map { Signature(brand: $0) }
}

enum AVIFCodec: HEIFCodec {
    static let name = "AVIF"
    static let fileExtensions = ["avif"]
    static let signatures = ["avif", "avis"].map { Signature(brand: $0) }
}

extension HEIFCodec {
    static var library: String { "libheif" }
    static var isBuiltIn: Bool { cic_has_heif() != 0 }

    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        try HEIFItems(HEIFBoxes(ByteStream(bytes))).check(limits)
    }

    static func open(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> OpenPhoto {
        let boxes = HEIFBoxes(ByteStream(bytes))
        try HEIFItems(boxes).check(limits)
        // The library takes what is missing for damage.
        guard try boxes.areWhole() else {
            throw PhotoError(CIC_TRUNCATED, name: name, message: "the file ends before the image does")
        }
        var photo = OpenPhoto(rows: try RowDecoder(self, cic_heif_open, bytes, limits: limits), isUpright: true)
        if let exif = try copy(CIC_EXIF, photo.rows, limits) { photo.metadata.exif = Self.exif(exif) }
        photo.metadata.xmp = try copy(CIC_XMP, photo.rows, limits)
        try describeColours(&photo, limits)
        return photo
    }

    static func hasEnd(_ file: ByteStream) throws -> Bool { try HEIFBoxes(file).areWhole() }

    /// Four bytes tell where in the block the TIFF structure begins: behind a prefix, or at once.
    private static func exif(_ block: [UInt8]) -> [UInt8] {
        let offset = block.withUnsafeBytes { ByteReader($0).uint32(at: 0) } ?? 0
        return Exif.withoutPrefix(Array(block.dropFirst(4).dropFirst(min(offset, block.count))))
    }

    private static func describeColours(_ photo: inout OpenPhoto, _ limits: DecodingLimits) throws {
        if let profile = try copy(CIC_PROFILE, photo.rows, limits) {
            photo.description = .profile(profile)
            return
        }
        var coding: [UInt8] = [0, 0]
        guard cic_heif_coding(photo.rows.decoder, &coding) != 0 else { return }
        guard let colours = Chromaticities(primaries: coding[0], transfer: coding[1]) else {
            photo.warnings.append("the \(name)'s colours are coded for other screens (nclx) and were not converted")
            return
        }
        if !colours.isSRGB { photo.description = .chromaticities(colours) }
    }

    private static func copy(_ kind: cic_metadata, _ rows: RowDecoder, _ limits: DecodingLimits) throws -> [UInt8]? {
        var buffer = cic_buffer()
        defer { cic_buffer_free(&buffer) }
        let status = cic_heif_copy_metadata(rows.decoder, kind, &buffer)
        if status == CIC_TOO_LARGE { try limits.check(metadataBytes: Int.max) }
        try rows.check(status)
        return buffer.count == 0 ? nil : [UInt8](UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }
}
