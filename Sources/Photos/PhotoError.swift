import CImageCodecs
import LinuxFiles

/// Why a photo could not be read or written.
package struct PhotoError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The content is of no format that is read.
        case notAPhoto
        /// A sound file of a kind that is not decoded, such as a lossless JPEG.
        case unsupported
        case corrupt
        /// The file ends before the image does.
        case truncated
        /// Whoever can raise the limit says how.
        case overLimit(DecodingLimits.Limit)
        case outOfMemory
        /// The operating system refused, with this error number.
        case io(CInt)
    }

    package let kind: Kind
    /// One sentence for the person who sent the photo.
    package let reason: String

    package var description: String { reason }

    package init(kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    init(_ error: SystemError) { self.init(kind: .io(error.code), reason: error.description) }

    /// - Parameter name: the format's.
    init(_ status: cic_status, name: String, message: String) {
        switch status {
        case CIC_TRUNCATED:
            self.init(kind: .truncated, reason: "the \(name) is cut off: \(message)")
        case CIC_UNSUPPORTED:
            self.init(kind: .unsupported, reason: "this kind of \(name) is not supported: \(message)")
        case CIC_NO_MEMORY:
            self.init(kind: .outOfMemory, reason: "memory is short for this \(name): \(message)")
        default:
            self.init(kind: .corrupt, reason: "the \(name) is damaged: \(message)")
        }
    }
}
