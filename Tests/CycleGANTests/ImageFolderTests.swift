import Foundation
import XCTest

@testable import CycleGAN

final class ImageFolderTests: XCTestCase {
    /// What storage devices and desktops keep in a folder is nobody's training data.
    func testFurniture_isPassedOver() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("image-folder-\(getpid())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in [
            "a.jpg", "trip/b.JPG", "@eaDir/c.jpg", "@Recently-Snapshot/d.jpg", "#recycle/e.jpg",
            "trip/Network Trash Folder/f.jpg", ".g.jpg",
        ] {
            let path = "\(folder)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: path))
        }
        XCTAssertEqual(
            try ImageFolder(folder).names.map { String(decoding: $0, as: UTF8.self) }, ["a.jpg", "trip/b.JPG"])
    }

    func testByteOrderMark_isNoPartOfTheFirstKey() throws {
        XCTAssertEqual(try TrainingConfiguration(yaml: "\u{FEFF}seed: 7\n", path: "training.yaml").seed, 7)
    }
}
