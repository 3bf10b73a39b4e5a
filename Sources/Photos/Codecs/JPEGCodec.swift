import CImageCodecs

/// JPEG through libjpeg-turbo.
enum JPEGCodec: PhotoCodec {
    static let name = "JPEG", library = "libjpeg"
    static let fileExtensions = ["jpg", "jpeg", "jpe", "jfif"]
    static let signatures = [JPEGMarkers.signature]

    /// A JPEG cannot be larger on a side (libjpeg's bound, a little below the format's 65,535).
    static let maxSide = 65_500

    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        _ = try JPEGStructure(bytes, limits: limits, isWhole: false)
    }

    static func open(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> OpenPhoto {
        let structure = try JPEGStructure(bytes, limits: limits)
        let image = UnsafeRawBufferPointer(rebasing: bytes[..<structure.end])
        let rows = try RowDecoder(self, cic_jpeg_open, image, limits: limits)
        var description = structure.profile.map { ColourDescription.profile($0) }
        // Cameras that follow DCF say so in EXIF and embed no profile.
        if description == nil, rows.info.layout == CIC_RGB,
            structure.metadata.exif.flatMap(Exif.init)?.isAdobeRGB == true
        {
            description = .chromaticities(.adobeRGB)
        }
        return OpenPhoto(
            rows: rows, metadata: structure.metadata, description: description, warnings: structure.warnings)
    }

    static func hasEnd(_ file: ByteStream) throws -> Bool {
        var markers = JPEGMarkers(file)
        while let segment = try markers.next() {
            if segment.marker == JPEGMarkers.Marker.endOfImage { return true }
        }
        return false
    }

    static var encode: (@Sendable (Photo, EncodingOptions) throws -> [UInt8])? { write }

    /// Alpha is flattened on white.
    private static func write(_ photo: Photo, _ options: EncodingOptions) throws -> [UInt8] {
        guard photo.width <= maxSide, photo.height <= maxSide else {
            throw PhotoError(
                kind: .unsupported,
                reason: "\(photo.width) x \(photo.height) pixels do not fit into a JPEG, which holds at most "
                    + "\(maxSide) on a side; write PNG")
        }
        let metadata = MetadataWriter(photo, policy: options.metadata, format: .jpeg, notes: options.notes)
        let segments = metadata.jpegSegments()
        let quality = CInt(min(max(options.quality, 1), 100))
        return try PhotoEncoder.encode(photo, format: .jpeg) { image, buffer, message in
            cic_jpeg_encode(
                &image, quality, options.subsampling == .yuv444 ? 1 : 0, metadata.jfifDensity, segments, segments.count,
                &buffer, message)
        }
    }
}
