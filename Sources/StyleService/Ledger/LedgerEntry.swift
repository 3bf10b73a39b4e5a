import Digests
import DirectoryWatching
import Foundation
import GRDB
import LinuxFiles
import Publishing

/// Where a photo stands on its way.
package enum PhotoState: String, CaseIterable, Sendable, Codable {
    /// Noticed in an inbox, and written until a moment ago. These two are the watcher's and live in its memory: a
    /// restart looks again.
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
package enum Disposal: String, Sendable {
    /// Still in the inbox and to be moved.
    case pending
    case archived, deleted, kept
    /// In the failed directory, with its reason.
    case setAside
    /// Moved from the failed directory back into the inbox, where it counts as a new photo.
    case broughtBack
    /// No photo, in an inbox whose files stay: left where it is, and no failure.
    case passedOver
    /// Gone from the inbox, or replaced there, before the service could move it.
    case gone
}

/// A file that was complete in an inbox.
package struct InboxFile: Sendable, Hashable {
    package var inbox: String
    /// Below the inbox.
    package var path: BytePath
    package var identity: FileIdentity

    package init(inbox: String, path: BytePath, identity: FileIdentity) {
        self.inbox = inbox
        self.path = path
        self.identity = identity
    }
}

/// One photo's row in the ledger. Times are milliseconds since 1970.
package struct LedgerEntry: Sendable {
    package let id: Int64
    package let file: InboxFile
    package let state: PhotoState
    package let disposal: Disposal?
    package let attempts: Int
    /// How often the service died while this photo alone was in work.
    package let deaths: Int
    /// Whether the service died with it and others in work, so that it is tried by itself.
    package let isSuspect: Bool
    package let reason: String?
    package let hash: SHA256Digest?
    package let settings: String?
    package let model: String?
    package let modelHash: SHA256Digest?
    package let recorded: LedgerTime
    package let claimed: LedgerTime?
    package let finished: LedgerTime?
    package let nextTry: LedgerTime
    package let temporary: BytePath?
    package let output: BytePath?
    package let outputIdentity: FileIdentity?
    /// Where the original is now, if it was moved.
    package let destination: BytePath?
    /// Seconds from claim to publication.
    package let seconds: Double?
    /// Why the original cannot be moved at present.
    package let stays: String?
    /// Whether it is made anew, on somebody's wish, whatever was made of the same bytes before.
    package let isAnew: Bool
    /// Where the original lies, if it is made anew and no longer in its inbox.
    package let source: BytePath?
    /// What it is made with in place of the inbox's style and strength.
    package let ownStyle: String?
    package let ownStrength: Double?
    /// The machine of the service that has done it, where that is another one.
    package let elsewhere: String?
}

extension LedgerEntry: FetchableRecord {
    package init(row: Row) {
        func path(_ column: String) -> BytePath? { (row[column] as Data?).map { BytePath(bytes: Array($0)) } }
        func identity(_ prefix: String) -> FileIdentity? {
            guard let inode: Int64 = row[prefix + "inode"] else { return nil }
            return FileIdentity(
                device: UInt64(bitPattern: row[prefix + "device"]), inode: UInt64(bitPattern: inode),
                size: row[prefix + "size"],
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
        hash = (row["sha256"] as Data?).flatMap { SHA256Digest($0) }
        settings = row["settings"]
        model = row["model"]
        modelHash = (row["model_sha256"] as Data?).flatMap { SHA256Digest($0) }
        recorded = row["recorded"]
        claimed = row["claimed"]
        finished = row["finished"]
        nextTry = row["next_try"]
        temporary = path("temporary")
        output = path("output")
        outputIdentity = identity("output_")
        destination = path("destination")
        seconds = row["seconds"]
        stays = row["stays"]
        isAnew = row["anew"]
        source = path("source")
        ownStyle = row["own_style"]
        ownStrength = row["own_strength"]
        elsewhere = row["elsewhere"]
    }
}

extension BytePath {
    /// As the ledger stores it: a blob, since names are bytes.
    var blob: Data { Data(bytes) }
}
