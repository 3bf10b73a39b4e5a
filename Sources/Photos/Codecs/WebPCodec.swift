import CImageCodecs

/// WebP through libwebp (RFC 9649): still pictures, and the first frame of animations.
enum WebPCodec: PhotoCodec {
    static let name = "WebP", library = "libwebp"
    static var isBuiltIn: Bool { cic_has_webp() != 0 }
    static let fileExtensions = ["webp"]
    static let signatures = [Signature("RIFF".utf8.map { $0 } + [nil, nil, nil, nil] + "WEBP".utf8.map { $0 })]

    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        _ = try WebPStructure(bytes, limits: limits)
    }

    static func open(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> OpenPhoto {
        let structure = try WebPStructure(bytes, limits: limits)
        return OpenPhoto(
            rows: try RowDecoder(self, cic_webp_open, bytes, limits: limits), metadata: structure.metadata,
            description: structure.profile.map { .profile($0) }, warnings: structure.warnings)
    }

    /// The RIFF header counts what follows it.
    static func hasEnd(_ file: ByteStream) throws -> Bool {
        file.isLittleEndian = true
        guard let length = try file.uint32(at: 4) else { return false }
        return file.has(length, at: 8)
    }
}

/// What the chunks of a WebP say besides the image itself.
struct WebPStructure {
    var metadata = PhotoMetadata()
    var profile: [UInt8]?
    var warnings: [String] = []

    /// - Throws: `PhotoError`
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        let reader = ByteReader(bytes, isLittleEndian: true)
        var position = 12, chunkCount = 0, heldBytes = 0
        while let length = reader.uint32(at: position + 4), let name = reader.copy(4, at: position) {
            let kind = Kind(rawValue: String(decoding: name, as: UTF8.self))
            if kind == .extended { try checkCanvas(reader, at: position + 8, limits: limits) }
            if kind == .image || kind == .losslessImage {
                try checkImage(reader, kind, at: position + 8, limits: limits)
            }
            if kind == nil || kind?.isMetadata == true {
                chunkCount += 1
                try limits.check(chunks: chunkCount)
            }
            if let kind, kind.isMetadata {
                heldBytes += length
                try limits.check(metadataBytes: heldBytes)
                if let data = reader.copy(length, at: position + 8) { take(kind, data) }
            }
            // Chunks are padded to an even length.
            position += 8 + length + length % 2
        }
    }

    private enum Kind: String {
        case extended = "VP8X", image = "VP8 ", losslessImage = "VP8L", alpha = "ALPH", animation = "ANIM", frame =
            "ANMF"
        case profile = "ICCP", exif = "EXIF", xmp = "XMP "

        var isMetadata: Bool { [.profile, .exif, .xmp].contains(self) }
    }

    private mutating func take(_ kind: Kind, _ data: [UInt8]) {
        switch kind {
        case .profile: if profile == nil { profile = data }
        case .exif: if metadata.exif == nil { metadata.exif = Exif.withoutPrefix(data) }
        case .xmp: if metadata.xmp == nil { metadata.xmp = data }
        default: break
        }
    }

    private mutating func checkCanvas(_ reader: ByteReader, at position: Int, limits: DecodingLimits) throws {
        func number24(at position: Int) -> Int? {
            guard let low = reader.uint16(at: position), let high = reader.byte(at: position + 2) else { return nil }
            return low | Int(high) << 16
        }
        guard let flags = reader.byte(at: position), let width = number24(at: position + 4),
            let height = number24(at: position + 7)
        else { return }
        try limits.check(width: width + 1, height: height + 1)
        if flags & 2 != 0 { warnings.append("the WebP is animated: only its first picture was read") }
    }

    /// The size in the bitstream's own header: RFC 6386, 9.1, and RFC 9649, 3.4.
    private func checkImage(_ reader: ByteReader, _ kind: Kind?, at position: Int, limits: DecodingLimits) throws {
        if kind == .image, let width = reader.uint16(at: position + 6), let height = reader.uint16(at: position + 8) {
            try limits.check(width: width & 0x3FFF, height: height & 0x3FFF)
        }
        if kind == .losslessImage, let bits = reader.uint32(at: position + 1) {
            try limits.check(width: (bits & 0x3FFF) + 1, height: (bits >> 14 & 0x3FFF) + 1)
        }
    }
}
