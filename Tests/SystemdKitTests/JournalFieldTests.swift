import XCTest

@testable import SystemdKit

final class JournalFieldTests: XCTestCase {
    func testName_takesUpperCaseKeysAsTheyAreAndPrefixesTheRest() {
        let names = [
            "MESSAGE_ID": "MESSAGE_ID", "file": "CYCLEGAN_FILE", "durationUs": "CYCLEGAN_DURATION_US",
            "sha256": "CYCLEGAN_SHA256", "image-width": "CYCLEGAN_IMAGE_WIDTH", "_hidden": "CYCLEGAN__HIDDEN",
            "1st": "CYCLEGAN_1ST", "größe": "CYCLEGAN_GR____E", "": "CYCLEGAN_",
        ]
        for (key, name) in names { XCTAssertEqual(JournalField.name(for: key, prefix: "CYCLEGAN_"), name) }
    }

    func testName_isNeverLongerThanTheJournalTakes() {
        XCTAssertEqual(JournalField.name(for: String(repeating: "x", count: 100), prefix: "CYCLEGAN_").utf8.count, 64)
        XCTAssertEqual(JournalField.name(for: String(repeating: "X", count: 100), prefix: "CYCLEGAN_").utf8.count, 64)
    }
}
