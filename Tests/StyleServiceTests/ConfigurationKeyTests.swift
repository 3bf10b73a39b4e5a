import Photos
import XCTest

@testable import ServiceConfiguration

/// The table of keys: complete, and with the effects that each key's change must have.
final class ConfigurationKeyTests: XCTestCase {
    private typealias Settings = ServiceConfiguration.Configuration

    /// A value that no key reads could not be configured, one that no key prints would be lost by --print-config.
    func testEveryStoredValue_hasAKey() {
        func values(_ structure: Any, without: Set<String>) -> [String] {
            Mirror(reflecting: structure).children.compactMap(\.label).filter { !without.contains($0) }
        }
        XCTAssertEqual(
            values(Settings(), without: ["inboxes", "styles", "limits", "stylePositions", "files"]).count,
            (Settings.placeKeys + Settings.serviceKeys).count)
        XCTAssertEqual(
            values(InboxConfiguration.standard, without: ["key", "picture"]).count
                + values(PictureSettings(), without: []).count,
            (InboxConfiguration.directoryKeys + InboxConfiguration.sharedKeys).count)
        XCTAssertEqual(values(PictureSettings(), without: []).count, PictureSettings.keys.count)
        // `truncated` is one of a picture's settings.
        XCTAssertEqual(values(DecodingLimits(), without: ["truncated"]).count, DecodingLimits.keys.count)
    }

    /// The ledger holds fingerprints: pictures of older versions are used again only where they stay as they are.
    func testFingerprint_isAsTheLedgerHasIt() {
        var picture = PictureSettings()
        XCTAssertEqual(
            picture.fingerprint,
            "strokes=medium render=strokes strength=1.0 format=same quality=92 subsampling=yuv420 metadata=basic "
                + "truncated=fail"
        )
        picture.subsampling = .yuv444
        picture.render = .original
        picture.strokes = .coarse
        XCTAssertEqual(
            picture.fingerprint,
            "strokes=coarse render=original strength=1.0 format=same quality=92 subsampling=yuv444 metadata=basic "
                + "truncated=fail"
        )
    }

    func testKeysThatNeedARestart() throws {
        let old = try Settings.parse("")
        var new = try Settings.parse("state: /elsewhere\nmemory: 2G\nthreads: 2\nrescan: 1h\nquality: 50")
        XCTAssertEqual(new.keepWhatNeedsRestart(of: old), ["state", "memory", "threads"])
        XCTAssertEqual(new.state, old.state)
        XCTAssertNil(new.memory)
        XCTAssertEqual(new.rescan, .seconds(3600), "what needs none is in effect")
        XCTAssertEqual(new.keepWhatNeedsRestart(of: old), [])
    }

    func testInboxIsWatchedAnew_whenAKeyOfItsWatcherChanges_andOnlyThen() throws {
        func fingerprint(_ text: String) throws -> [String] {
            let configuration = try Settings.parse(text)
            return configuration.watcherFingerprint(of: configuration.inboxes[0])
        }
        let base = try fingerprint("")
        for text in [
            "spool: /srv/other", "settle: 3s", "incomplete-after: 5s", "rescan: 1h", "originals: keep",
            "inboxes: {vangogh: {outbox: inbox/done}}",
        ] {
            XCTAssertNotEqual(try fingerprint(text), base, text)
        }
        for text in ["quality: 50", "style: other", "log-level: debug", "stop-within: 1s", "duplicates: again"] {
            XCTAssertEqual(try fingerprint(text), base, text)
        }
    }

    func testHelp_namesEveryKeyWithItsDefault() {
        let help = Settings.help
        for line in [
            "  settle: how long a file must be left alone before it counts as complete (2s)", "  threads: ",
            "  limits.max-pixels: ",
            "  outbox: ", "  subsampling: how finely a JPEG keeps colour: 4:2:0 or 4:4:4 (\"4:2:0\")",
        ] {
            XCTAssertTrue(help.contains(line), line)
        }
    }
}
