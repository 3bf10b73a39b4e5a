/// A decoded photo: upright, in sRGB, 8 bits a sample.
package struct Photo: Sendable {
    package var width: Int
    package var height: Int
    /// RGB, row-major, height * width * 3. Under an alpha of 0 the colour is what the file has there.
    package var pixels: [UInt8]
    /// height * width, 0 transparent, not premultiplied; nil where the file has none.
    package var alpha: [UInt8]?
    /// What the file was.
    package var format: PhotoFormat
    package var metadata: PhotoMetadata
    /// What a person should know about the decoding, one sentence each.
    package var warnings: [String]

    package init(
        width: Int, height: Int, pixels: [UInt8], alpha: [UInt8]? = nil, format: PhotoFormat = .jpeg,
        metadata: PhotoMetadata = PhotoMetadata(), warnings: [String] = []
    ) {
        precondition(pixels.count == width * height * 3, "pixels must hold width * height * 3 samples")
        precondition(alpha == nil || alpha?.count == width * height, "alpha must hold width * height samples")
        self.width = width
        self.height = height
        self.pixels = pixels
        self.alpha = alpha
        self.format = format
        self.metadata = metadata
        self.warnings = warnings
    }
}

/// What a file says about its photo besides the pixels, as found in it.
package struct PhotoMetadata: Sendable, Equatable {
    /// The EXIF data: a TIFF structure, without JPEG's "Exif" prefix.
    package var exif: [UInt8]?
    /// The XMP packet (UTF-8 XML).
    package var xmp: [UInt8]?
    /// IPTC's records, without Photoshop's packing. Read from JPEG and TIFF files.
    package var iptc: [UInt8]?
    /// JPEG comments, in no stated encoding.
    package var comments: [[UInt8]] = []
    /// PNG texts.
    package var texts: [PhotoText] = []
    /// How large the upright photo is on paper.
    package var resolution: PhotoResolution?
    /// The EXIF orientation, 1 to 8, that decoding has already applied.
    package var orientation = 1
    /// The name of the colour profile, or of the colours that the file names otherwise, that decoding has already
    /// applied.
    package var profile: String?

    package init() {}
}

/// A PNG text: a Latin-1 keyword of 1 to 79 bytes, and UTF-8 text.
package struct PhotoText: Sendable, Equatable {
    package var keyword: [UInt8]
    package var text: [UInt8]

    package init(keyword: [UInt8], text: [UInt8]) {
        self.keyword = keyword
        self.text = text
    }
}
