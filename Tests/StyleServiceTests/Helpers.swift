import Digests
import Foundation
import Glibc
import LinuxFiles
import Logging
import Photos
import ServiceConfiguration
import StyleModels
import XCTest

@testable import StyleService

/// A directory of a test's own, removed with it.
class DirectoryTestCase: XCTestCase {
    private(set) var directory = BytePath("")

    override func setUpWithError() throws {
        try super.setUpWithError()
        var template = Array("/tmp/style-service-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(errno, "make a directory") }
        directory = Files.resolved(BytePath(String(cString: made)))
    }

    override func tearDownWithError() throws {
        try? FileManager.default.removeItem(atPath: directory.description)
        try super.tearDownWithError()
    }

    func write(_ text: String, _ name: String) throws -> BytePath { try write(Array(text.utf8), BytePath(name)) }

    @discardableResult
    func write(_ bytes: [UInt8], _ name: BytePath) throws -> BytePath {
        let path = directory.resolving(name)
        try Files.makeDirectory(path.parent)
        try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644).write(bytes)
        return path
    }

    func text(_ path: BytePath) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }

    /// Every file below a directory, by its path there, in order.
    func files(_ name: String) -> [String] {
        let root = directory.appending(name)
        var found: [String] = []
        Files.walk(root) { path, _ in found.append(path.relative(to: root)!.description) }
        return found.sorted()
    }

    /// A configuration whose spool and state lie in the test's directory.
    func configuration(_ lines: String = "") throws -> ServiceConfiguration.Configuration {
        try ServiceConfiguration.Configuration.parse(
            "spool: \(directory)/spool\nstate: \(directory)/state\nsettle: 0s\n\(lines)")
    }

    func waitUntil(
        _ what: String, seconds: Double = 60, file: StaticString = #filePath, line: UInt = #line,
        _ isTrue: () throws -> Bool
    ) throws {
        let deadline = Date() + seconds
        while try !isTrue() {
            guard Date() < deadline else { return XCTFail("waited in vain until \(what)", file: file, line: line) }
            usleep(20000)
        }
    }
}

/// What stands for a photo in these tests: a JPEG that consists of a comment, so that watchers find its end.
func photoBytes(_ content: String) -> [UInt8] {
    let comment = Array("photo:\(content)".utf8)
    return [0xFF, 0xD8, 0xFF, 0xFE, 0, UInt8(comment.count + 2)] + comment + [0xFF, 0xD9]
}

/// What `FakeTranslator` makes of it.
func pictureBytes(_ content: String) -> [UInt8] { Array("picture:\(content)".utf8) }

/// A translator whose every step can be made slow or made to fail.
final class FakeTranslator: PhotoTranslating, @unchecked Sendable {
    private let lock = NSLock()
    private var translations = 0
    var modelHash = SHA256.hash([1])
    var onDecode: (@Sendable (String) throws -> Void)?
    var onTranslate: (@Sendable (String, (Double) -> Bool) throws -> Void)?

    var translated: Int { lock.withLock { translations } }

    func model(for style: String) throws -> ModelIdentity {
        ModelIdentity(name: style, path: BytePath("/model"), hash: modelHash)
    }

    func decode(_ bytes: [UInt8], limits: DecodingLimits) throws -> Photo {
        guard let format = bytes.withUnsafeBytes(PhotoFormat.sniff) else {
            throw PhotoError(kind: .notAPhoto, reason: "the content is neither JPEG nor PNG")
        }
        let content = String(
            decoding: bytes.drop { $0 != UInt8(ascii: ":") }.dropFirst().prefix { $0 != 0xFF }, as: UTF8.self)
        try onDecode?(content)
        var metadata = PhotoMetadata()
        metadata.profile = content
        return Photo(width: 1, height: 1, pixels: [1, 2, 3], format: format, metadata: metadata)
    }

    func translate(
        _ photo: Photo, model: ModelIdentity, settings: PictureSettings, progress: @escaping @Sendable (Double) -> Bool
    ) throws -> Photo {
        try onTranslate?(photo.metadata.profile ?? "", progress)
        lock.withLock { translations += 1 }
        return photo
    }

    func encode(_ photo: Photo, options: EncodingOptions) throws -> [UInt8] {
        pictureBytes(photo.metadata.profile ?? "")
    }
}
