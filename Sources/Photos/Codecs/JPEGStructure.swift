import CImageCodecs

/// What the marker segments of a JPEG say, read before anything is decoded (ITU-T T.81, annex B).
///
/// Scans are counted here because each costs the decoder a pass over the whole image: a file of a few kilobytes can ask
/// for minutes of work.
struct JPEGStructure {
    var width = 0
    var height = 0
    /// Where the image ends; another file may lie behind it.
    private(set) var end = 0
    var scanCount = 0
    var metadata = PhotoMetadata()
    var profile: [UInt8]?
    var warnings: [String] = []

    private var exifParts: [UInt8] = []
    private var resourceParts: [UInt8] = []
    private var profileParts: [Int: [UInt8]] = [:]
    private var profilePartCount = 0
    private var heldBytes = 0
    private var segmentCount = 0
    /// The frame says nothing of its height: a DNL segment behind the first scan may.
    private var isHeightMissing = false
    /// The identifiers of the frame's components, and of those that scans are there for.
    private var components: Set<UInt8> = [], scannedComponents: Set<UInt8> = []

    private typealias Marker = JPEGMarkers.Marker

    /// - Parameter isWhole: false while `bytes` is only the beginning of the file.
    /// - Throws: `PhotoError`
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, isWhole: Bool = true) throws {
        let reader = ByteReader(bytes)
        var markers = JPEGMarkers(ByteStream(bytes))
        var isCutOff = true
        while let segment = try markers.next() {
            if segment.isDamaged || segment.marker == Marker.endOfImage {
                isCutOff = false
                break
            }
            guard let payload = reader.slice(segment.payload.count, at: segment.payload.lowerBound) else { break }
            try take(segment.marker, payload, limits: limits)
        }
        end = markers.end
        if isWhole { try checkImage(isCutOff: isCutOff, limits: limits) }
        finish()
    }

    private mutating func checkImage(isCutOff: Bool, limits: DecodingLimits) throws {
        if isHeightMissing {
            throw PhotoError(kind: .corrupt, reason: "the JPEG is damaged: its frame is \(width) x 0 pixels")
        }
        if width == 0 {
            throw isCutOff
                ? PhotoError(kind: .truncated, reason: "the JPEG is cut off: it ends before its image begins")
                : PhotoError(kind: .corrupt, reason: "the JPEG is damaged: no image can be found in it")
        }
        guard isCutOff, scanCount > 0, !components.isSubset(of: scannedComponents) else { return }
        // The decoder takes a component without any scan for grey, and says nothing.
        let what = "the file ends before the image does"
        guard limits.truncated == .accept else { throw PhotoError(CIC_TRUNCATED, name: JPEGCodec.name, message: what) }
        warnings.append("the JPEG is damaged and was read as far as possible: \(what)")
    }

    private mutating func take(_ marker: UInt8, _ payload: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        let reader = ByteReader(payload)
        if Marker.frames.contains(marker) {
            try takeFrame(marker, reader, limits: limits)
            return
        }
        if marker == Marker.startOfScan { return try takeScan(reader, limits: limits) }
        if marker == Marker.numberOfLines, isHeightMissing {
            throw PhotoError(
                kind: .unsupported,
                reason: "this kind of JPEG (DNL) is not supported: its height is told behind the image")
        }
        if marker == Marker.losslessFrame {
            throw PhotoError(kind: .unsupported, reason: "this kind of JPEG is not supported: it is JPEG-LS")
        }
        guard Marker.applications.contains(marker) || marker == Marker.comment else { return }
        segmentCount += 1
        try limits.check(chunks: segmentCount)
        let held: Int
        switch marker {
        case Marker.application0 where reader.matches(Array("JFIF\0".utf8), at: 0):
            held = 0
            metadata.resolution = PhotoResolution(jfif: reader)
        case Marker.application1 where reader.matches(Array("Exif\0".utf8), at: 0):
            held = payload.count
            // What begins anew is no continuation but another program's EXIF, which nobody reads.
            let isContinuation = !exifParts.isEmpty
            let beginsAnew = reader.matches(Array("II*\0".utf8), at: 6) || reader.matches(Array("MM\0*".utf8), at: 6)
            if !isContinuation || !beginsAnew { exifParts += payload.dropFirst(6) }
        case Marker.application1 where reader.matches(Self.xmpPrefix, at: 0):
            held = payload.count
            if metadata.xmp == nil { metadata.xmp = Array(payload.dropFirst(Self.xmpPrefix.count)) }
        case Marker.application2
        where reader.matches(Self.profilePrefix, at: 0) && payload.count >= Self.profilePrefix.count + 2:
            held = payload.count
            let number = Int(payload[Self.profilePrefix.count])
            profilePartCount = Int(payload[Self.profilePrefix.count + 1])
            profileParts[number] = Array(payload.dropFirst(Self.profilePrefix.count + 2))
        case Marker.application13 where reader.matches(Self.resourcesPrefix, at: 0):
            held = payload.count
            resourceParts += payload.dropFirst(Self.resourcesPrefix.count)
        case Marker.comment:
            held = payload.count
            metadata.comments.append(Array(payload))
        default:
            held = 0
        }
        heldBytes += held
        try limits.check(metadataBytes: heldBytes)
    }

    private mutating func takeFrame(_ marker: UInt8, _ reader: ByteReader, limits: DecodingLimits) throws {
        guard width == 0 else { return }
        guard let precision = reader.byte(at: 0), let height = reader.uint16(at: 1), let width = reader.uint16(at: 3)
        else { throw PhotoError(kind: .corrupt, reason: "the JPEG is damaged: its frame header is too short") }
        guard Marker.decodable.contains(marker) else {
            let kind = [0xC3, 0xC7, 0xCB, 0xCF].contains(marker) ? "lossless" : "hierarchical"
            throw PhotoError(kind: .unsupported, reason: "this kind of JPEG is not supported: it is \(kind)")
        }
        guard precision == 8 else {
            throw PhotoError(
                kind: .unsupported,
                reason: "this kind of JPEG is not supported: it has \(precision) bits a sample, not 8")
        }
        guard width > 0 else {
            throw PhotoError(kind: .corrupt, reason: "the JPEG is damaged: its frame is \(width) x \(height) pixels")
        }
        isHeightMissing = height == 0
        try limits.check(width: width, height: height)
        self.width = width
        self.height = height
        let count = Int(reader.byte(at: 5) ?? 0)
        components = Set((0..<count).compactMap { reader.byte(at: 6 + 3 * $0) })
    }

    private mutating func takeScan(_ reader: ByteReader, limits: DecodingLimits) throws {
        scanCount += 1
        try limits.check(scans: scanCount)
        let count = Int(reader.byte(at: 0) ?? 0)
        scannedComponents.formUnion((0..<count).compactMap { reader.byte(at: 1 + 2 * $0) })
    }

    private mutating func finish() {
        if !exifParts.isEmpty { metadata.exif = exifParts }
        metadata.iptc = IPTC.records(inResources: resourceParts)
        guard !profileParts.isEmpty else { return }
        // ICC.1, annex B.4: parts are numbered from 1, and each names how many there are.
        let parts = (0..<profilePartCount).compactMap { profileParts[$0 + 1] }
        if parts.count == profilePartCount {
            profile = Array(parts.joined())
        } else {
            warnings.append("the colour profile is incomplete and was ignored")
        }
    }

    static let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    static let resourcesPrefix = Array("Photoshop 3.0\0".utf8)
    static let profilePrefix = Array("ICC_PROFILE\0".utf8)
}
