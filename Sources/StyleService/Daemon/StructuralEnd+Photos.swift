import DirectoryWatching
import LinuxFiles
import Photos

extension StructuralEnd {
    /// The watchers' check: by the formats that photos are read from.
    @Sendable static func ofPhoto(_ file: borrowing Descriptor) throws -> StructuralEnd {
        switch try PhotoEnd.of(file) {
        case .present: .present
        case .missing: .missing
        case .unknownFormat: .unknownFormat
        }
    }
}
