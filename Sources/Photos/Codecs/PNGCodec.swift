import CImageCodecs

/// PNG through libpng.
enum PNGCodec: PhotoCodec {
    static let name = "PNG", library = "libpng"
    static let fileExtensions = ["png"]
    static let signatures = [Signature(PNGChunks.signatureBytes)]

    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        _ = try PNGStructure(bytes, limits: limits, isWhole: false)
    }

    static func open(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> OpenPhoto {
        let structure = try PNGStructure(bytes, limits: limits)
        let gamma = colour == .sRGB ? structure.effectiveGamma : nil
        return OpenPhoto(
            rows: try RowDecoder(self, cic_png_open, bytes, limits: limits, gamma: gamma), metadata: structure.metadata,
            description: structure.colourDescription, warnings: structure.warnings)
    }

    static func hasEnd(_ file: ByteStream) throws -> Bool {
        var chunks = PNGChunks(file)
        while let chunk = try chunks.next(), chunk.isNamed {
            if chunk.name == PNGChunks.end { return file.has(chunk.length + 4, at: chunk.position) }
        }
        return false
    }

    static var encode: (@Sendable (Photo, EncodingOptions) throws -> [UInt8])? { write }

    /// On photographs, level 6 takes twice as long as this for one or two per cent.
    private static let compressionLevel: CInt = 3

    private static func write(_ photo: Photo, _ options: EncodingOptions) throws -> [UInt8] {
        let metadata = MetadataWriter(photo, policy: options.metadata, format: .png, notes: options.notes)
        let chunks = metadata.pngChunks()
        return try PhotoEncoder.encode(photo, format: .png) { image, buffer, message in
            cic_png_encode(&image, compressionLevel, metadata.pngDensity, chunks, chunks.count, &buffer, message)
        }
    }
}
