import DirectoryWatching
import Foundation
import GRDB

/// Where a photo stands on its way.
public enum PhotoState: String, CaseIterable, Sendable, Codable {
    /// Noticed in an inbox, and written until a moment ago. These two are the watcher's and live in its memory: a restart looks again.
    case seen, settling
    /// Complete, waiting for its turn.
    case ready
    /// In work.
    case claimed
    /// Its picture is published.
    case styled
    /// Could not be done for a reason that may pass; tried again later.
    case deferred
    /// Cannot be done; the reason says why.
    case failed
    /// The service died with it three times; it is not tried again by itself.
    case quarantined
}

/// What became of the original.
public enum Disposal: String, Sendable {
    /// Still in the inbox and to be moved.
    case pending
    case archived, deleted, kept
    /// In the failed directory, with its reason.
    case setAside
    /// Moved from the failed directory back into the inbox, where it counts as a new photo.
    case broughtBack
    /// Gone from the inbox, or replaced there, before the service could move it.
    case gone
}

/// A file that was complete in an inbox.
public struct InboxFile: Sendable, Hashable {
    public var inbox: String
    /// Below the inbox.
    public var path: BytePath
    public var identity: FileIdentity

    public init(inbox: String, path: BytePath, identity: FileIdentity) {
        self.inbox = inbox
        self.path = path
        self.identity = identity
    }
}

/// One photo's row in the ledger. Times are milliseconds since 1970.
public struct LedgerEntry: Sendable {
    public let id: Int64
    public let file: InboxFile
    public let state: PhotoState
    public let disposal: Disposal?
    public let attempts: Int
    /// How often the service died while this photo alone was in work.
    public let deaths: Int
    /// Whether the service died with it and others in work, so that it is tried by itself.
    public let isSuspect: Bool
    public let reason: String?
    public let hash: [UInt8]?
    public let settings: String?
    public let model: String?
    public let modelHash: [UInt8]?
    public let recorded: Int64
    public let claimed: Int64?
    public let finished: Int64?
    public let nextTry: Int64
    public let temporary: BytePath?
    public let output: BytePath?
    public let outputIdentity: FileIdentity?
    /// Where the original is now, if it was moved.
    public let destination: BytePath?
    /// Seconds from claim to publication.
    public let seconds: Double?
}

extension LedgerEntry: FetchableRecord {
    public init(row: Row) {
        func path(_ column: String) -> BytePath? { (row[column] as Data?).map { BytePath(bytes: Array($0)) } }
        func identity(_ prefix: String) -> FileIdentity? {
            guard let inode: Int64 = row[prefix + "inode"] else { return nil }
            return FileIdentity(
                device: UInt64(bitPattern: row[prefix + "device"]), inode: UInt64(bitPattern: inode), size: row[prefix + "size"],
                modified: row[prefix + "modified"], changed: 0)
        }
        id = row["id"]
        file = InboxFile(inbox: row["inbox"], path: path("path")!, identity: identity("")!)
        state = PhotoState(rawValue: row["state"])!
        disposal = (row["disposal"] as String?).flatMap(Disposal.init)
        attempts = row["attempts"]
        deaths = row["deaths"]
        isSuspect = row["suspect"]
        reason = row["reason"]
        hash = (row["sha256"] as Data?).map(Array.init)
        settings = row["settings"]
        model = row["model"]
        modelHash = (row["model_sha256"] as Data?).map(Array.init)
        recorded = row["recorded"]
        claimed = row["claimed"]
        finished = row["finished"]
        nextTry = row["next_try"]
        temporary = path("temporary")
        output = path("output")
        outputIdentity = identity("output_")
        destination = path("destination")
        seconds = row["seconds"]
    }
}

extension BytePath {
    /// As the ledger stores it: a blob, since names are bytes.
    var blob: Data { Data(bytes) }
}
