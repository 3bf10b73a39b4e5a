import XCTest

@testable import Photos

final class XMPTests: XCTestCase {
    private static let namespaces = """
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" \
        xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
        xmlns:n="http://ns.adobe.com/xmp/note/" xmlns:dc="http://purl.org/dc/elements/1.1/" \
        xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" \
        xmlns:Container="http://ns.google.com/photos/1.0/container/" \
        xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
        """

    static func packet(_ attributes: String, _ elements: String = "") -> [UInt8] {
        let description = "<rdf:Description rdf:about=''\(attributes)>\(elements)</rdf:Description>"
        let packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \(namespaces)>\(description)</rdf:RDF></x:xmpmeta>"
        return Array(packet.utf8)
    }

    private func cleaned(_ packet: [UInt8], _ format: PhotoFormat = .jpeg) throws -> [UInt8] {
        try XCTUnwrap(XMP(packet)).cleaned(width: 40, height: 30, format: format)
    }

    private func check(
        _ attributes: String, _ elements: String = "", becomes newAttributes: String, _ newElements: String = "",
        line: UInt = #line
    ) throws {
        let found = try cleaned(Self.packet(attributes, elements))
        XCTAssertEqual(
            String(decoding: found, as: UTF8.self),
            String(decoding: Self.packet(newAttributes, newElements), as: UTF8.self),
            line: line)
        XCTAssertNotNil(XMP(found), "it stays well-formed", line: line)
    }

    func testPartsThatAreGoneAreNotNamed_inEverySpelling() throws {
        try check(" n:HasExtendedXMP=\"0123\" dc:title=\"t\"", becomes: " dc:title=\"t\"")
        try check(" n:HasExtendedXMP = '0123'\n dc:title='t'", becomes: "\n dc:title='t'")
        try check(
            "", "<n:HasExtendedXMP>0123</n:HasExtendedXMP><dc:title>t</dc:title>", becomes: "", "<dc:title>t</dc:title>"
        )
        try check("", "<q:HasExtendedXMP xmlns:q=\"http://ns.adobe.com/xmp/note/\">0</q:HasExtendedXMP>", becomes: "")
        try check("", "<n:HasExtendedXMP/><dc:title/>", becomes: "", "<dc:title/>")
        try check(
            " GCamera:MotionPhoto=\"1\" GCamera:MicroVideoOffset='9' GCamera:BurstID='b' hdrgm:Version=\"1.0\"",
            "<Container:Directory><rdf:Seq><rdf:li rdf:parseType=\"Resource\"><Container:Item "
                + "Item:Mime=\"video/mp4\"/></rdf:li></rdf:Seq></Container:Directory>",
            becomes: " GCamera:BurstID='b'")
        try check(
            "",
            "<xmp:Thumbnails><rdf:Alt><rdf:li xmp:Rating='1' "
                + "tiff:Orientation='6'/></rdf:Alt></xmp:Thumbnails><xmp:Rating>5</xmp:Rating>",
            becomes: "", "<xmp:Rating>5</xmp:Rating>")
    }

    func testWhatItSaysOfPixelsIsMadeTrue() throws {
        try check(
            " tiff:Orientation=\"6\" tiff:ImageWidth='1' exif:PixelYDimension=\"2\" exif:ColorSpace='65535' "
                + "dc:format=\"image/heic\"",
            becomes:
                " tiff:Orientation=\"1\" tiff:ImageWidth='40' exif:PixelYDimension=\"30\" exif:ColorSpace='1' "
                + "dc:format=\"image/jpeg\""
        )
        try check(
            "",
            "<tiff:ImageLength>160</tiff:ImageLength><exif:PixelXDimension> 7 "
                + "</exif:PixelXDimension>"
                + "<tiff:BitsPerSample><rdf:Seq><rdf:li>16</rdf:li></rdf:Seq></tiff:BitsPerSample>",
            becomes: "", "<tiff:ImageLength>30</tiff:ImageLength><exif:PixelXDimension>40</exif:PixelXDimension>")
        let png = try cleaned(Self.packet("", "<dc:format>image/tiff</dc:format>"), .png)
        XCTAssertEqual(png, Self.packet("", "<dc:format>image/png</dc:format>"))
    }

    func testOrientation_whereverAndUnderWhateverPrefix() {
        XCTAssertEqual(XMP(Self.packet(" tiff:Orientation='6'"))?.orientation, 6)
        XCTAssertEqual(XMP(Self.packet("", "<tiff:Orientation>\n 8 </tiff:Orientation>"))?.orientation, 8)
        let other = "<a xmlns:t=\"http://ns.adobe.com/tiff/1.0/\" t:Orientation=\"3\"/>"
        XCTAssertEqual(XMP(Array(other.utf8))?.orientation, 3)
        XCTAssertNil(
            XMP(Self.packet("", "<dc:title>tiff:Orientation=\"6\"</dc:title>"))?.orientation, "text is no attribute")
        XCTAssertNil(XMP(Self.packet(" tiff:Orientation='9'"))?.orientation)
        XCTAssertNil(XMP(Self.packet(" dc:Orientation='6'"))?.orientation)
    }

    func testEverythingElseStaysByteForByte() throws {
        let text = "<?xpacket begin='\u{FEFF}' id='W5M0MpCehiHzreSzNTczkc9d'?>\n<!-- c -->"
        let packet =
            Array(text.utf8)
            + Self.packet(" dc:title=\"a &lt; b &gt; c\"", "<dc:creator><![CDATA[<Vincent>]]></dc:creator>")
            + Array("\n<?xpacket end='w'?>".utf8)
        XCTAssertEqual(try cleaned(packet), packet)
        XCTAssertEqual(try cleaned(packet + [0x20, 0x0A, 0]), packet, "padding behind the packet goes")
    }

    func testWhatIsNoPacketIsRefused() {
        for text in [
            "", "no XML", "<a>", "<a b='1' b='2'/>", "<tiff:a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a>&b;</a>",
        ] {
            XCTAssertNil(XMP(Array(text.utf8)), text)
        }
        XCTAssertNil(XMP([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E]), "no UTF-8")
        XCTAssertNil(XMP(Array(Array("<a/>".utf16).withUnsafeBytes { Array($0) })))
    }

    func testHostilePacketsCostLittle() throws {
        let start = ContinuousClock.now
        let many = String(repeating: "<xmp:Thumbnails></xmp:Thumbnails>x", count: 20_000)
        XCTAssertEqual(try cleaned(Self.packet("", many)), Self.packet("", String(repeating: "x", count: 20_000)))
        let deep = String(repeating: "<dc:a>", count: 20_000) + String(repeating: "</dc:a>", count: 20_000)
        XCTAssertNotNil(XMP(Self.packet("", deep)))
        let bomb =
            "<!DOCTYPE a ["
            + (1...9).map { "<!ENTITY e\($0) '\(String(repeating: "&e\($0 - 1);", count: 9))'>" }.joined()
            + "]><a>&e9;</a>"
        XCTAssertNil(XMP(Array(bomb.utf8)))
        XCTAssertLessThan(ContinuousClock.now - start, .seconds(6))
    }

    func testEveryTruncationAndByteFlipIsSurvived() {
        let sound = Self.packet(
            " tiff:Orientation='6' n:HasExtendedXMP=\"0\"",
            "<Container:Directory><a/></Container:Directory><tiff:ImageWidth>9</tiff:ImageWidth>")
        for count in 0..<sound.count { XCTAssertNil(XMP(Array(sound.prefix(count)))) }
        for position in sound.indices {
            for value in [0, 0x22, 0x27, 0x3C, 0x3E, 0x2F, 0x3D, 0x20, 0xC3] as [UInt8] {
                var damaged = sound
                damaged[position] = value
                guard let packet = XMP(damaged) else { continue }
                let cleaned = packet.cleaned(width: 1, height: 1, format: .jpeg)
                XCTAssertNotNil(
                    XMP(cleaned), "byte \(position) as \(value): \(String(decoding: cleaned, as: UTF8.self))")
            }
        }
    }
}
