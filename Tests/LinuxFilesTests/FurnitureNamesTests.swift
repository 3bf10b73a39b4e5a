import LinuxFiles
import XCTest

final class FurnitureNamesTests: XCTestCase {
    func testFoldersOfSystemsAndDevices_areFurniture() {
        for name in [
            "@Recently-Snapshot", "Network Trash Folder", "Temporary Items", "#recycle", "@eaDir", "@EADIR",
            "$Recycle.Bin", "lost+found",
            "System Volume Information", "thumbs.db", "FOUND.001", "@__thumb", "__MACOSX",
        ] {
            XCTAssertNotNil(FurnitureNames.pattern(matching: Array(name.utf8)), name)
        }
        for name in [
            "recycle", "Snapshots", "Trip @Home", "#1", "temporary", "trash", "Thumbs", "found.jpg", "beach.jpg",
        ] {
            XCTAssertNil(FurnitureNames.pattern(matching: Array(name.utf8)), name)
        }
    }
}
