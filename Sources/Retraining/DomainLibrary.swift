import Digests
import Foundation
import LinuxFiles
import Photos

/// The images of one domain as training reads them: copies of the pixels, upright, in sRGB, no larger than training
/// looks at them, without any metadata, each under the SHA-256 of the file that it came from. The same file twice is
/// one image.
package struct DomainLibrary: Sendable {
    /// Pixels of the short side, at most: what the largest scale of the recipes takes.
    package static let side = 1024
    private static let suffix = ".jpg"

    package let directory: BytePath

    /// Makes the directory where it is missing. Throws `SystemError`.
    package init(_ directory: BytePath) throws {
        self.directory = directory
        try Files.makeDirectory(directory)
    }

    /// Removes what a killed process was writing. For the one that writes, while it does not.
    package func sweep() throws { try Self.sweep(directory) }

    /// Removes what a killed process was writing (`AtomicFile`).
    static func sweep(_ directory: BytePath) throws {
        for name in try Files.names(in: directory) where name.starts(with: Array(".writing-".utf8)) {
            try Files.unlinkIfPresent(directory.appending(name))
        }
    }

    package func path(of image: SHA256Digest) -> BytePath { directory.appending("\(image)\(Self.suffix)") }

    /// Takes an image in; where it is there already, nothing changes.
    /// - Returns: the content's digest, and whether it was new.
    /// - Throws: `PhotoError` where the file holds no picture, `SystemError`.
    @discardableResult
    package func add(_ file: [UInt8], limits: DecodingLimits = DecodingLimits()) throws -> (SHA256Digest, isNew: Bool) {
        let image = SHA256.hash(file), place = path(of: image)
        if try Files.statusIfPresent(of: place) != nil { return (image, false) }
        return try add(PhotoDecoder.decode(bytes: file, limits: limits), as: image)
    }

    /// Takes in an image that has been decoded already.
    /// - Parameter image: the digest of its file.
    @discardableResult
    package func add(_ photo: Photo, as image: SHA256Digest) throws -> (SHA256Digest, isNew: Bool) {
        let place = path(of: image)
        if try Files.statusIfPresent(of: place) != nil { return (image, false) }
        var copy = try Self.reduced(photo)
        (copy.metadata, copy.alpha, copy.warnings) = (PhotoMetadata(), nil, [])
        // Chroma at full resolution: half of it would teach the model its blocks.
        let options = EncodingOptions(format: .jpeg, quality: 95, subsampling: .yuv444, metadata: .none)
        let bytes = try PhotoEncoder.encode(copy, options: options)
        try AtomicFile.write(place, mode: 0o640) { append in try bytes.withUnsafeBytes { try append($0) } }
        return (image, true)
    }

    /// Forgets an image; one that is not there is forgotten already.
    package func remove(_ image: SHA256Digest) throws { try Files.unlinkIfPresent(path(of: image)) }

    package func images() throws -> Set<SHA256Digest> {
        Set(
            try Files.names(in: directory).compactMap { name in
                let text = String(decoding: name, as: UTF8.self)
                return text.hasSuffix(Self.suffix) ? SHA256Digest(hexadecimal: text.dropLast(Self.suffix.count)) : nil
            })
    }

    private static func reduced(_ photo: Photo) throws -> Photo {
        let short = min(photo.width, photo.height)
        guard short > side else { return photo }
        let factor = Double(side) / Double(short)
        func scaled(_ length: Int) -> Int { max(side, Int((Double(length) * factor).rounded())) }
        return try photo.resized(toWidth: scaled(photo.width), height: scaled(photo.height))
    }
}
