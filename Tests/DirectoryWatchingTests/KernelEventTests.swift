import CInotify
import LinuxFiles
import XCTest

@testable import DirectoryWatching

/// What the kernel's buffers are taken for. (What the kernel really sends is the situations' business.)
final class KernelEventTests: XCTestCase {
    func testEvents_areTakenOutOneByOne() {
        let bytes =
            event(3, CInotify_maskCreate, "a.jpg") + event(3, CInotify_maskDeleteSelf, nil)
            + event(3, CInotify_maskIgnored, nil) + event(-1, CInotify_maskOverflow, nil)
        let (events, raw) = parse(bytes)
        XCTAssertEqual(events.map(text), ["name 3 a.jpg", "directory 3", "ended 3", "overflow"])
        XCTAssertEqual(raw.map(\.name), ["a.jpg", "", "", ""])
    }

    func testALongestName_keepsEveryByte() {
        let name = [UInt8](repeating: 0xFF, count: 255)
        guard case .name(_, let found)? = parse(event(1, CInotify_maskMovedTo, bytes: name)).events.first else {
            return XCTFail("no event")
        }
        XCTAssertEqual(found, name)
    }

    func testABufferThatIsCutShort_countsAsAnOverflow() {
        let whole = event(3, CInotify_maskCreate, "a.jpg")
        for length in 1..<whole.count {
            XCTAssertEqual(parse(Array(whole.prefix(length))).events.map(text), ["overflow"], "\(length) bytes")
        }
        XCTAssertEqual(parse([]).events.map(text), [])
    }

    func testALengthBeyondTheBuffer_countsAsAnOverflow() {
        var bytes = event(3, CInotify_maskCreate, "a.jpg")
        bytes.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0xFF])
        XCTAssertEqual(parse(bytes).events.map(text), ["overflow"])
    }

    func testMailbox_keepsOneHintForManyEvents() throws {
        let mailbox = try Mailbox()
        for _ in 0..<1000 { mailbox.post([.name(watch: 1, [1]), .name(watch: 1, [2]), .name(watch: 2, [1])]) }
        let mail = mailbox.take()
        XCTAssertEqual(mail.names, [1: [[1], [2]], 2: [[1]]])
        XCTAssertFalse(mail.overflowed)
        XCTAssert(mailbox.take().isEmpty)
    }

    func testMailbox_thatIsFull_asksForAScan() throws {
        let mailbox = try Mailbox()
        mailbox.post((0...Mailbox.capacity).map { .name(watch: 1, Array("\($0)".utf8)) })
        let mail = mailbox.take()
        XCTAssert(mail.overflowed)
        XCTAssert(mail.names.isEmpty)
    }

    private func parse(_ bytes: [UInt8]) -> (events: [KernelReader.Event], raw: [KernelEvent]) {
        bytes.withUnsafeBytes { KernelReader.events(in: $0) }
    }

    private func event(_ watch: Int32, _ mask: UInt32, _ name: String?) -> [UInt8] {
        event(watch, mask, bytes: name.map { Array($0.utf8) } ?? [])
    }

    /// As the kernel does, the name is padded with zeros to a multiple of the header's size.
    private func event(_ watch: Int32, _ mask: UInt32, bytes name: [UInt8]) -> [UInt8] {
        let padded = name.isEmpty ? 0 : (name.count / 16 + 1) * 16
        let header: [UInt32] = [UInt32(bitPattern: watch), mask, 0, UInt32(padded)]
        return header.withUnsafeBytes(Array.init) + name + [UInt8](repeating: 0, count: padded - name.count)
    }

    private func text(_ event: KernelReader.Event) -> String {
        switch event {
        case .name(let watch, let name): "name \(watch) \(BytePath(bytes: name))"
        case .directory(let watch): "directory \(watch)"
        case .ended(let watch): "ended \(watch)"
        case .overflow: "overflow"
        }
    }
}
