import LinuxFiles
import XCTest

final class BytePathTests: XCTestCase {
    func testRelative_goesByWholeComponents() {
        XCTAssertEqual(BytePath("/in/a/b").relative(to: "/in"), "a/b")
        XCTAssertEqual(BytePath("/in//a/./b/").relative(to: "/in/"), "a/b")
        XCTAssertEqual(BytePath("/in").relative(to: "/in"), "")
        XCTAssertNil(BytePath("/inbox/a").relative(to: "/in"))
        XCTAssertNil(BytePath("in/a").relative(to: "/in"))
        XCTAssertEqual(BytePath("/a").relative(to: "/"), "a")
    }

    func testParentAndLastComponent() {
        XCTAssertEqual(BytePath("/a/b").parent, "/a")
        XCTAssertEqual(BytePath("/a").parent, "/")
        XCTAssertEqual(BytePath("a").parent, "")
        XCTAssertEqual(BytePath("/a/b/").lastComponent, "b")
        XCTAssertEqual(BytePath("/").appending("a"), "/a")
        XCTAssertEqual(BytePath("").appending("a"), "a")
        XCTAssertEqual(BytePath("a").appending(""), "a")
    }

    func testDescription_isSafeToShow() {
        XCTAssertEqual(BytePath("Grün 🌻.jpg").description, "Grün 🌻.jpg")
        XCTAssertEqual(BytePath(bytes: [0x61, 0xFF, 0x62, 0xC3]).description, "a\\xFFb\\xC3")
        XCTAssertEqual(BytePath("a\nb\u{1B}[2Jc\\d").description, "a\\nb\\x1B[2Jc\\\\d")
        XCTAssertEqual(BytePath("a\u{202E}gpj.b").description, "a\\u{202E}gpj.b")
    }

    func testNormalized_andInside() {
        XCTAssertEqual(BytePath("/a/./b/../c//d/").normalized, BytePath("/a/c/d"))
        XCTAssertEqual(BytePath("/../a").normalized, BytePath("/a"))
        XCTAssertEqual(BytePath("../a").normalized, BytePath("../a"))
        XCTAssertTrue(BytePath("/a/b").isInside(BytePath("/a")))
        XCTAssertFalse(BytePath("/ab").isInside(BytePath("/a")))
        XCTAssertFalse(BytePath("/a").isInside(BytePath("/a")))
    }
}
