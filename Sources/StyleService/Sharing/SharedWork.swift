import Digests
import Foundation
import Leases
import LinuxFiles
import Photos
import Publishing
import ServiceControl
import StyleModels

/// What the files of a shared spool's leases and decisions say about a photo. Paths are those below the inbox and the
/// outbox: where these lie may be another place on each machine.
struct SharedWork: Codable, Sendable {
    var inbox: String
    var file: FileName
    var inode: UInt64
    /// Bytes, and nanoseconds since 1970.
    var size: Int64, modified: Int64
    var decision: SharedDecision?

    init(_ file: InboxFile, decision: SharedDecision? = nil) {
        (inbox, self.file, self.decision) = (file.inbox, FileName(file.path), decision)
        (inode, size, modified) = (file.identity.inode, file.identity.size, file.identity.modified)
    }

    /// nil for what is none of this.
    init?(text: String) {
        guard let work = try? JSONDecoder().decode(SharedWork.self, from: Data(text.utf8)) else { return nil }
        self = work
    }

    var text: String {
        get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
    }

    /// The photo as it lies in the inbox, or as it lay there. Its device has a number of its own on each machine: that
    /// of the inbox, if the photo is gone.
    func photo(in directory: BytePath) -> InboxFile {
        let found = (try? Files.identity(of: directory.appending(file.bytePath))) ?? nil
        let device =
            found.flatMap { isOf($0) ? $0.device : nil } ?? (try? Files.identity(ofTarget: directory))?.device ?? 0
        return InboxFile(
            inbox: inbox, path: file.bytePath,
            identity: FileIdentity(device: device, inode: inode, size: size, modified: modified, changed: 0))
    }

    /// Whether this is about the photo of a row.
    func isAbout(_ entry: LedgerEntry) -> Bool {
        inbox == entry.file.inbox && file.bytePath == entry.file.path && isOf(entry.file.identity)
    }

    func isOf(_ found: FileIdentity) -> Bool {
        inode == found.inode && size == found.size && modified == found.modified
    }
}

/// What became of a photo.
struct SharedDecision: Codable, Sendable {
    /// `styled`, `failed` or `quarantined`.
    var state: String
    var reason: String?
    /// The picture's file, whole, under its temporary name; nil where it had its name before.
    var temporary: FileName?
    var pictureInode: UInt64?, pictureSize: Int64?, pictureModified: Int64?
    /// The name that it is about to get, or has, below the outbox.
    var picture: FileName?
    var sha256: String?, model: String?, modelSHA256: String?, settings: String?

    init(failed state: PhotoState, reason: String) {
        self.state = state.rawValue
        // Its file has room for so much, whatever the disk says.
        self.reason = String(reason.prefix(1500))
    }

    init(
        styled picture: BytePath, _ identity: FileIdentity?, temporary: BytePath?, hash: SHA256Digest,
        model: ModelIdentity, settings: String
    ) {
        state = PhotoState.styled.rawValue
        self.picture = FileName(picture)
        self.temporary = temporary.map { FileName($0) }
        (pictureInode, pictureSize, pictureModified) = (identity?.inode, identity?.size, identity?.modified)
        (sha256, self.model, modelSHA256) = (hash.description, model.name, model.hash.description)
        self.settings = settings
    }

    var photoState: PhotoState { PhotoState(rawValue: state) ?? .failed }
}

extension InboxFile {
    /// The same for all services that see this file in this state, and for no other. The first half stands for the
    /// path, so that what was decided about earlier states of it can be found.
    var leaseKey: String {
        let identity = identity
        return "\(pathKey)-\(Self.short("\(identity.inode) \(identity.size) \(identity.modified)".utf8))"
    }

    var pathKey: String { Self.short(Array(inbox.utf8) + [0] + path.bytes) }

    private static func short(_ bytes: some Collection<UInt8>) -> String {
        String(SHA256.hash(Array(bytes)).description.prefix(16))
    }
}

extension TemporaryFile {
    private static let leasePrefix = prefix + "lease-"

    /// The name of a picture's file that belongs to a lease.
    static func name(_ key: String, _ token: String) -> [UInt8] { Array("\(leasePrefix)\(key).\(token)\(suffix)".utf8) }

    /// The key of the lease that a name belongs to; nil where it is no such name.
    static func leaseKey(_ name: [UInt8]) -> String? {
        guard isTemporary(name), name.starts(with: leasePrefix.utf8) else { return nil }
        let rest = String(decoding: name.dropFirst(leasePrefix.utf8.count), as: UTF8.self)
        return rest.split(separator: ".").first.map(String.init)
    }
}
