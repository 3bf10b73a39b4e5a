import CInotify

/// What a picture carries about the photo that it was made from, in an extended attribute, where the file system has such. If the
/// ledger is lost while the photo still lies in its inbox, this tells that it is done. Copies made with cp do not carry it.
struct SourceMark: Equatable {
    static let attribute = "user.cyclegan-styled.source"
    private static let version = "1"

    var inode: UInt64
    /// Bytes, and nanoseconds since 1970.
    var size: Int64, modified: Int64
    /// SHA-256 of the photo and of the model's file.
    var hash: [UInt8], modelHash: [UInt8]
    var settings: String

    init(_ photo: FileIdentity, hash: [UInt8], modelHash: [UInt8], settings: String) {
        (inode, size, modified) = (photo.inode, photo.size, photo.modified)
        (self.hash, self.modelHash, self.settings) = (hash, modelHash, settings)
    }

    /// Whether the photo was this file. Its device does not count: that number may be another after a restart of the machine.
    func isOf(_ file: FileIdentity) -> Bool { inode == file.inode && size == file.size && modified == file.modified }

    /// Reads what `text` says; nil for anything else.
    init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 6).map(String.init)
        guard parts.count == 7, parts[0] == Self.version, let inode = UInt64(parts[1]), let size = Int64(parts[2]),
            let modified = Int64(parts[3]), let hash = bytes(hexadecimal: parts[4]), let modelHash = bytes(hexadecimal: parts[5])
        else { return nil }
        (self.inode, self.size, self.modified, self.hash, self.modelHash, settings) = (inode, size, modified, hash, modelHash, parts[6])
    }

    var text: String { "\(Self.version) \(inode) \(size) \(modified) \(hexadecimal(hash)) \(hexadecimal(modelHash)) \(settings)" }

    /// Leaves a file without the mark where its file system has no attributes: nothing but the rebuilding of a lost ledger needs it.
    func write(to descriptor: CInt) {
        let value = Array(text.utf8)
        _ = CInotify_setAttribute(descriptor, Self.attribute, value, value.count)
    }

    static func read(_ path: BytePath) -> SourceMark? {
        var value = [UInt8](repeating: 0, count: 4096)
        let count = path.withCString { CInotify_attribute($0, attribute, &value, value.count) }
        return count < 0 ? nil : SourceMark(text: String(decoding: value[..<count], as: UTF8.self))
    }
}

/// The bytes that hexadecimal digits stand for.
private func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) }
    return bytes.contains(nil) ? nil : bytes.compactMap(\.self)
}
