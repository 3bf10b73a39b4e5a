import CImageCodecs

/// How finely a JPEG keeps colour.
package enum ChromaSubsampling: String, Sendable, CaseIterable {
    /// 4:2:0, colour at half the resolution.
    case yuv420
    /// 4:4:4, colour at full resolution.
    case yuv444
}

/// What of the input's metadata the output carries. The orientation is always reset and thumbnails always dropped.
package enum MetadataPolicy: String, Sendable, CaseIterable {
    /// EXIF, XMP, IPTC, comments and texts.
    case all
    /// EXIF and IPTC without the place where the photo was taken.
    case basic
    case none
}

package struct EncodingOptions: Sendable, Equatable {
    package var format: PhotoFormat
    /// JPEG, 1 to 100.
    package var quality = 92
    /// JPEG
    package var subsampling = ChromaSubsampling.yuv420
    package var metadata = MetadataPolicy.basic
    /// What the writing program says of the picture, unless it is to have no metadata: a text in a PNG, a comment in a
    /// JPEG.
    package var notes: [PhotoText] = []

    package init(
        format: PhotoFormat, quality: Int = 92, subsampling: ChromaSubsampling = .yuv420,
        metadata: MetadataPolicy = .basic
    ) {
        self.format = format
        self.quality = quality
        self.subsampling = subsampling
        self.metadata = metadata
    }
}

/// Writes photos as sRGB pictures. Equal photos and options give equal bytes.
package enum PhotoEncoder {
    /// What a format cannot keep is settled by its codec: alpha, in a JPEG, is flattened on white.
    /// - Throws: `PhotoError`, of kind `unsupported` where the format is only read.
    package static func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8] {
        guard let encode = options.format.codec.encode else {
            let written = PhotoFormat.written.map(\.name).joined(separator: " and ")
            throw PhotoError(kind: .unsupported, reason: "\(options.format.name) is not written, only \(written)")
        }
        return try encode(photo, options)
    }

    /// Runs an encoder of `CImageCodecs`.
    static func encode(
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
                reason: "the photo cannot be written as \(format.name): \(text)")
        }
        try Memory.require(buffer.count, for: "the picture's \(buffer.count) bytes")
        return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    private static func withOptionalPointer<Result>(
        to array: [UInt8]?, _ body: (UnsafePointer<UInt8>?) throws -> Result
    ) rethrows -> Result {
        guard let array else { return try body(nil) }
        return try array.withUnsafeBufferPointer { try body($0.baseAddress) }
    }
}
