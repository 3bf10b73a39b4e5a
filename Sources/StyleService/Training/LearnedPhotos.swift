import Digests
import Foundation
import LinuxFiles
import Logging
import Photos
import Retraining
import ServiceConfiguration
import Synchronization

/// A sample of the photos that go through inboxes, for the styles that learn from them: pixels at training's size, with
/// no name and no metadata.
///
/// The sample is the photos with the smallest ranks, and a rank is chance that the content decides: whatever order
/// photos come in, each has the same chance, and the same photo again changes nothing.
final class LearnedPhotos: Sendable {
    /// Photos that a style keeps of all its inboxes, at most.
    private let most: Int

    private let ledger: Ledger
    private let logger: Logger
    /// The largest rank in a style's full sample: what lies above it is not looked at.
    private let limits = Mutex<[String: UInt64]>([:])

    private let keeping: DomainGuard

    init(ledger: Ledger, keeping: DomainGuard, logger: Logger, most: Int = 500) {
        (self.ledger, self.keeping, self.logger, self.most) = (ledger, keeping, logger, most)
    }

    /// Not what decides an image's side (`DomainSplit`): that looks at the first bytes.
    static func rank(_ image: SHA256Digest) -> UInt64 { image.bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// A photo of an inbox was decoded.
    func add(_ photo: Photo, _ image: SHA256Digest, inbox: String, _ configuration: Configuration) {
        for style in configuration.styles where style.learnFrom.contains(inbox) {
            if let limit = limits.withLock({ $0[style.key] }), Self.rank(image) >= limit { continue }
            do { try keeping.during { try add(photo, image, inbox, style, configuration) } } catch {
                logger.warning("style \(style.key): a photo of the inbox \(inbox) is not learnt from: \(error)")
            }
        }
    }

    private func add(
        _ photo: Photo, _ image: SHA256Digest, _ inbox: String, _ style: StyleConfiguration,
        _ configuration: Configuration
    ) throws {
        let key = DomainKey(style.key, .photos)
        let library = try DomainLibrary(configuration.library(style.key, .photos))
        var sample = try style.learnFrom.flatMap { inbox in
            try ledger.domainFiles(key, .inbox(inbox)).map { (inbox, $0.path, $0.image) }
        }
        if sample.contains(where: { $0.2 == image }) { return }
        // The content is all that is known of it: its name is nobody's business.
        let name = BytePath("\(image)"), nothing = FileIdentity(device: 0, inode: 0, size: 0, modified: 0, changed: 0)
        if sample.count < most || sample.contains(where: { Self.rank($0.2) > Self.rank(image) }) {
            try library.add(photo, as: image)
            _ = try ledger.addDomainFile(key, .inbox(inbox), name, nothing, image)
            sample.append((inbox, name, image))
        }
        sample.sort { Self.rank($0.2) < Self.rank($1.2) }
        for (inbox, path, _) in sample.dropFirst(most) {
            for gone in try ledger.removeDomainFiles(key, .inbox(inbox), [path]) { try library.remove(gone) }
        }
        if sample.count >= most { limits.withLock { $0[style.key] = Self.rank(sample[most - 1].2) } }
    }

    /// The samples may have become smaller.
    func reset() { limits.withLock { $0 = [:] } }
}
