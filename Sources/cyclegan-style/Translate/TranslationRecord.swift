import Foundation
import Glibc
import LinuxFiles
import ServiceControl

/// What became of a photo: a line for people, and a line of JSON.
struct TranslationRecord: Encodable {
    enum Result: String, Encodable { case translated, skipped, failed, planned }

    var photo: PhotoSource
    var result: Result
    var picture: BytePath?
    /// Why it was skipped or failed.
    var reason: String?
    var warnings: [String] = []
    var width, height: Int?
    var seconds: Double?
    var model: String?
    var shard: Shard?

    private enum CodingKeys: String, CodingKey {
        case photo, result, picture, reason, warnings, width, height, seconds, model, shard
        case photoBytes = "photo-bytes", pictureBytes = "picture-bytes"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        let photoName = FileName(photo.path)
        try values.encode(photoName.path, forKey: .photo)
        try values.encodeIfPresent(photoName.bytes, forKey: .photoBytes)
        try values.encode(result, forKey: .result)
        if let name = picture.map(FileName.init) {
            try values.encode(name.path, forKey: .picture)
            try values.encodeIfPresent(name.bytes, forKey: .pictureBytes)
        }
        try values.encodeIfPresent(reason, forKey: .reason)
        if !warnings.isEmpty { try values.encode(warnings, forKey: .warnings) }
        try values.encodeIfPresent(width, forKey: .width)
        try values.encodeIfPresent(height, forKey: .height)
        try values.encodeIfPresent(seconds.map { ($0 * 1000).rounded() / 1000 }, forKey: .seconds)
        try values.encodeIfPresent(model, forKey: .model)
        try values.encodeIfPresent(shard?.description, forKey: .shard)
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// For people; a failure is told on standard error instead.
    var line: String? {
        switch result {
        case .translated, .planned: "\(photo.label) -> \(picture.map(\.description) ?? "-")"
        case .skipped: "\(photo.label): \(reason ?? "skipped")"
        case .failed: nil
        }
    }
}

/// `--report`: a line of JSON for each photo, appended with one write each, so that tasks may share a file and one that
/// begins anew goes on with it.
final class ReportFile {
    private let file: Descriptor
    private let path: BytePath

    /// - Throws: `OutputError`
    init(_ path: BytePath) throws {
        self.path = path
        do {
            file = try Descriptor.open(path, flags: O_RDWR | O_APPEND | O_CREAT | O_NOCTTY)
            // A task that was killed may have left half a line.
            let size = Int(try file.status().st_size)
            var last: UInt8 = 0
            if size > 0, try withUnsafeMutableBytes(of: &last, { try file.read(at: size - 1, into: $0) }) == 1,
                last != UInt8(ascii: "\n")
            {
                try file.write([UInt8(ascii: "\n")])
            }
        } catch let error as SystemError { throw OutputError(path, "cannot be written", error) }
    }

    func add(_ record: TranslationRecord) throws {
        do { try file.write(Array((record.json + "\n").utf8)) } catch let error as SystemError {
            throw OutputError(path, "cannot be written", error)
        }
    }
}
