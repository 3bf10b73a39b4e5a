/// An XMP packet (ISO 16684-1): read for the orientation, and edited where it speaks of the pixels or of other parts of
/// the file.
///
/// Expat says where elements and attributes are and which namespaces they belong to; everything that is not edited
/// stays byte for byte.
struct XMP {
    private let packet: [UInt8]
    private let properties: [XMPProperty]

    /// nil where this is no well-formed XML in UTF-8.
    init?(_ packet: [UInt8]) {
        let isPadding = { (byte: UInt8) in byte == 0 || byte == 0x20 || (0x09...0x0D).contains(byte) }
        let trimmed = Array(packet.drop(while: isPadding).reversed().drop(while: isPadding).reversed())
        guard let properties = XMPScanner.properties(of: trimmed, where: { Self.rule(for: $0) != nil }) else {
            return nil
        }
        (self.packet, self.properties) = (trimmed, properties)
    }

    /// 1 to 8, or nil.
    var orientation: Int? {
        properties.lazy.filter { $0.name == Self.orientationName }.compactMap { property in
            Int(String(decoding: packet[property.value].filter { $0 > 0x20 }, as: UTF8.self))
        }.first.flatMap { (1...8).contains($0) ? $0 : nil }
    }

    /// The packet of an upright sRGB photo of another size in another file, without thumbnails, and without what names
    /// parts that are not in the new file.
    func cleaned(width: Int, height: Int, format: PhotoFormat) -> [UInt8] {
        var cleaned: [UInt8] = []
        cleaned.reserveCapacity(packet.count)
        var position = 0
        for property in properties {
            guard let rule = Self.rule(for: property.name), property.whole.lowerBound >= position else { continue }
            let (range, text): (Range<Int>, String) =
                switch rule {
                case .dropped: (property.whole, "")
                case .one: (property.value, "1")
                case .width: (property.value, String(width))
                case .height: (property.value, String(height))
                case .mediaType: (property.value, format == .png ? "image/png" : "image/jpeg")
                case .profileName: (property.value, "sRGB IEC61966-2.1")
                }
            // A property that has properties of its own is none that we know.
            guard rule == .dropped || !packet[range].contains(UInt8(ascii: "<")) else { continue }
            cleaned += packet[position..<range.lowerBound] + Array(text.utf8)
            position = range.upperBound
        }
        return cleaned + packet[position...]
    }

    // MARK: What is edited

    private enum Rule {
        case dropped
        case one, width, height, mediaType, profileName
    }

    private static let tiff = "http://ns.adobe.com/tiff/1.0/", exif = "http://ns.adobe.com/exif/1.0/"
    private static let orientationName = XMPName(namespace: tiff, local: "Orientation")

    private static func rule(for name: XMPName) -> Rule? {
        if otherParts.contains(name.namespace) { return .dropped }
        return rules[name.namespace]?[name.local] ?? motionRule(name)
    }

    /// Namespaces that speak of nothing but parts behind the image, or pictures inside the packet: containers and their
    /// items, depth maps, sounds, gain maps.
    private static let otherParts: Set = [
        "http://ns.google.com/photos/1.0/container/", "http://ns.google.com/photos/1.0/container/item/",
        "http://ns.google.com/photos/1.0/depthmap/", "http://ns.google.com/photos/1.0/image/",
        "http://ns.google.com/photos/1.0/audio/", "http://ns.google.com/photos/dd/1.0/device/",
        "http://ns.google.com/photos/dd/1.0/container/", "http://ns.google.com/photos/dd/1.0/item/",
        "http://ns.google.com/photos/dd/1.0/profile/", "http://ns.google.com/photos/dd/1.0/camera/",
        "http://ns.google.com/photos/dd/1.0/depthmap/", "http://ns.google.com/photos/dd/1.0/image/",
        "http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.apple.com/HDRGainMap/1.0/",
        "http://ns.apple.com/pixeldatainfo/1.0/", "http://ns.xiaomi.com/photos/1.0/camera/",
        "http://ns.oplus.com/photos/1.0/camera/", "http://ns.vivo.com/photos/1.0/camera/",
    ]

    private static let rules: [String: [String: Rule]] = [
        "http://ns.adobe.com/xmp/note/": ["HasExtendedXMP": .dropped],
        "http://ns.adobe.com/xap/1.0/": ["Thumbnails": .dropped],
        "http://purl.org/dc/elements/1.1/": ["format": .mediaType],
        "http://ns.adobe.com/photoshop/1.0/": ["ICCProfile": .profileName],
        tiff: [
            "Orientation": .one, "ImageWidth": .width, "ImageLength": .height, "BitsPerSample": .dropped,
            "Compression": .dropped, "PhotometricInterpretation": .dropped, "SamplesPerPixel": .dropped,
            "PlanarConfiguration": .dropped, "YCbCrSubSampling": .dropped, "YCbCrPositioning": .dropped,
        ],
        exif: ["PixelXDimension": .width, "PixelYDimension": .height, "ColorSpace": .one],
    ]

    /// Motion photos of several makers name their video in the camera's namespace, beside what stays true.
    private static func motionRule(_ name: XMPName) -> Rule? {
        guard name.namespace == "http://ns.google.com/photos/1.0/camera/" else { return nil }
        return name.local.hasPrefix("Motion") || name.local.hasPrefix("MicroVideo") ? .dropped : nil
    }
}
