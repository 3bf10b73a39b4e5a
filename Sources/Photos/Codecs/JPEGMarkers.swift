/// The marker segments of a JPEG, one after the other (ITU-T T.81, annex B).
struct JPEGMarkers {
    struct Segment {
        let marker: UInt8
        /// Where the marker begins.
        let start: Int
        /// What follows its length; it may reach past the end of the file.
        let payload: Range<Int>
        /// A length that no segment can have.
        let isDamaged: Bool
    }

    enum Marker {
        static let startOfImage: UInt8 = 0xD8, endOfImage: UInt8 = 0xD9, startOfScan: UInt8 = 0xDA
        static let numberOfLines: UInt8 = 0xDC, temporary: UInt8 = 0x01, comment: UInt8 = 0xFE
        static let application0: UInt8 = 0xE0, application1: UInt8 = 0xE1, application2: UInt8 = 0xE2
        static let application13: UInt8 = 0xED
        static let applications: ClosedRange<UInt8> = 0xE0...0xEF
        static let restarts: ClosedRange<UInt8> = 0xD0...0xD7
        static let reserved: ClosedRange<UInt8> = 0x02...0xBF
        static let frames: Set<UInt8> = Set(0xC0...0xCF).subtracting([0xC4, 0xC8, 0xCC])
        /// The frame of JPEG-LS (ITU-T T.87), which shares JPEG's structure and nothing else.
        static let losslessFrame: UInt8 = 0xF7
        /// Baseline, extended and progressive, Huffman and arithmetic.
        static let decodable: Set<UInt8> = [0xC0, 0xC1, 0xC2, 0xC9, 0xCA]
    }

    static let signature = Signature([0xFF, 0xD8, 0xFF])

    private let bytes: ByteStream
    private var position = 2
    private var hasScan = false
    /// Where the image ends: behind its end marker, before what cannot belong to it, or at the end of the file.
    private(set) var end: Int

    init(_ bytes: ByteStream) {
        self.bytes = bytes
        end = bytes.count
    }

    /// The next segment, the last one being the end of the image; nil where that is missing. Coded data between
    /// segments, with its restarts, is passed over. Behind a scan a marker that no image has there ends the walk:
    /// someone has put another file there.
    mutating func next() throws -> Segment? {
        while let start = try bytes.firstIndex(of: 0xFF, from: position) {
            position = start + 1
            while try bytes.byte(at: position) == 0xFF { position += 1 }
            guard let marker = try bytes.byte(at: position) else { return nil }
            position += 1
            if marker == Marker.endOfImage {
                end = position
                return Segment(marker: marker, start: start, payload: position..<position, isDamaged: false)
            }
            if hasScan, endsImage(marker) {
                end = start
                return nil
            }
            let isAlone = marker == 0 || marker == Marker.temporary || marker == Marker.startOfImage
            if isAlone || Marker.restarts.contains(marker) { continue }
            guard let length = try bytes.uint16(at: position) else { return nil }
            let payload = position + 2..<position + max(length, 2)
            position = payload.upperBound
            if marker == Marker.startOfScan { hasScan = true }
            return Segment(marker: marker, start: start, payload: payload, isDamaged: length < 2)
        }
        return nil
    }

    private func endsImage(_ marker: UInt8) -> Bool {
        marker == Marker.startOfImage || Marker.frames.contains(marker) || Marker.reserved.contains(marker)
    }
}
