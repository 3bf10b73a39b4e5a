import Foundation
import LinuxFiles

/// Who holds a lease.
package struct LeaseOwner: Codable, Hashable, Sendable {
    /// The same for every run of one service.
    package var service: String
    /// Another one for each of its runs.
    package var run: String
    package var process: ProcessIdentity

    package init(service: String, run: String, process: ProcessIdentity) {
        (self.service, self.run, self.process) = (service, run, process)
    }
}

/// What the file of a lease, or of a decision, says.
package struct LeaseRecord: Codable, Hashable, Sendable {
    package var owner: LeaseOwner
    /// Another one for each claim.
    package var token: String
    /// What is leased and, later, what was decided: as the owner put it.
    package var text: String
}

extension LeaseRecord {
    /// A record is as long as this from its first moment, so that no later text of usual length needs room on a disk
    /// that is full by then. Bytes.
    private static let room = 8192

    /// The file's content: JSON, and blanks to a multiple of `room`.
    var bytes: [UInt8] {
        get throws {
            let text = try JSONEncoder().encode(self)
            let length = (text.count + Self.room) / Self.room * Self.room
            return Array(text) + [UInt8](repeating: UInt8(ascii: " "), count: length - text.count - 1) + [10]
        }
    }

    /// nil for a file that is not, or not yet, a whole record.
    init?(_ bytes: [UInt8]) {
        guard let end = bytes.lastIndex(of: UInt8(ascii: "}")),
            let record = try? JSONDecoder().decode(LeaseRecord.self, from: Data(bytes[...end]))
        else { return nil }
        self = record
    }

    /// Of a file that is open.
    /// - Throws: `SystemError`.
    init?(_ file: borrowing Descriptor) throws {
        // Nobody's record is as long as that.
        self.init(try file.readAll(limit: 1 << 20))
    }
}

/// A lease that this process has taken.
package struct Lease: Hashable, Sendable {
    package let key: String
    /// Grows with each taking over.
    let generation: Int
    /// Another one for each claim: for names of files that belong to it.
    package let token: String
    /// Of its file.
    package let inode: UInt64
    /// What those had written from whom it was taken over.
    package let replaced: [LeaseRecord]
}

/// What became of a wish to have a lease.
package enum LeaseOutcome: Sendable {
    case taken(Lease)
    /// Another has it; nil where that one has only just come.
    case elsewhere(LeaseOwner?)
}

/// Another has taken the lease over, since it was not renewed.
package struct LeaseLost: Error, Sendable, CustomStringConvertible {
    package let key: String

    package init(key: String) { self.key = key }

    package var description: String { "another service has taken it over, since its lease was not renewed in time" }
}

/// Something that was decided once and for all.
package struct Decision: Sendable {
    package var key: String
    package var record: LeaseRecord
    /// Of its file, which was the lease's.
    package var inode: UInt64
}

/// A lease of somebody else's.
package struct ForeignLease: Sendable {
    package var key: String
    /// nil where its file is not written yet, or never was.
    package var record: LeaseRecord?
    /// Whether it may be taken over.
    package var isExpired: Bool
}
