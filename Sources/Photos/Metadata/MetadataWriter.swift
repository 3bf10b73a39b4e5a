import CImageCodecs

/// The metadata that go into an output file, in each format's own packing.
struct MetadataWriter {
    private let exif: [UInt8]?
    private let iptc: [UInt8]?
    private let xmp: [UInt8]?
    private let comments: [[UInt8]]
    private let texts: [PhotoText]
    private let resolution: PhotoResolution?

    init(_ photo: Photo, policy: MetadataPolicy, format: PhotoFormat, notes: [PhotoText] = []) {
        let metadata = photo.metadata
        let keepsAll = policy == .all
        let source = policy == .none ? nil : metadata.exif.flatMap(Exif.init)
        // Where the decoder has turned the pixels itself, EXIF tells how they lay.
        let orientation = metadata.orientation == 1 ? source?.orientation ?? 1 : metadata.orientation
        exif = source?.cleaned(
            for: Exif.Destination(
                width: photo.width, height: photo.height, orientation: orientation, dropsLocation: !keepsAll))
        iptc = policy == .none ? nil : metadata.iptc.map { keepsAll ? $0 : IPTC.withoutLocation($0) }
        // XMP repeats the location in too many places to be sure of finding them all.
        xmp =
            keepsAll
            ? metadata.xmp.flatMap(XMP.init)?.cleaned(width: photo.width, height: photo.height, format: format) : nil
        comments = keepsAll ? metadata.comments : []
        texts = (keepsAll ? metadata.texts : []) + (policy == .none ? [] : notes)
        // Like the colour profile it belongs to the picture, and tells nothing of who took it.
        resolution = metadata.resolution
    }

    var jfifDensity: cic_density { Self.density(resolution?.jfif) }
    var pngDensity: cic_density { Self.density(resolution?.pHYs) }

    private static func density(_ numbers: (x: UInt32, y: UInt32, unit: CInt)?) -> cic_density {
        numbers.map { cic_density(x: $0.x, y: $0.y, unit: $0.unit) } ?? cic_density()
    }

    private typealias Marker = JPEGMarkers.Marker

    /// A JPEG segment's length field counts itself.
    private static let maxSegmentPayload = 65_533

    /// Marker segments: EXIF, XMP, the sRGB profile, IPTC, comments.
    func jpegSegments() -> [UInt8] {
        var segments: [UInt8] = []
        func append(_ marker: UInt8, _ payload: [UInt8]) {
            let length = payload.count + 2
            segments += [0xFF, marker, UInt8(length >> 8), UInt8(length & 0xFF)]
            segments += payload
        }
        func appendInParts(_ marker: UInt8, prefix: [UInt8], _ data: [UInt8]) {
            let room = Self.maxSegmentPayload - prefix.count
            for start in stride(from: 0, to: data.count, by: room) {
                append(marker, prefix + data[start..<min(start + room, data.count)])
            }
        }
        if let exif { appendInParts(Marker.application1, prefix: Exif.prefix, exif) }
        // A longer packet would need XMP's extension scheme, which keeps the part that matters in the first segment.
        if let xmp, xmp.count <= Self.maxSegmentPayload - JPEGStructure.xmpPrefix.count {
            append(Marker.application1, JPEGStructure.xmpPrefix + xmp)
        }
        append(Marker.application2, JPEGStructure.profilePrefix + [1, 1] + ColourProfile.sRGB)
        if let iptc, !iptc.isEmpty {
            appendInParts(Marker.application13, prefix: JPEGStructure.resourcesPrefix, IPTC.resources(iptc))
        }
        for comment in comments { appendInParts(Marker.comment, prefix: [], comment) }
        for text in texts { appendInParts(Marker.comment, prefix: [], text.keyword + Array(": ".utf8) + text.text) }
        return segments
    }

    /// Chunks, as length, type and data. The encoder adds the sRGB tag.
    func pngChunks() -> [UInt8] {
        var chunks: [UInt8] = []
        func append(_ type: String, _ data: [UInt8]) {
            for shift in [24, 16, 8, 0] { chunks.append(UInt8(truncatingIfNeeded: data.count >> shift)) }
            chunks += Array(type.utf8) + data
        }
        // Uncompressed, without a language or a translated keyword.
        func appendText(_ keyword: [UInt8], _ text: [UInt8]) { append("iTXt", keyword + [0, 0, 0, 0, 0] + text) }
        if let exif { append("eXIf", exif) }
        if let xmp { appendText(Array("XML:com.adobe.xmp".utf8), xmp) }
        for comment in comments { appendText(Array("Comment".utf8), Self.utf8(comment)) }
        for text in texts { appendText(text.keyword, text.text) }
        return chunks
    }

    /// JPEG comments that are not UTF-8 are taken for Latin-1.
    private static func utf8(_ comment: [UInt8]) -> [UInt8] {
        if String(validating: comment, as: UTF8.self) != nil { return comment }
        return comment.flatMap { Array(String(UnicodeScalar($0)).utf8) }
    }
}
