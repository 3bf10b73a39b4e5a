/// A decoded photo: upright, in sRGB, 8 bits a sample.
public struct Photo: Sendable {
    public var width: Int
    public var height: Int
    /// RGB, row-major, height * width * 3. Under an alpha of 0 the colour is what the file has there.
    public var pixels: [UInt8]
    /// height * width, 0 transparent, not premultiplied; nil where the file has none.
    public var alpha: [UInt8]?
    /// What the file was.
    public var format: PhotoFormat
    public var metadata: PhotoMetadata
    /// What a person should know about the decoding, one sentence each.
    public var warnings: [String]

    public init(
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
public struct PhotoMetadata: Sendable, Equatable {
    /// The EXIF data: a TIFF structure, without JPEG's "Exif" prefix.
    public var exif: [UInt8]?
    /// The XMP packet (UTF-8 XML).
    public var xmp: [UInt8]?
    /// IPTC's records, without Photoshop's packing. Read from JPEG and TIFF files.
    public var iptc: [UInt8]?
    /// JPEG comments, in no stated encoding.
    public var comments: [[UInt8]] = []
    /// PNG texts.
    public var texts: [PhotoText] = []
    /// How large the upright photo is on paper.
    public var resolution: PhotoResolution?
    /// The EXIF orientation, 1 to 8, that decoding has already applied.
    public var orientation = 1
    /// The name of the colour profile, or of the colours that the file names otherwise, that decoding has already
    /// applied.
    public var profile: String?

    public init() {}
}

/// A PNG text: a Latin-1 keyword of 1 to 79 bytes, and UTF-8 text.
public struct PhotoText: Sendable, Equatable {
    public var keyword: [UInt8]
    public var text: [UInt8]

    public init(keyword: [UInt8], text: [UInt8]) {
        self.keyword = keyword
        self.text = text
    }
}
