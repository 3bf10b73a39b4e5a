/// What in an XMP packet concerns the pixels or other parts of the file, found without an XML parser.
enum XMP {
    /// The digit of the first `tiff:Orientation` at or after `start`, as an attribute or as an element.
    private static func orientationPosition(_ reader: ByteReader, from start: Int = 0) -> Int? {
        let name = Array("tiff:Orientation".utf8)
        var start = start
        while let found = reader.firstIndex(of: name, from: start) {
            start = found + name.count
            for separator in ["=\"", "='", ">"] where reader.matches(Array(separator.utf8), at: start) {
                let position = start + separator.utf8.count
                if let digit = reader.byte(at: position), (0x31...0x38).contains(digit) { return position }
            }
        }
        return nil
    }

    /// 1 to 8, or nil.
    static func orientation(_ packet: [UInt8]) -> Int? {
        packet.withUnsafeBytes { raw in
            let reader = ByteReader(raw)
            return orientationPosition(reader).flatMap(reader.byte(at:)).map { Int($0) - 0x30 }
        }
    }

    /// The packet of an upright photo without thumbnails, and without the name of an extension in other segments.
    static func cleaned(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        var start = 0
        while let position = packet.withUnsafeBytes({ orientationPosition(ByteReader($0), from: start) }) {
            packet[position] = 0x31
            start = position
        }
        let withoutThumbnails = removing(from: "<xmp:Thumbnails", to: "</xmp:Thumbnails>", in: packet)
        return removing(from: "xmpNote:HasExtendedXMP=\"", to: "\"", in: withoutThumbnails)
    }

    private static func removing(from opening: String, to closing: String, in packet: [UInt8]) -> [UInt8] {
        packet.withUnsafeBytes { raw in
            let reader = ByteReader(raw)
            let opening = Array(opening.utf8), closing = Array(closing.utf8)
            var kept: [UInt8] = []
            var position = 0
            while let start = reader.firstIndex(of: opening, from: position),
                let end = reader.firstIndex(of: closing, from: start + opening.count)
            {
                kept += raw[position..<start]
                position = end + closing.count
            }
            return kept + raw[position...]
        }
    }
}
