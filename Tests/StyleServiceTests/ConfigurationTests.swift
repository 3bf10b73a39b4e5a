import LinuxFiles
import Photos
import Stylizing
import XCTest

@testable import ServiceConfiguration
@testable import StyleModels
@testable import StyleService

final class ConfigurationTests: DirectoryTestCase {
    private func problems(_ text: String, file: StaticString = #filePath, line: UInt = #line) -> [String] {
        do {
            _ = try ServiceConfiguration.Configuration.parse(text)
            return []
        } catch { return "\(error)".split(separator: "\n").map(String.init) }
    }

    func testEmptyFile_isAWorkingConfiguration() throws {
        let configuration = try ServiceConfiguration.Configuration.parse("")
        XCTAssertEqual(configuration.spool, BytePath("/srv/cyclegan-styled"))
        XCTAssertEqual(configuration.state, BytePath("/var/lib/cyclegan-styled"))
        XCTAssertEqual(configuration.inboxes.map(\.key), ["vangogh"])
        let inbox = configuration.inboxes[0]
        XCTAssertEqual(inbox.inbox, BytePath("/srv/cyclegan-styled/inbox"))
        XCTAssertEqual(inbox.outbox, BytePath("/srv/cyclegan-styled/outbox"))
        XCTAssertEqual(inbox.picture.renderSize, .strokes(.medium))
        XCTAssertEqual(inbox.settle, .seconds(2))
        XCTAssertEqual(inbox.picture.quality, 92)
    }

    func testEveryProblem_isReportedAtOnceWithItsPlace() {
        let text = """
            spoool: /srv/x
            settle: soon
            inboxes:
              monet:
                qualty: 90
                strength: 1.5
                render: fit 3
                strokes: tiny
                originals: archiv
                format: [jpeg]
            limits:
              max-pixels: many
            """
        XCTAssertEqual(
            problems(text),
            [
                "config.yaml:12:15: limits.max-pixels: 'many' is not a count such as 1000 or 100M",
                "config.yaml:2:9: settle: 'soon' is not a duration such as 500ms, 2s, 5min or 1h",
                "config.yaml:9:16: inboxes.monet.originals: 'archiv' is none of archive, keep, delete (did you mean "
                    + "archive?)",
                "config.yaml:8:14: inboxes.monet.strokes: 'tiny' is not fine, medium, coarse or a factor from 0.25 to "
                    + "4",
                "config.yaml:7:13: inboxes.monet.render: 'fit 3' is not 'strokes', 'original' or, for example, 'fit "
                    + "1600' (16 to 65535 pixels)",
                "config.yaml:6:15: inboxes.monet.strength: 1.5 is out of range: it must lie between 0.0 and 1.0",
                "config.yaml:10:13: inboxes.monet.format: one value is expected here, not a list",
                "config.yaml:5:5: unknown key 'inboxes.monet.qualty' (did you mean quality?)",
                "config.yaml:1:1: unknown key 'spoool' (did you mean spool?)",
            ])
    }

    func testFileThatIsNoYAML_namesThePlace() {
        let text = problems("spool: /srv/x\n  settle: 2s\n")
        XCTAssertEqual(text.count, 1)
        XCTAssertTrue(text[0].hasPrefix("config.yaml:2:9: not valid YAML"), text[0])
    }

    func testKeyGivenTwice_namesTheSecondPlace() {
        XCTAssertEqual(
            problems("settle: 2s\nspool: /srv/x\nsettle: 3s\n"), ["config.yaml:3:1: the key 'settle' is given twice"])
        XCTAssertEqual(
            problems("settle: 2s\r\nspool: /srv/x\r\nsettle: 3s\r\n"),
            ["config.yaml:3:1: the key 'settle' is given twice"])
    }

    func testRelativePaths_areBelowTheSpool() throws {
        let configuration = try ServiceConfiguration.Configuration.parse(
            "spool: /data\nstate: st\ninboxes: {a: {inbox: ./x/../in, outbox: /out}}")
        XCTAssertEqual(configuration.state, BytePath("/data/st"))
        XCTAssertEqual(configuration.inboxes[0].inbox, BytePath("/data/in"))
        XCTAssertEqual(configuration.inboxes[0].outbox, BytePath("/out"))
        XCTAssertEqual(configuration.inboxes[0].failed, BytePath("/data/failed"))
    }

    func testRelativeSpool_isRefused() {
        XCTAssertEqual(
            problems("spool: data"), ["config.yaml:1:8: spool: 'data' must be an absolute path: it begins with /"])
    }

    func testOverlappingDirectories_areRefused() {
        let shared = problems("inboxes:\n  a: {inbox: a}\n  b: {inbox: b, failed: fb}\n")
        XCTAssertEqual(
            shared,
            [
                "config.yaml:3:3: inboxes.b.outbox: /srv/cyclegan-styled/outbox is the same directory as "
                    + "inboxes.a.outbox; "
                    + "every inbox needs directories of its own"
            ])
        XCTAssertEqual(
            problems("inboxes: {a: {inbox: outbox/new}}"),
            [
                "config.yaml:1:11: inboxes.a.outbox: /srv/cyclegan-styled/outbox contains inboxes.a.inbox "
                    + "(/srv/cyclegan-styled/outbox/new); every inbox needs directories of its own"
            ])
        XCTAssertEqual(
            problems("inboxes:\n  a: {inbox: a}\n  b: {inbox: a/b, outbox: ob, failed: fb}\n").count, 1,
            "an inbox in an inbox")
        XCTAssertEqual(
            problems("inboxes: {a: {inbox: in, outbox: in-b}}"), [], "a common beginning of a name is no overlap")
    }

    /// T45
    func testDirectoriesInsideAnInbox_areExcludedFromIt() throws {
        try Files.makeDirectory(directory.appending("real"))
        XCTAssertEqual(symlink("\(directory)/real", "\(directory)/link"), 0)
        let configuration = try ServiceConfiguration.Configuration.parse(
            "spool: \(directory)/real\nstate: /state\ninboxes: {a: {inbox: ., outbox: \(directory)/link/done, failed: "
                + "/elsewhere}}"
        )
        let inbox = configuration.inboxes[0]
        let domains: [BytePath] = ["domains/vangogh/paintings", "domains/vangogh/photos", "domains/vangogh/failed"]
        XCTAssertEqual(
            configuration.excludedDirectories(of: inbox), ["done", "/elsewhere", "originals"] + domains + ["/state"])
        for path in ["done", "done/a.jpg", "originals/trip/a.jpg"] {
            XCTAssertFalse(configuration.isPhotoPath(BytePath(path), in: inbox), path)
        }
        for path in ["a.jpg", "done.jpg", "trip/done/a.jpg"] {
            XCTAssertTrue(configuration.isPhotoPath(BytePath(path), in: inbox), path)
        }
    }

    func testOverlapThroughASymbolicLink_isFound() throws {
        try Files.makeDirectory(directory.appending("real"))
        XCTAssertEqual(symlink("\(directory)/real", "\(directory)/link"), 0)
        let found = problems("spool: \(directory)\ninboxes: {a: {inbox: real/in, outbox: link/in}}")
        XCTAssertEqual(found.count, 1)
        XCTAssertTrue(found[0].contains("is the same directory as inboxes.a.inbox"), found[0])
    }

    func testInboxKey_mustSuitFileNames() {
        XCTAssertEqual(problems("inboxes: {'a/b': }").count, 1)
        XCTAssertEqual(problems("inboxes: {Van-Gogh_2: }"), [])
    }

    func testSharedKeys_areDefaultsForEveryInbox() throws {
        let configuration = try ServiceConfiguration.Configuration.parse(
            """
            quality: 80
            truncated: accept
            settle: 500ms
            inboxes:
              a: {inbox: a/in, outbox: a/out, failed: a/f}
              b: {inbox: b/in, outbox: b/out, failed: b/f, quality: 70, settle: 1min 30s, subsampling: 4:4:4, \
              metadata: none}
            """)
        XCTAssertEqual(configuration.inboxes.map(\.picture.quality), [80, 70])
        XCTAssertEqual(configuration.inboxes.map(\.picture.truncated), [.accept, .accept])
        XCTAssertEqual(configuration.inboxes.map(\.settle), [.milliseconds(500), .seconds(90)])
        XCTAssertEqual(configuration.inboxes[1].picture.subsampling, .yuv444)
        XCTAssertEqual(configuration.inboxes[1].picture.metadata, .none)
    }

    func testConfD_mergesMapsAndReplacesTheRest() throws {
        let main = try write(
            "settle: 2s\nlimits: {max-side: 100, max-scans: 7}\ninboxes: {a: {quality: 50, strength: 0.5}}\n",
            "config.yaml")
        _ = try write("limits: {max-side: 200}\ninboxes: {a: {quality: 60}}\n", "conf.d/20-late.yaml")
        _ = try write("limits: {max-side: 300}\nsettle: 9s\n", "conf.d/10-early.yaml")
        _ = try write("settle: nonsense", "conf.d/ignored.txt")
        let configuration = try ServiceConfiguration.Configuration.load(main.description)
        XCTAssertEqual(configuration.limits.maxSide, 200)
        XCTAssertEqual(configuration.limits.maxScans, 7)
        XCTAssertEqual(configuration.inboxes[0].picture.quality, 60)
        XCTAssertEqual(configuration.inboxes[0].picture.strength, 0.5)
        XCTAssertEqual(configuration.inboxes[0].settle, .seconds(9))
        XCTAssertEqual(configuration.files.count, 3)
    }

    func testProblemInConfD_namesThatFile() throws {
        let main = try write("settle: 2s\n", "config.yaml")
        _ = try write("\n\nsetle: 3s\n", "conf.d/10.yaml")
        XCTAssertThrowsError(try ServiceConfiguration.Configuration.load(main.description)) { error in
            XCTAssertEqual("\(error)", "\(directory)/conf.d/10.yaml:3:1: unknown key 'setle' (did you mean settle?)")
        }
    }

    func testMissingFile_isAnErrorOnlyIfItWasNamed() throws {
        XCTAssertThrowsError(try ServiceConfiguration.Configuration.load("\(directory)/none.yaml")) { error in
            XCTAssertEqual("\(error)", "cannot open \(directory)/none.yaml: No such file or directory")
        }
    }

    func testPrintedConfiguration_readsBackAsItself() throws {
        var configuration = try ServiceConfiguration.Configuration.parse(
            """
            spool: "/data/with \\"quotes\\""
            memory: 2G
            threads: 3
            keep-failed: 30d
            inboxes:
              a: {inbox: a/in, outbox: a/out, failed: a/f, render: original, originals: delete, \
              keep-modification-time: yes}
            """)
        var printed = try ServiceConfiguration.Configuration.parse(configuration.yaml)
        configuration.stylePositions = [:]
        printed.stylePositions = [:]
        XCTAssertEqual(configuration, printed)
    }

    func testUnknownModel_isAConfigurationErrorThatSaysWhereItLooked() throws {
        let configuration = try configuration("style: vangog\n")
        _ = try write("", "state/models/vangogh.safetensors")
        let models = ModelStore(state: configuration.state, base: configuration.spool)
        XCTAssertThrowsError(try configuration.checkModels(models)) { error in
            let text = "\(error)"
            XCTAssertTrue(
                text.hasPrefix(
                    "config.yaml:4:8: inboxes.vangogh.style: there is no model named 'vangog' (did you mean vangogh?)"),
                text)
            XCTAssertTrue(text.contains("\(directory)/state/models"), text)
            XCTAssertTrue(text.contains("/usr/share/cyclegan-styled/models"), text)
        }
    }

    func testQuantities() {
        XCTAssertEqual(Quantity.duration("1h 30min"), .seconds(5400))
        XCTAssertEqual(Quantity.duration("250ms"), .milliseconds(250))
        XCTAssertEqual(Quantity.duration("3"), .seconds(3))
        XCTAssertNil(Quantity.duration("3 apples"))
        XCTAssertNil(Quantity.duration("-1s"))
        XCTAssertNil(Quantity.duration(""))
        XCTAssertEqual(Quantity.bytes("2G"), 2 << 30)
        XCTAssertEqual(Quantity.bytes("1.5 MiB"), 3 << 19)
        XCTAssertEqual(Quantity.bytes("100"), 100)
        XCTAssertNil(Quantity.bytes("2X"))
        XCTAssertEqual(Quantity.count("100M"), 100_000_000)
        XCTAssertEqual(Quantity.count("12 MP"), 12_000_000)
        XCTAssertEqual(Quantity.text(.seconds(7200)), "2h")
        XCTAssertEqual(Quantity.text(.milliseconds(1500)), "1500ms")
        XCTAssertEqual(Quantity.text(bytes: 256 << 20), "256M")
        XCTAssertEqual(Quantity.text(bytes: 1000), "1000")
    }

    func testSuggestions() {
        XCTAssertEqual(editDistance("settle", "stetle"), 1)
        XCTAssertEqual(editDistance("", "abc"), 3)
        XCTAssertEqual(suggestion(for: "oubtox", among: ["inbox", "outbox"]), "outbox")
        XCTAssertNil(suggestion(for: "zebra", among: ["inbox", "outbox"]))
    }

    func testShippedConfiguration_showsTheDefaults() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../etc/cyclegan-styled/config.yaml")
        let shipped = try String(contentsOf: file, encoding: .utf8)
        var asShipped = try ServiceConfiguration.Configuration.parse(shipped)
        let uncommented = shipped.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.firstMatch(of: /^#( {2,6})?[a-z-]+:/) == nil ? String(line) : String(line.dropFirst())
        }
        var withAllKeys = try ServiceConfiguration.Configuration.parse(uncommented.joined(separator: "\n"))
        withAllKeys.stylePositions = [:]
        asShipped.stylePositions = [:]
        XCTAssertEqual(withAllKeys, asShipped)
        XCTAssertEqual(asShipped, try ServiceConfiguration.Configuration.parse(""))
        func keys(_ lines: some Sequence<String>) -> Set<String> {
            Set(lines.compactMap { $0.firstMatch(of: /^ *([a-z-]+):/).map { String($0.1) } })
        }
        let all = keys(asShipped.yaml.split(separator: "\n").map(String.init))
        XCTAssertEqual(all.subtracting(keys(uncommented)), [], "every key is shown")
    }

    func testDropIn_namesOnlyWhatTheUnitDoesNotKnow() throws {
        XCTAssertNil(DirectoryProbe.dropIn(for: try ServiceConfiguration.Configuration.parse("")))
        let dropIn = DirectoryProbe.dropIn(
            for: try ServiceConfiguration.Configuration.parse(
                "inboxes: {a: {inbox: '/data/my in', outbox: /home/u/out}, "
                    + "b: {inbox: /proc/foo, outbox: /srv/cyclegan-styled/b}}"
            ))
        XCTAssertEqual(
            dropIn,
            """
            # /etc/systemd/system/cyclegan-styled.service.d/directories.conf
            [Service]
            ReadWritePaths="-/data/my in"
            # Home directories are hidden from the service; these are shown to it.
            ProtectHome=tmpfs
            BindPaths=-/home/u/out

            """)
    }

    func testMemoryBudget_obeysTheControlGroup() throws {
        _ = try write("9000000000\n", "cg/memory.max")
        _ = try write("max\n", "cg/a/memory.max")
        _ = try write("2000000000\n", "cg/a/b/memory.max")
        let root = "\(directory)/cg"
        XCTAssertEqual(MemoryBudget.controlGroupLimit(membership: "0::/a/b\n", root: root), 2_000_000_000)
        XCTAssertEqual(MemoryBudget.controlGroupLimit(membership: "0::/a\n", root: root), 9_000_000_000)
        XCTAssertNil(MemoryBudget.controlGroupLimit(membership: "1:cpu:/a\n", root: root))
        XCTAssertEqual(MemoryBudget.automatic(machine: 8_000_000_000, limit: nil), 4_000_000_000)
        XCTAssertEqual(MemoryBudget.automatic(machine: 8_000_000_000, limit: 2_000_000_000), 1_000_000_000)
        XCTAssertGreaterThan(MemoryBudget.machineMemory, 100 << 20)
    }

    func testSecondInbox_hasAFailedDirectoryOfItsOwn() throws {
        let two = try ServiceConfiguration.Configuration.parse(
            "spool: /s\ninboxes:\n  vangogh: {}\n  monet: {inbox: m, outbox: mo}\n")
        XCTAssertEqual(two.inboxes.map(\.failed), ["/s/failed/vangogh", "/s/failed/monet"])
        let named = try ServiceConfiguration.Configuration.parse(
            "spool: /s\ninboxes:\n  vangogh: {inbox: inbox, outbox: outbox, failed: failed}\n  monet: {inbox: m, "
                + "outbox: mo}\n"
        )
        XCTAssertEqual(named.inboxes.map(\.failed), ["/s/failed", "/s/failed-monet"])
        XCTAssertEqual(
            try ServiceConfiguration.Configuration.parse("spool: /s\ninboxes: {monet: {inbox: m}}").inboxes.map(
                \.failed), ["/s/failed"])
    }

    func testExampleWithTwoInboxes_isAConfiguration() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../etc/cyclegan-styled/config.yaml")
        let example = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter {
            $0.hasPrefix("#       ")
        }
        let configuration = try ServiceConfiguration.Configuration.parse(
            example.map { String($0.dropFirst(8)) }.joined(separator: "\n"))
        XCTAssertEqual(configuration.inboxes.map(\.key), ["vangogh", "faint"])
    }

    func testByteOrderMark_isNoPartOfTheFirstKey() throws {
        let file = try write("\u{FEFF}quality: 70\n", "config.yaml")
        _ = try write("\u{FEFF}# more\nstrength: 0.5\n", "conf.d/10.yaml")
        let configuration = try ServiceConfiguration.Configuration.load(file.description)
        XCTAssertEqual(configuration.inboxes[0].picture.quality, 70)
        XCTAssertEqual(configuration.inboxes[0].picture.strength, 0.5)
        XCTAssertEqual(
            problems("\u{FEFF}qualty: 3\n"), ["config.yaml:1:1: unknown key 'qualty' (did you mean quality?)"])
    }
}
