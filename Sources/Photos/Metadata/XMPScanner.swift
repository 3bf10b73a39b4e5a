import CExpat

/// A name with its namespace, whatever prefix stands for that.
struct XMPName: Hashable {
    var namespace: String
    var local: String
}

/// An attribute or an element of a packet.
struct XMPProperty {
    var name: XMPName
    /// Everything from the space before an attribute, or the `<` of an element, to its end.
    var whole: Range<Int>
    /// The text between an attribute's quotes, or between an element's tags.
    var value: Range<Int>
}

/// Walks a packet with Expat.
final class XMPScanner {
    private let packet: [UInt8]
    private let isWanted: (XMPName) -> Bool
    private var parser: XML_Parser?
    private var found: [XMPProperty] = []
    /// Elements that are open and wanted: their depth and place in `found`.
    private var open: [(depth: Int, index: Int)] = []
    private var depth = 0

    /// Stands between namespace, name and prefix; no XML has this character.
    private static let separator: XML_Char = 1

    private init(_ packet: [UInt8], _ isWanted: @escaping (XMPName) -> Bool) {
        (self.packet, self.isWanted) = (packet, isWanted)
    }

    /// The wanted properties in the order of their beginnings; nil where the packet is not well-formed, or has a
    /// document type, which no packet has and which can make a little text large.
    static func properties(of packet: [UInt8], where isWanted: @escaping (XMPName) -> Bool) -> [XMPProperty]? {
        guard packet.count <= Int32.max, let parser = XML_ParserCreateNS("UTF-8", separator) else { return nil }
        defer { XML_ParserFree(parser) }
        let scanner = XMPScanner(packet, isWanted)
        scanner.parser = parser
        XML_SetUserData(parser, Unmanaged.passUnretained(scanner).toOpaque())
        XML_SetElementHandler(
            parser, { scanner, name, attributes in XMPScanner.of(scanner).begin(name, attributes) },
            { scanner, _ in XMPScanner.of(scanner).end() })
        XML_SetStartDoctypeDeclHandler(parser) { scanner, _, _, _, _ in XML_StopParser(XMPScanner.of(scanner).parser, 0)
        }
        let status = packet.withUnsafeBytes { bytes in
            XML_Parse(parser, bytes.bindMemory(to: CChar.self).baseAddress, CInt(bytes.count), 1)
        }
        return status == XML_STATUS_OK ? scanner.found : nil
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> XMPScanner {
        Unmanaged<XMPScanner>.fromOpaque(pointer!).takeUnretainedValue()
    }

    private func begin(_ name: UnsafePointer<XML_Char>?, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?)
    {
        let start = Int(XML_GetCurrentByteIndex(parser)), length = Int(XML_GetCurrentByteCount(parser))
        let tag = start..<start + length
        depth += 1
        if let name, let name = Self.name(name), isWanted(name) {
            open.append((depth, found.count))
            // Until the end is met, an element is its opening tag.
            found.append(XMPProperty(name: name, whole: tag, value: tag.upperBound..<tag.upperBound))
        }
        guard let attributes, attributes[0] != nil else { return }
        // Expat hands out attributes in their order, without those that declare namespaces.
        for (index, place) in attributePlaces(in: tag).enumerated() {
            guard let text = attributes[2 * index] else { return }
            guard let name = Self.name(text), isWanted(name) else { continue }
            found.append(XMPProperty(name: name, whole: place.whole, value: place.value))
        }
    }

    private func end() {
        defer { depth -= 1 }
        guard let last = open.last, last.depth == depth else { return }
        open.removeLast()
        // Of an empty element's tag this is the end, and nothing.
        let start = Int(XML_GetCurrentByteIndex(parser)), length = Int(XML_GetCurrentByteCount(parser))
        let isEmptyTag = packet[start] != UInt8(ascii: "<") || start < found[last.index].whole.upperBound
        guard !isEmptyTag else { return }
        found[last.index].whole = found[last.index].whole.lowerBound..<start + length
        found[last.index].value = found[last.index].value.lowerBound..<start
    }

    /// Names without a namespace are none of XMP's.
    private static func name(_ text: UnsafePointer<XML_Char>) -> XMPName? {
        let parts = String(cString: text).split(separator: "\u{1}", omittingEmptySubsequences: false)
        guard parts.count >= 2 else { return nil }
        return XMPName(namespace: String(parts[0]), local: String(parts[1]))
    }

    /// Where the attributes of a tag are that declare no namespace. Expat has found it well-formed.
    private func attributePlaces(in tag: Range<Int>) -> [(whole: Range<Int>, value: Range<Int>)] {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        var places: [(whole: Range<Int>, value: Range<Int>)] = []
        var position = tag.lowerBound
        while position < tag.upperBound, !isSpace(packet[position]) { position += 1 }
        while true {
            let start = position
            while position < tag.upperBound, isSpace(packet[position]) { position += 1 }
            let nameStart = position
            guard let quote = packet[position..<tag.upperBound].firstIndex(where: { $0 == 0x22 || $0 == 0x27 }),
                let end = packet[(quote + 1)..<tag.upperBound].firstIndex(of: packet[quote])
            else { return places }
            position = end + 1
            let name = packet[nameStart..<quote].prefix { $0 != UInt8(ascii: "=") && !isSpace($0) }
            if name.elementsEqual("xmlns".utf8) || name.starts(with: "xmlns:".utf8) { continue }
            places.append((start..<position, quote + 1..<end))
        }
    }
}
