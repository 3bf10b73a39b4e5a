import Synchronization

/// The places where a crash test ends the process, one for each step that changes what is on the disk, or lets it fail.
package enum FailurePoint: String, CaseIterable, Sendable {
    case recorded, claimed, decoded, translated, encoded
    case temporaryMade, temporaryWritten, publicationRecorded, decided, published, styledRecorded
    case originalCopied, originalMoved, disposalRecorded
    /// `decided` is reached where services share a spool.
    case failureRecorded, reasonWritten, failedMoved
    /// Of a run of training: its directory is there, the ledger knows it, its process works; the gate has decided, the
    /// new model has its place, the ledger knows of both, the directory is cleared.
    case runPlanned, runRecorded, runStarted, runDecided, modelPlaced, modelRecorded, runCleared

    /// Called at every point that is reached; set by tests only, before the service starts.
    package static func install(_ handler: @escaping @Sendable (FailurePoint) throws -> Void) {
        installed.withLock { $0 = handler }
    }

    private static let installed = Mutex<(@Sendable (FailurePoint) throws -> Void)?>(nil)

    package static func reached(_ point: FailurePoint) throws {
        try installed.withLock { $0 }?(point)
    }
}
