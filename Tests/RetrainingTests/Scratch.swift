import Foundation
import LinuxFiles

/// A folder for this run of the tests.
enum Scratch {
    static let folder: String = {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("retraining-\(UUID().uuidString)").path
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: Scratch.folder) }
        return path
    }()

    static func directory() throws -> BytePath {
        let path = "\(folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return BytePath(path)
    }
}
