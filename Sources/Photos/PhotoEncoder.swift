import CImageCodecs

/// How finely a JPEG keeps colour.
public enum ChromaSubsampling: String, Sendable, CaseIterable {
    /// 4:2:0, colour at half the resolution.
    case yuv420
    /// 4:4:4, colour at full resolution.
    case yuv444
}

/// What of the input's metadata the output carries. The orientation is always reset and thumbnails always dropped.
public enum MetadataPolicy: String, Sendable, CaseIterable {
    /// EXIF, XMP, IPTC, comments and texts.
    case all
    /// EXIF and IPTC without the place where the photo was taken.
    case basic
    case none
}

public struct EncodingOptions: Sendable, Equatable {
    public var format: PhotoFormat
    /// JPEG, 1 to 100.
    public var quality = 92
    /// JPEG
    public var subsampling = ChromaSubsampling.yuv420
    public var metadata = MetadataPolicy.basic

    public init(
        format: PhotoFormat, quality: Int = 92, subsampling: ChromaSubsampling = .yuv420,
        metadata: MetadataPolicy = .basic
    ) {
        self.format = format
        self.quality = quality
        self.subsampling = subsampling
        self.metadata = metadata
    }
}

/// Writes photos as sRGB JPEG or PNG. Equal photos and options give equal bytes.
public enum PhotoEncoder {
    /// A JPEG cannot be larger on a side (libjpeg's bound, a little below the format's 65,535).
    public static let maxJPEGSide = 65_500

    /// Alpha is kept in a PNG and flattened on white in a JPEG.
    /// - Throws: `PhotoError`
    public static func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8] {
        let metadata = MetadataWriter(photo, policy: options.metadata)
        switch options.format {
        case .jpeg: return try encodeJPEG(photo, options: options, segments: metadata.jpegSegments())
        case .png: return try encodePNG(photo, chunks: metadata.pngChunks())
        }
    }

    /// On photographs, level 6 takes twice as long as this for one or two per cent.
    private static let pngCompressionLevel: CInt = 3

    private static func encodeJPEG(_ photo: Photo, options: EncodingOptions, segments: [UInt8]) throws -> [UInt8] {
        guard photo.width <= maxJPEGSide, photo.height <= maxJPEGSide else {
            throw PhotoError(
                kind: .unsupported,
                reason: "\(photo.width) x \(photo.height) pixels do not fit into a JPEG, which holds at most "
                    + "\(maxJPEGSide) on a side; write PNG")
        }
        let quality = CInt(min(max(options.quality, 1), 100))
        return try encode(photo, format: .jpeg) { image, buffer, message in
            cic_jpeg_encode(
                &image, quality, options.subsampling == .yuv444 ? 1 : 0, segments, segments.count, &buffer, message)
        }
    }

    private static func encodePNG(_ photo: Photo, chunks: [UInt8]) throws -> [UInt8] {
        try encode(photo, format: .png) { image, buffer, message in
            cic_png_encode(&image, pngCompressionLevel, chunks, chunks.count, &buffer, message)
        }
    }

    private static func encode(
        _ photo: Photo, format: PhotoFormat,
        by body: (inout cic_image, inout cic_buffer, UnsafeMutablePointer<CChar>) -> cic_status
    ) throws -> [UInt8] {
        guard photo.width > 0, photo.height > 0 else {
            throw PhotoError(kind: .unsupported, reason: "a photo without pixels cannot be written")
        }
        var buffer = cic_buffer()
        var message = [CChar](repeating: 0, count: Int(CIC_MESSAGE_SIZE))
        let status = photo.pixels.withUnsafeBufferPointer { rgb in
            withOptionalPointer(to: photo.alpha) { alpha in
                message.withUnsafeMutableBufferPointer { message in
                    var image = cic_image(
                        rgb: rgb.baseAddress, alpha: alpha, width: UInt32(photo.width), height: UInt32(photo.height))
                    return body(&image, &buffer, message.baseAddress!)
                }
            }
        }
        defer { cic_buffer_free(&buffer) }
        guard status == CIC_OK else {
            let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw PhotoError(
                kind: status == CIC_NO_MEMORY ? .outOfMemory : .unsupported,
                reason: "the photo cannot be written as \(format.rawValue.uppercased()): \(text)")
        }
        return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    private static func withOptionalPointer<Result>(
        to array: [UInt8]?, _ body: (UnsafePointer<UInt8>?) throws -> Result
    ) rethrows -> Result {
        guard let array else { return try body(nil) }
        return try array.withUnsafeBufferPointer { try body($0.baseAddress) }
    }
}
