import Foundation
import XCTest

@testable import Weights

extension XCTestCase {
    /// A path in a fresh directory that is removed after the test.
    func temporaryPath(_ name: String) throws -> String {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("weights-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        addTeardownBlock { try? FileManager.default.removeItem(at: directory) }
        return directory.appendingPathComponent(name).path
    }

    /// `read` must throw a `WeightsError` for the file that contains `expected`.
    func assertRefused<Result>(
        _ what: String, _ path: String, _ expected: String, _ read: (String) throws -> Result, line: UInt = #line
    ) {
        XCTAssertThrowsError(try read(path), what, line: line) { error in
            XCTAssertTrue(error is WeightsError, "\(what): \(error)", line: line)
            XCTAssertTrue("\(error)".contains(expected), "\(what): \(error)", line: line)
            XCTAssertTrue("\(error)".hasPrefix(path), "\(what): \(error)", line: line)
        }
    }

    /// The folder of larger files that do not ship with the project; the test is skipped where it is not given.
    func corpus() throws -> String {
        guard let folder = ProcessInfo.processInfo.environment["CYCLEGAN_STYLED_CORPUS"] else {
            throw XCTSkip("CYCLEGAN_STYLED_CORPUS is not set")
        }
        return folder
    }

    /// A file under Tests/WeightsTests/files.
    func testFile(_ name: String) throws -> String {
        try XCTUnwrap(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "files")).path
    }
}
