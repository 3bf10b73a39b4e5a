import Digests
import LinuxFiles

/// What a picture carries about the photo that it was made from, in an extended attribute, where the file system has
/// such. If the ledger is lost while the photo still lies in its inbox, this tells that it is done. Copies made with cp
/// do not carry it.
package struct SourceMark: Equatable {
    package static let attribute = "user.cyclegan-styled.source"
    private static let version = "1"

    package var inode: UInt64
    /// Bytes, and nanoseconds since 1970.
    package var size: Int64, modified: Int64
    /// SHA-256 of the photo and of the model's file.
    package var hash: SHA256Digest, modelHash: SHA256Digest
    package var settings: String

    package init(_ photo: FileIdentity, hash: SHA256Digest, modelHash: SHA256Digest, settings: String) {
        (inode, size, modified) = (photo.inode, photo.size, photo.modified)
        (self.hash, self.modelHash, self.settings) = (hash, modelHash, settings)
    }

    /// Whether the photo was this file. Its device does not count: that number may be another after a restart of the
    /// machine.
    package func isOf(_ file: FileIdentity) -> Bool {
        inode == file.inode && size == file.size && modified == file.modified
    }

    /// Reads what `text` says; nil for anything else.
    package init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 6).map(String.init)
        guard parts.count == 7, parts[0] == Self.version, let inode = UInt64(parts[1]), let size = Int64(parts[2]),
            let modified = Int64(parts[3]), let hash = SHA256Digest(hexadecimal: parts[4]),
            let modelHash = SHA256Digest(hexadecimal: parts[5])
        else { return nil }
        (self.inode, self.size, self.modified, self.hash, self.modelHash, settings) = (
            inode, size, modified, hash, modelHash, parts[6]
        )
    }

    package var text: String { "\(Self.version) \(inode) \(size) \(modified) \(hash) \(modelHash) \(settings)" }

    /// Leaves a file without the mark where its file system has no attributes: nothing but the rebuilding of a lost
    /// ledger needs it.
    package func write(to file: borrowing Descriptor) {
        try? file.setAttribute(Self.attribute, Array(text.utf8))
    }

    package static func read(_ path: BytePath) -> SourceMark? {
        Files.attribute(attribute, of: path).flatMap { SourceMark(text: String(decoding: $0, as: UTF8.self)) }
    }
}
