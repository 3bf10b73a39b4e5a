import XCTest

@testable import Photos

final class IPTCTests: XCTestCase {
    private func dataSet(_ record: UInt8, _ number: UInt8, _ text: String) -> [UInt8] {
        [0x1C, record, number] + Build.bigEndian(text.utf8.count, bytes: 2) + Array(text.utf8)
    }

    private func resource(_ kind: Int, name: String = "", _ data: [UInt8]) -> [UInt8] {
        let pascal = [UInt8(name.utf8.count)] + Array(name.utf8)
        return Array("8BIM".utf8) + Build.bigEndian(kind, bytes: 2) + pascal + (pascal.count % 2 == 0 ? [] : [0])
            + Build.bigEndian(data.count, bytes: 4) + data + (data.count % 2 == 0 ? [] : [0])
    }

    private var places: [UInt8] {
        [
            (26, "FRA"), (27, "a place"), (90, "Arles"), (92, "the bridge"), (95, "Provence"), (100, "FRA"),
            (101, "France"),
        ]
        .flatMap { dataSet(2, $0, $1) }
    }

    /// With a long data set, as writers of captions above 32 KB make them.
    private var rest: [UInt8] {
        dataSet(1, 90, "\u{1B}%G") + dataSet(2, 25, "sunflower") + [0x1C, 2, 120, 0x80, 4]
            + Build.bigEndian(3, bytes: 4)
            + Array("abc".utf8) + dataSet(2, 116, "me")
    }

    private func jpeg(_ resources: [[UInt8]]) throws -> [UInt8] {
        let segments = resources.flatMap { Build.segment(0xED, JPEGStructure.resourcesPrefix + $0) }
        return Build.inserting(segments, into: try TestFiles.bytes("ycbcr-420.jpg"))
    }

    private func rewritten(_ jpeg: [UInt8], _ policy: MetadataPolicy) throws -> (photo: Photo, bytes: [UInt8]) {
        let photo = try PhotoDecoder.decode(bytes: jpeg)
        let bytes = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg, metadata: policy))
        return (try PhotoDecoder.decode(bytes: bytes), bytes)
    }

    func testRecordsAreCarried_withoutPlacesUnderBasic() throws {
        let thumbnail = resource(0x040C, name: "odd", Build.thumbnail)
        let source = try jpeg([resource(0x03ED, [1, 2, 3]) + thumbnail + resource(0x0404, name: "ab", places + rest)])
        let all = try rewritten(source, .all)
        XCTAssertEqual(all.photo.metadata.iptc, places + rest)
        XCTAssertFalse(all.bytes.contains(sequence: Build.thumbnail))
        XCTAssertEqual(try rewritten(source, .basic).photo.metadata.iptc, rest)
        let none = try rewritten(source, .none)
        XCTAssertNil(none.photo.metadata.iptc)
        XCTAssertFalse(none.bytes.contains(sequence: JPEGStructure.resourcesPrefix))
    }

    func testResourcesMayBeSpreadOverSegments() throws {
        let long = dataSet(2, 25, String(repeating: "k", count: 30_000))
        let whole = resource(0x0404, long + long + long)
        let source = try jpeg([Array(whole[..<50_001]), Array(whole[50_001...])])
        XCTAssertEqual(try PhotoDecoder.decode(bytes: source).metadata.iptc, long + long + long)
        XCTAssertEqual(try rewritten(source, .all).photo.metadata.iptc, long + long + long)
    }

    func testDamagedRecordsLoseWhatFollows_underBasicOnly() throws {
        let damaged = dataSet(2, 25, "kept") + [0x1D, 2, 90] + Array("Arles".utf8)
        let source = try jpeg([resource(0x0404, damaged)])
        XCTAssertEqual(try rewritten(source, .all).photo.metadata.iptc, damaged)
        XCTAssertEqual(try rewritten(source, .basic).photo.metadata.iptc, dataSet(2, 25, "kept"))
    }

    func testEveryTruncationAndByteFlipIsSurvived() {
        let sound = resource(0x03ED, name: "abc", [1, 2, 3]) + resource(0x0404, places + rest)
        for count in 0..<sound.count {
            let records = IPTC.records(inResources: Array(sound.prefix(count)))
            XCTAssertNil(records, "it is whole in the whole only")
        }
        for position in sound.indices {
            for value in [0, 0x7F, 0x80, 0xFF] as [UInt8] {
                var changed = sound
                changed[position] = value
                guard let records = IPTC.records(inResources: changed) else { continue }
                XCTAssertLessThanOrEqual(IPTC.withoutLocation(records).count, records.count)
            }
        }
    }
}
