import Foundation
import XCTest

/// What is installed, and what takes it away again.
final class PackageTests: XCTestCase {
    private func script(_ name: String) throws {
        try XCTSkipUnless(geteuid() == 0, "the packages are tried in a system of their own when the tests run as root")
        let result = try runCommand([Built.project.appendingPathComponent("Tests/Package/\(name)").path])
        if result.status == 77 { throw XCTSkip(result.output.trimmingCharacters(in: .whitespacesAndNewlines)) }
        XCTAssertEqual(result.status, 0, result.output)
        XCTAssertTrue(result.output.contains("all is well"), result.output)
    }

    func testPackages_inAFreshSystem() throws { try script("package-test.sh") }

    func testContainer() throws { try script("container-test.sh") }

    /// Below a directory of its own, with the programs of this build.
    func testUninstall_undoesInstall() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("install-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory.appendingPathComponent("scratch"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createSymbolicLink(
            at: directory.appendingPathComponent("scratch/release"), withDestinationURL: Built.programs)
        let root = directory.appendingPathComponent("root").path
        let make = [
            "make", "-C", Built.project.path, "-f", "systemd/install.mk", "SWIFT=true", "INSTALL_PROGRAM=install",
            "DESTDIR=\(root)",
            "STATIC_SCRATCH=\(directory.path)/scratch",
        ]
        let installed = try runCommand(make + ["install"])
        XCTAssertEqual(installed.status, 0, installed.output)
        for file in [
            "usr/bin/cyclegan-style", "usr/sbin/cyclegan-styled", "usr/lib/systemd/system/cyclegan-styled.service",
            "usr/share/man/man1/cyclegan-style.1", "usr/share/man/man5/cyclegan-styled.yaml.5",
            "usr/share/man/man8/cyclegan-styled.8",
            "usr/share/zsh/vendor-completions/_cyclegan-style",
            "usr/share/fish/vendor_completions.d/cyclegan-styled.fish",
            "usr/share/bash-completion/completions/cyclegan-style", "usr/share/doc/cyclegan-styled/operations.md",
            "usr/share/cyclegan-styled/models/vangogh.safetensors", "etc/cyclegan-styled/config.yaml",
        ] {
            XCTAssertTrue(FileManager.default.fileExists(atPath: "\(root)/\(file)"), file)
        }
        XCTAssertTrue(
            try runCommand(["\(root)/usr/sbin/cyclegan-styled", "--version"]).output.hasPrefix("cyclegan-styled "))
        XCTAssertTrue(
            try runCommand(["\(root)/usr/bin/cyclegan-style", "--version"]).output.hasPrefix("cyclegan-style "))
        XCTAssertEqual(try runCommand(make + ["uninstall"]).status, 0)
        let left = try runCommand(["find", root, "!", "-type", "d"]).output
        XCTAssertEqual(left, "\(root)/etc/cyclegan-styled/config.yaml\n", "the configuration stays, nothing else")
    }
}
