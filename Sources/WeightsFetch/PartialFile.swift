import Digests
import Foundation
import Glibc
import LinuxFiles
import Weights

/// What has arrived of a download, kept beside its destination as `NAME.part` so that the next attempt can go on from
/// there. Locked: two downloads to the same place would mix their bytes.
final class PartialFile {
    let path: String
    private let destination: String
    private let file: Descriptor

    /// - Throws: `WeightsError`, as everything here.
    init(destination: String) throws {
        self.destination = destination
        let path = destination + ".part"
        self.path = path
        file = try WeightsError.explaining(path, "cannot be opened") {
            try Descriptor.open(BytePath(path), flags: O_RDWR | O_CREAT, mode: 0o644)
        }
        guard try WeightsError.explaining(path, "cannot be locked", { try file.lock() }) else {
            throw WeightsError(path: path, "is being downloaded by another process already")
        }
    }

    /// At the end of the work: a finished session may keep this object for a moment longer.
    func unlock() { file.unlock() }

    var size: Int {
        get throws { try WeightsError.explaining(path, "cannot be examined") { Int(try file.status().st_size) } }
    }

    func truncate() throws {
        try WeightsError.explaining(path, "cannot be emptied") { try file.truncate() }
    }

    func append(_ data: Data, at offset: Int) throws {
        try WeightsError.explaining(path, "cannot be written; make room and run this again, it goes on from here") {
            try data.withUnsafeBytes { try file.write($0, at: offset) }
        }
    }

    func sha256() throws -> SHA256Digest { try Self.sha256(file, path) }

    /// Of any file; nil where there is none.
    static func sha256(ofFile path: String) throws -> SHA256Digest? {
        let file: Descriptor
        do { file = try Descriptor.open(BytePath(path), flags: O_RDONLY) } catch let error as SystemError {
            if error.code == ENOENT { return nil }
            throw WeightsError(path: path, "cannot be opened: \(error.reason)")
        }
        return try sha256(file, path)
    }

    private static func sha256(_ file: borrowing Descriptor, _ path: String) throws -> SHA256Digest {
        var hash = SHA256()
        do { try file.forEachPart { hash.update($0) } } catch let error as SystemError {
            throw WeightsError(path: path, "cannot be read: \(error.reason)")
        }
        return hash.finalize()
    }

    func publish() throws {
        try WeightsError.explaining(path, "cannot be written") { try file.synchronize() }
        try WeightsError.explaining(destination, "cannot be put in place") {
            try Files.rename(BytePath(path), to: BytePath(destination))
        }
    }

    func remove() { try? Files.unlink(BytePath(path)) }
}
