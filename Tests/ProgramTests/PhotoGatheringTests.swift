import Foundation
import Glibc
import LinuxFiles
import Photos
import ServiceConfiguration
import XCTest

@testable import cyclegan_style

/// Which photos `translate` takes, what their pictures are called, and how an archive is divided.
final class PhotoGatheringTests: StyleTestCase {
    private func touch(_ names: String...) throws {
        for name in names {
            let url = directory.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: url)
        }
    }

    private func gathered(_ arguments: String..., output: String = "out", isRecursive: Bool = true) throws
        -> PhotoGathering
    {
        var gathering = PhotoGathering(isRecursive: isRecursive, output: BytePath(path(output)))
        try gathering.add(arguments: arguments.map { BytePath(path($0)) })
        return gathering
    }

    func testFolder_isSearchedAndItsPlacesAreKept() throws {
        try touch(
            "in/b.jpg", "in/a.PNG", "in/notes.txt", "in/.hidden.jpg", "in/trip/c.jpeg", "in/@eaDir/b.jpg",
            "in/#recycle/d.jpg", "in/@home/f.jpg",
            "in/.stversions/e.jpg", "in/out/a.vangogh.png")
        symlink(path("in"), path("in/circle"))
        let found = try gathered("in", output: "in/out")
        XCTAssertEqual(found.photos.map(\.name.description), ["a.PNG", "b.jpg", "@home/f.jpg", "trip/c.jpeg"])
        XCTAssertEqual(found.photos.map(\.subdirectory.description), ["", "", "@home", "trip"])
        try touch("other/b.jpg")
        XCTAssertEqual(try gathered("in/trip", "other").photos.map(\.name.description), ["trip/c.jpeg", "other/b.jpg"])
        XCTAssertEqual(try gathered("in", isRecursive: false).photos.count, 1, "one photo, which cannot be read")
    }

    func testPicturesAmongTheirPhotos_areNoPhotos() throws {
        try touch("in/a.jpg", "in/a.vangogh.jpg", "in/a.vangogh-2.jpg", "in/a.monet.jpg", "in/trip/b.vangogh.jpg")
        XCTAssertEqual(try gathered("in", output: "in").photos.map(\.name.description), ["a.jpg", "a.monet.jpg"])
    }

    func testFolderWithoutPhotos_isSaid() throws {
        try touch("in/readme.txt")
        XCTAssertEqual(try gathered("in").notices, ["\(path("in")): no photo in it"])
    }

    func testList_keepsBytesAndPlaces() throws {
        let odd = Array("b/".utf8) + [0xFF] + Array(".jpg".utf8)
        let list =
            Array("a.jpg\r\n\nb/../c/d.jpg\n\(directory.path)/e.jpg\n/elsewhere/f.jpg\n".utf8) + odd
            + Array("\na.jpg".utf8)
        try Data(list).write(to: URL(fileURLWithPath: path("list")))
        var gathering = PhotoGathering(base: BytePath(directory.path))
        // Names of a list are below the current directory, which is another one here.
        try gathering.add(list: BytePath(path("list")), isNullSeparated: false)
        gathering.removeRepetitions()
        let here = BytePath(String(FileManager.default.currentDirectoryPath.dropFirst()))
        XCTAssertEqual(
            gathering.photos.map(\.name),
            [here.appending("a.jpg"), here.appending("c/d.jpg"), "e.jpg", "elsewhere/f.jpg", here.appending(odd)])
        XCTAssertEqual(gathering.photos[1].path, "b/../c/d.jpg")
        try Data("a\nb.jpg\0c.jpg\0".utf8).write(to: URL(fileURLWithPath: path("null")))
        var other = PhotoGathering()
        try other.add(list: BytePath(path("null")), isNullSeparated: true)
        XCTAssertEqual(other.photos.map(\.name), [BytePath("a\nb.jpg"), "c.jpg"])
        XCTAssertThrowsError(try other.add(list: "/nowhere/list", isNullSeparated: false))
    }

    func testShards_divideEveryListAndStayWhenItGrows() throws {
        let names = (0..<1000).map { BytePath("trip \($0)/IMG_\($0 * 7).jpg") }
        for count in [1, 2, 8, 13] {
            let shards = (0..<count).map { Shard(argument: "\($0)/\(count)")! }
            let parts = shards.map { shard in names.filter(shard.contains) }
            XCTAssertEqual(parts.flatMap(\.self).sorted(), names.sorted())
            XCTAssertTrue(parts.allSatisfy { $0.count > 1000 / count / 2 }, "\(parts.map(\.count))")
            XCTAssertEqual(shards[0], Shard(argument: "\(count)/\(count)"), "counted from 1")
        }
        // Held in place: another division would translate an archive anew.
        XCTAssertEqual(
            names[..<8].map { name in (0..<8).first { Shard(argument: "\($0)/8")!.contains(name) } }, expectedShards)
        for wrong in ["", "1", "-1/8", "9/8", "1/0", "1/8/2", "a/b", "1/ 8"] {
            XCTAssertNil(Shard(argument: wrong), wrong)
        }
    }

    func testFixedNames_areOnesOwn() {
        let photos = ["a/beach.heic", "a/beach.jpg", "a/beach.png", "b/beach.jpg", "a/hill.jpg"].map {
            PhotoSource(path: BytePath($0), name: BytePath($0), isMirrored: true)
        }
        func names(_ photos: [PhotoSource], format: PhotoFormat? = nil) -> [String] {
            let naming = PictureNaming(photos, label: "vangogh", format: format, isFixed: true)
            return photos.map { photo in
                let written = format ?? (photo.name.description.hasSuffix("png") ? .png : .jpeg)
                return photo.subdirectory.appending(naming.name(of: photo, as: written).candidate(0)).description
            }
        }
        let expected = [
            "a/beach.heic.vangogh.jpg", "a/beach.vangogh.jpg", "a/beach.vangogh.png", "b/beach.vangogh.jpg",
            "a/hill.vangogh.jpg",
        ]
        XCTAssertEqual(names(photos), expected)
        XCTAssertEqual(names(photos.reversed()), expected.reversed())
        let asPNG = names(photos, format: .png)
        XCTAssertEqual(Set(asPNG).count, photos.count)
        XCTAssertEqual(asPNG[2], "a/beach.vangogh.png")
        // A PNG that is called JPEG must not take the name of a real one.
        let misnamed = PictureNaming(photos, label: "vangogh", format: nil, isFixed: true).name(of: photos[4], as: .png)
        XCTAssertEqual(BytePath(bytes: misnamed.candidate(0)), "hill.jpg.vangogh.png")
    }

    private var expectedShards: [Int?] { [0, 2, 0, 7, 1, 0, 3, 2] }
}
