import Synchronization

/// The places where a crash test ends the process, one for each step that changes what is on the disk, or lets it fail.
@_spi(Testing)
public enum FailurePoint: String, CaseIterable, Sendable {
    case recorded, claimed, decoded, translated, encoded
    case temporaryMade, temporaryWritten, publicationRecorded, published, styledRecorded
    case originalCopied, originalMoved, disposalRecorded
    case failureRecorded, reasonWritten, failedMoved

    /// Called at every point that is reached; set by tests only, before the service starts.
    public static func install(_ handler: @escaping @Sendable (FailurePoint) throws -> Void) {
        installed.withLock { $0 = handler }
    }

    private static let installed = Mutex<(@Sendable (FailurePoint) throws -> Void)?>(nil)

    static func reached(_ point: FailurePoint) throws {
        try installed.withLock { $0 }?(point)
    }
}
