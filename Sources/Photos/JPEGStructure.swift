/// What the marker segments of a JPEG say, read before anything is decoded (ITU-T T.81, annex B).
///
/// Scans are counted here because each costs the decoder a pass over the whole image: a file of a few kilobytes can ask
/// for minutes of work.
struct JPEGStructure {
    var width = 0
    var height = 0
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

    private enum Marker {
        static let startOfImage: UInt8 = 0xD8, endOfImage: UInt8 = 0xD9, startOfScan: UInt8 = 0xDA
        static let temporary: UInt8 = 0x01, comment: UInt8 = 0xFE
        static let restarts: ClosedRange<UInt8> = 0xD0...0xD7
        static let frames: ClosedRange<UInt8> = 0xC0...0xCF
        /// Huffman tables, reserved, arithmetic conditioning: numbered among the frames.
        static let notFrames: Set<UInt8> = [0xC4, 0xC8, 0xCC]
        /// The frame of JPEG-LS (ITU-T T.87), which shares JPEG's structure and nothing else.
        static let losslessFrame: UInt8 = 0xF7
        /// Baseline, extended and progressive, Huffman and arithmetic.
        static let decodable: Set<UInt8> = [0xC0, 0xC1, 0xC2, 0xC9, 0xCA]
    }

    /// - Parameter isWhole: false while `bytes` is only the beginning of the file.
    /// - Throws: `PhotoError`
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, isWhole: Bool = true) throws {
        let reader = ByteReader(bytes)
        var position = 2
        var isCutOff = true
        walk: while let start = reader.firstIndex(of: 0xFF, from: position) {
            position = start + 1
            while reader.byte(at: position) == 0xFF { position += 1 }
            guard let marker = reader.byte(at: position) else { break }
            position += 1
            switch marker {
            case 0, Marker.temporary, Marker.startOfImage, Marker.restarts: continue
            case Marker.endOfImage:
                isCutOff = false
                break walk
            default: break
            }
            guard let length = reader.uint16(at: position) else { break }
            guard length >= 2 else {
                isCutOff = false
                break
            }
            guard let payload = reader.slice(length - 2, at: position + 2) else { break }
            position += length
            if marker == Marker.startOfScan {
                scanCount += 1
                try limits.check(scans: scanCount)
                position = Self.endOfEntropyCodedData(reader, from: position)
                continue
            }
            try take(marker, payload, limits: limits)
        }
        if width == 0, isWhole {
            throw isCutOff
                ? PhotoError(kind: .truncated, reason: "the JPEG is cut off: it ends before its image begins")
                : PhotoError(kind: .corrupt, reason: "the JPEG is damaged: no image can be found in it")
        }
        finish()
    }

    /// The position of the next marker that is not a restart.
    private static func endOfEntropyCodedData(_ reader: ByteReader, from start: Int) -> Int {
        var position = start
        while let found = reader.firstIndex(of: 0xFF, from: position) {
            guard let next = reader.byte(at: found + 1) else { break }
            if next != 0, !Marker.restarts.contains(next), next != 0xFF { return found }
            position = found + (next == 0xFF ? 1 : 2)
        }
        return reader.count
    }

    private mutating func take(_ marker: UInt8, _ payload: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        let reader = ByteReader(payload)
        if Marker.frames.contains(marker), !Marker.notFrames.contains(marker) {
            try takeFrame(marker, reader, limits: limits)
            return
        }
        if marker == Marker.losslessFrame {
            throw PhotoError(kind: .unsupported, reason: "this kind of JPEG is not supported: it is JPEG-LS")
        }
        let isApplication = (0xE0...0xEF).contains(marker)
        guard isApplication || marker == Marker.comment else { return }
        segmentCount += 1
        try limits.check(chunks: segmentCount)
        let held: Int
        switch marker {
        case 0xE1 where reader.matches(Array("Exif\0".utf8), at: 0):
            held = payload.count
            // What begins anew is no continuation but another program's EXIF, which nobody reads.
            let isContinuation = !exifParts.isEmpty
            let beginsAnew = reader.matches(Array("II*\0".utf8), at: 6) || reader.matches(Array("MM\0*".utf8), at: 6)
            if !isContinuation || !beginsAnew { exifParts += payload.dropFirst(6) }
        case 0xE1 where reader.matches(Self.xmpPrefix, at: 0):
            held = payload.count
            if metadata.xmp == nil { metadata.xmp = Array(payload.dropFirst(Self.xmpPrefix.count)) }
        case 0xE2 where reader.matches(Self.profilePrefix, at: 0) && payload.count >= Self.profilePrefix.count + 2:
            held = payload.count
            let number = Int(payload[Self.profilePrefix.count])
            profilePartCount = Int(payload[Self.profilePrefix.count + 1])
            profileParts[number] = Array(payload.dropFirst(Self.profilePrefix.count + 2))
        case 0xED where reader.matches(Self.resourcesPrefix, at: 0):
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
        guard width > 0, height > 0 else {
            throw PhotoError(kind: .corrupt, reason: "the JPEG is damaged: its frame is \(width) x \(height) pixels")
        }
        try limits.check(width: width, height: height)
        self.width = width
        self.height = height
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

    static let exifPrefix = Array("Exif\0\0".utf8)
    static let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    static let resourcesPrefix = Array("Photoshop 3.0\0".utf8)
    static let profilePrefix = Array("ICC_PROFILE\0".utf8)
}
