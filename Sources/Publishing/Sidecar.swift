import LinuxFiles
import Photos

/// Files that lie beside photos and belong to them: develop settings, metadata, the RAW picture, the short film. They
/// are no photos, and stay in the inbox whatever becomes of the photo.
package enum Sidecar {
    /// Of files that are never anything but some photo's sidecar.
    private static let ownExtensions: Set<String> = [
        "xmp", "aae", "thm", "pp3", "dop", "nksc", "vrd", "on1", "cos", "arp", "lrv",
    ]

    private static let photoExtensions = PhotoFormat.allCases.flatMap(\.fileExtensions)

    /// What a file is a sidecar of, in words; nil where it is none.
    ///
    /// - Parameters:
    ///   - path: below the inbox.
    ///   - isKnown: whether there is, or was, a photo of that path.
    package static func reason(_ path: BytePath, isKnown: (BytePath) -> Bool) -> String? {
        guard let (stem, suffix) = split(path.name), !photoExtensions.contains(suffix) else { return nil }
        // beach.jpg.xmp names its photo, beach.xmp only the photo's stem.
        let names = [stem] + photoExtensions.flatMap { [stem + dotted($0), stem + dotted($0.uppercased())] }
        let hasPhotoName = split(stem).map { photoExtensions.contains($0.suffix) } ?? false
        for name in names.dropFirst(hasPhotoName ? 0 : 1) where isKnown(path.parent.appending(name)) {
            return "it belongs to the photo \(BytePath(bytes: name)) and stays where it is"
        }
        return ownExtensions.contains(suffix) ? "it describes a photo and stays where it is" : nil
    }

    private static func dotted(_ suffix: String) -> [UInt8] { Array(".\(suffix)".utf8) }

    private static func split(_ name: [UInt8]) -> (stem: [UInt8], suffix: String)? {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return nil }
        return (Array(name[..<dot]), Array(name[(dot + 1)...]).asciiLowercased)
    }
}
