import Foundation
import Photos
import XCTest

/// The service as people meet it: installed, started by a real systemd in its hardened unit, used by a member of its
/// group.
final class EndToEndTests: XCTestCase {
    private var systemd: PrivateSystemd!
    private let spool = "/srv/cyclegan-styled"

    override func setUpWithError() throws {
        continueAfterFailure = false
        systemd = try PrivateSystemd(seconds: 400)
        let isStatic = FileManager.default.isExecutableFile(
            atPath: Built.project.path + "/.build/static/release/cyclegan-styled")
        // Programs built with the tests serve as well; they need the Swift libraries where they are on this machine.
        let scratch = isStatic ? "/project/.build/static" : "/programs"
        let canRun = isStatic ? true : try systemd.installBuiltPrograms()
        try XCTSkipUnless(canRun, "the built programs do not run in a private systemd: build them with make static")
        try expect("make -C /project -f systemd/install.mk install SWIFT=true STATIC_SCRATCH=\(scratch)")
        try expect("useradd -M -G cyclegan-styled alice")
    }

    override func tearDown() {
        systemd?.halt()
    }

    @discardableResult
    private func expect(_ command: String, file: StaticString = #filePath, line: UInt = #line) throws -> String {
        let result = try systemd.shell(command)
        XCTAssertEqual(result.status, 0, "\(command): \(result.output)", file: file, line: line)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func waitFor(_ command: String, seconds: Double = 30, file: StaticString = #filePath, line: UInt = #line)
        throws
    {
        let deadline = Date() + seconds
        while try systemd.shell(command).status != 0 {
            guard Date() < deadline else {
                let journal = try systemd.shell("journalctl -u cyclegan-styled --no-pager -n 30; ls -lR \(spool)")
                    .output
                return XCTFail("waited in vain for: \(command)\n\(journal)", file: file, line: line)
            }
            usleep(100_000)
        }
    }

    private func property(_ name: String) throws -> String { try expect("systemctl show -P \(name) cyclegan-styled") }

    private func journal(_ match: String) throws -> [[String: Any]] {
        try expect("journalctl -u cyclegan-styled \(match) -o json --no-pager").split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    func testServiceUnderSystemd() throws {
        try expect("systemctl start cyclegan-styled")
        XCTAssertEqual(try property("ActiveState"), "active")
        let sentence = try property("StatusText")
        XCTAssertTrue(sentence.hasPrefix("Idle; 1 inbox; 0 queued"), sentence)

        try dropPhotosAsAMemberOfTheGroup()
        try readTheJournal()
        try reloadBadAndGoodConfigurations()
        try killIt()
        try stopInMidPhoto()
        try giveMemoryBack()
        try startWithAWrongConfiguration()
        try uninstall()
    }

    private func dropPhotosAsAMemberOfTheGroup() throws {
        try expect(
            "su alice -s /bin/sh -c 'umask 022; mkdir \(spool)/inbox/trip; cp /project/docs/sample/landscape.jpg "
                + "\(spool)/inbox/trip/beach.jpg; echo none > \(spool)/inbox/notes.jpg'"
        )
        try waitFor("test -e \(spool)/outbox/trip/beach.vangogh.jpg -a -e \(spool)/failed/notes.jpg.reason.txt")
        try waitFor("test -e \(spool)/originals/trip/beach.jpg")
        XCTAssertEqual(try expect("find \(spool)/inbox -type f"), "", "nothing stays in the inbox")
        try expect(
            "su alice -s /bin/sh -c 'cat \(spool)/outbox/trip/beach.vangogh.jpg > /dev/null; rm "
                + "\(spool)/failed/notes.jpg.reason.txt'"
        )
        XCTAssertNotEqual(
            try systemd.shell("su nobody -s /bin/sh -c 'ls \(spool)/outbox'").status, 0, "strangers see nothing")
        XCTAssertTrue(
            try expect("su alice -s /bin/sh -c 'cyclegan-style explain \(spool)/inbox/trip/beach.jpg'").contains(
                "styled"))
        XCTAssertNotEqual(try systemd.shell("su nobody -s /bin/sh -c 'cyclegan-style status'").status, 0)
        // A new sentence comes once a second at most.
        try waitFor("systemctl status cyclegan-styled --no-pager | grep -q '1 styled, 1 failed since the start'")
    }

    private func readTheJournal() throws {
        let styled = try journal("CYCLEGAN_FILE=trip/beach.jpg")
        XCTAssertEqual(styled.count, 1, "one line a photo")
        let entry = try XCTUnwrap(styled.first)
        XCTAssertEqual(entry["PRIORITY"] as? String, "6")
        XCTAssertEqual(entry["SYSLOG_IDENTIFIER"] as? String, "cyclegan-styled")
        XCTAssertEqual(entry["CYCLEGAN_INBOX"] as? String, "vangogh")
        XCTAssertEqual(entry["CYCLEGAN_OUTPUT"] as? String, "\(spool)/outbox/trip/beach.vangogh.jpg")
        XCTAssertEqual((entry["CYCLEGAN_SHA256"] as? String)?.count, 64)
        XCTAssertNotNil(Int(entry["CYCLEGAN_DURATION_US"] as? String ?? ""))
        XCTAssertEqual((entry["MESSAGE_ID"] as? String)?.count, 32)
        XCTAssertEqual(
            try journal("_TRANSPORT=stdout").compactMap { $0["MESSAGE"] as? String }, [],
            "libraries have nothing to complain about")
        XCTAssertEqual(
            try journal("_TRANSPORT=syslog").compactMap { $0["MESSAGE"] as? String }, [], "nor has libdispatch")
        XCTAssertTrue(
            try expect("journalctl -u cyclegan-styled -x --no-pager").contains("A photo could not be styled"),
            "the catalog explains")
    }

    private func reloadBadAndGoodConfigurations() throws {
        try expect("mkdir -p /etc/cyclegan-styled/conf.d; echo 'qualty: 3' > /etc/cyclegan-styled/conf.d/10.yaml")
        XCTAssertNotEqual(try systemd.shell("systemctl reload cyclegan-styled").status, 0)
        XCTAssertEqual(try property("ActiveState"), "active")
        XCTAssertTrue(
            try property("StatusText").contains("conf.d/10.yaml:1:1: unknown key 'qualty' (did you mean quality?)"))
        try expect("echo 'quality: 50' > /etc/cyclegan-styled/conf.d/10.yaml; systemctl reload cyclegan-styled")
        XCTAssertFalse(try property("StatusText").contains("refused"))
        XCTAssertEqual(
            try journal("_TRANSPORT=syslog").compactMap { $0["MESSAGE"] as? String }, [],
            "no library complains of the reload")
        XCTAssertEqual(try property("NRestarts"), "0")
    }

    private func killIt() throws {
        let before = try property("MainPID")
        try expect("kill -9 \(before)")
        try waitFor(
            "p=$(systemctl show -P MainPID cyclegan-styled); test $p != 0 -a $p != \(before) && test $(systemctl show "
                + "-P SubState cyclegan-styled) = running"
        )
        try expect(
            "cp /project/docs/sample/landscape.jpg \(spool)/inbox/again.jpg; chown alice \(spool)/inbox/again.jpg")
        try waitFor("test -e \(spool)/outbox/again.vangogh.jpg -a -e \(spool)/originals/again.jpg")
    }

    private func stopInMidPhoto() throws {
        try expect(
            "printf 'stop-within: 0s\\nduplicates: again\\nrender: original\\n' > /etc/cyclegan-styled/conf.d/10.yaml; "
                + "systemctl reload cyclegan-styled"
        )
        // Seconds of work, a few kilobytes of file.
        let (width, height) = (3000, 2000)
        let photo = Photo(
            width: width, height: height, pixels: [UInt8](repeating: 128, count: width * height * 3), format: .png)
        let bytes = Data(try PhotoEncoder.encode(photo, options: EncodingOptions(format: .png)))
        try expect("echo \(bytes.base64EncodedString()) | base64 -d > \(spool)/inbox/late.png")
        try waitFor("systemctl show -P StatusText cyclegan-styled | grep -q 'Styling late.png'")
        try expect("systemctl stop cyclegan-styled")
        XCTAssertEqual(try property("Result"), "success")
        XCTAssertEqual(
            try expect("ls \(spool)/inbox/late.png; find \(spool) -name 'late.vangogh*' -o -name '.*.tmp'"),
            "\(spool)/inbox/late.png")
        try expect("systemctl start cyclegan-styled")
        try waitFor("test -e \(spool)/outbox/late.vangogh.png")
    }

    /// Half a minute after the last photo.
    private func giveMemoryBack() throws {
        try waitFor("test -e \(spool)/originals/late.png")
        sleep(30)
        let status = try expect("cat /proc/$(systemctl show -P MainPID cyclegan-styled)/status")
        let resident = try XCTUnwrap(status.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap { Int($0.1) })
        print("resident after half a minute without work: \(resident / 1024) MB")
        XCTAssertLessThan(resident, 60 * 1024, "kB")
    }

    private func uninstall() throws {
        XCTAssertTrue(try expect("journalctl --dump-catalog").contains("Defined-By: cyclegan-styled"))
        try expect("make -C /project -f systemd/install.mk uninstall")
        XCTAssertFalse(try expect("journalctl --dump-catalog").contains("cyclegan-styled"))
        XCTAssertEqual(try expect("find /usr -name '*cyclegan*'"), "")
    }

    private func startWithAWrongConfiguration() throws {
        try expect("systemctl stop cyclegan-styled; echo 'setle: 1s' > /etc/cyclegan-styled/conf.d/10.yaml")
        XCTAssertNotEqual(try systemd.shell("systemctl start cyclegan-styled").status, 0)
        XCTAssertEqual(try property("ExecMainStatus"), "78")
        sleep(6)
        XCTAssertEqual(try property("NRestarts"), "0", "no restart loop")
        XCTAssertEqual(try property("ActiveState"), "failed")
        XCTAssertTrue(
            try expect("journalctl -u cyclegan-styled --no-pager -n 5").contains(
                "unknown key 'setle' (did you mean settle?)"))
    }
}
