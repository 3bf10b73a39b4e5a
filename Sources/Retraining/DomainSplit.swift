import Digests

/// Which images of a domain are trained on, and which are kept aside for the gate.
///
/// The content's hash decides, so that it is chance, but the same on every run; and what was once decided for an image
/// stays, so that no picture that a model was trained on is ever in its examination.
package enum DomainSplit {
    package enum Side: String, Sendable, Codable {
        case training
        case heldOut = "held-out"
    }

    /// One in five is kept aside, and no fewer than this many where there are twice as many.
    package static let heldOutPart = 0.2, least = 5

    /// - Parameters:
    ///   - images: the contents of all images of the domain.
    ///   - decided: what earlier runs decided, also for images that are gone.
    /// - Returns: a side for each of `images`.
    package static func sides(
        of images: Set<SHA256Digest>, decided: [SHA256Digest: Side] = [:]
    ) -> [SHA256Digest: Side] {
        var sides = decided.filter { images.contains($0.key) }
        // In the order of their hashes, which is chance.
        let new = images.filter { sides[$0] == nil }.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        for image in new { sides[image] = place(of: image) < heldOutPart ? .heldOut : .training }
        var missing = min(least, images.count / 2) - sides.values.count { $0 == .heldOut }
        for image in new where missing > 0 && sides[image] == .training {
            sides[image] = .heldOut
            missing -= 1
        }
        return sides
    }

    /// 0 to 1, spread evenly over all contents.
    private static func place(of image: SHA256Digest) -> Double {
        let number = image.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Double(number) / 0x1p64
    }
}
