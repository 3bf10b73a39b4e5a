import Foundation
import Networks
import Photos
import Stylizing
import Weights
import XCTest

@testable import Evaluation

/// What people see first: the model that ships, on the project's own sample photos.
final class ShippedModelTests: XCTestCase {
    private static let project = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func photo(_ name: String) throws -> Photo {
        let bytes = try Data(contentsOf: Self.project.appendingPathComponent("docs/sample/\(name).jpg"))
        return try PhotoDecoder.decode(bytes: [UInt8](bytes), limits: DecodingLimits())
    }

    func testPictures_haveNoLatticeThatTheirPhotosLack() throws {
        let model = Self.project.appendingPathComponent("Sources/StyleModels/models/vangogh.safetensors").path
        let stylizer = Stylizer(generator: try ResNetGenerator(try WeightsFile.read(model)))
        let photos = try ["landscape", "harbour", "still-life"].map(photo)
        let pictures = try photos.map { try stylizer.stylize($0) }
        let before = PeriodicPatterns(photos.flatMap(tiles)), after = PeriodicPatterns(pictures.flatMap(tiles))
        print("patterns of 2, 4 and 8 pixels: photos \(before.byPeriod), pictures \(after.byPeriod)")
        XCTAssertLessThan(after.strongest, 1.5 * before.strongest)
    }

    /// Squares of 256 pixels side by side: what is measured of one image is its upper left corner alone.
    private func tiles(_ photo: Photo) -> [Photo] {
        let side = 256
        return (0..<photo.height / side).flatMap { line in
            (0..<photo.width / side).map { column in
                let rows = (0..<side).flatMap { y in
                    let first = ((line * side + y) * photo.width + column * side) * 3
                    return photo.pixels[first..<first + side * 3]
                }
                return Photo(width: side, height: side, pixels: rows, format: .png)
            }
        }
    }
}
