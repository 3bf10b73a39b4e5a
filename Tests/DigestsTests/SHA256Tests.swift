import Digests
import XCTest

/// Test vectors of FIPS 180-4 as NIST publishes them (SHA256ShortMsg, and "abc" a million times over in parts).
final class SHA256Tests: XCTestCase {
    func testKnownMessages() {
        XCTAssertEqual(
            SHA256.hash([]).description, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        XCTAssertEqual(
            SHA256.hash(Array("abc".utf8)).description,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    func testHexadecimal_isReadBack_andNothingElseIs() {
        let digest = SHA256.hash(Array("abc".utf8))
        XCTAssertEqual(SHA256Digest(hexadecimal: digest.description), digest)
        XCTAssertEqual(SHA256Digest(hexadecimal: digest.description.uppercased()), digest)
        XCTAssertEqual(SHA256Digest(digest.bytes), digest)
        let text = digest.description
        for wrong in ["", String(text.dropLast()), text + "0", "g" + text.dropFirst(), "é" + text.dropFirst(2)] {
            XCTAssertNil(SHA256Digest(hexadecimal: wrong), wrong)
        }
        XCTAssertNil(SHA256Digest(digest.bytes + [0]))
    }

    func testParts_giveTheDigestOfTheWhole() {
        var hash = SHA256()
        let part = [UInt8](repeating: UInt8(ascii: "a"), count: 10_000)
        for _ in 0..<100 { part.withUnsafeBytes { hash.update($0) } }
        let digest = hash.finalize()
        XCTAssertEqual(
            digest.description, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}
