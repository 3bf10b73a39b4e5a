import LinuxFiles
import ServiceConfiguration
import XCTest

@testable import StyleService

/// What `--check-config` says of a spool that is to be shared.
final class SharedSpoolCheckTests: DirectoryTestCase {
    func testSpoolOfOneService_isNotLookedAt() throws {
        let check = SharedSpoolCheck(try configuration()) { _ in "NFS" }
        XCTAssertEqual(check.troubles + check.notes, [])
    }

    func testStateOnTheNetwork_andALeaseTooShort_areTroubles() throws {
        try Files.makeDirectory(directory.appending("spool"))
        let check = SharedSpoolCheck(try configuration("shared-spool: yes\nlease: 5s")) { _ in "NFS" }
        XCTAssertEqual(check.troubles.count, 2, "\(check.troubles)")
        XCTAssertTrue(
            check.troubles[0].hasPrefix("state: \(directory)/state lies on a file system of the network (NFS)"))
        XCTAssertTrue(check.troubles[1].hasPrefix("lease: 5s is too short over a network (NFS)"), check.troubles[1])
        let good = SharedSpoolCheck(try configuration("shared-spool: yes")) { _ in nil }
        XCTAssertEqual(good.troubles, [])
        XCTAssertEqual(good.notes, ["shared-spool: \(directory)/spool lies on a file system of this machine alone"])
        XCTAssertEqual(files("spool"), [], "nothing is left of what was tried")
    }

    func testStateInTheSharedSpool_isRefused() throws {
        for state in ["state", "."] {
            XCTAssertThrowsError(
                try ServiceConfiguration.Configuration.parse("spool: /srv/x\nstate: \(state)\nshared-spool: yes")
            ) { XCTAssertTrue("\($0)".contains("each service needs a state directory of its own"), "\($0)") }
        }
        XCTAssertNoThrow(try ServiceConfiguration.Configuration.parse("spool: /srv/x\nstate: state"))
        XCTAssertThrowsError(try ServiceConfiguration.Configuration.parse("lease: 100ms"))
    }

    /// An inbox that is the spool itself passes the leases over.
    func testLeases_areNoPhotos() throws {
        let shared = try ServiceConfiguration.Configuration.parse(
            "spool: /srv/x\nshared-spool: yes\ninboxes: {all: {inbox: .}}")
        XCTAssertTrue(shared.excludedDirectories(of: shared.inboxes[0]).contains("leases"))
    }
}
