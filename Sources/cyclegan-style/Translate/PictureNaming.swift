import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration

/// What pictures are called in an output directory.
///
/// `beach.jpg` becomes `beach.vangogh.jpg`. Where existing pictures are to be known again (`isFixed`), each photo of an
/// archive has one name of its own: of `beach.jpg` and `beach.heic`, both written as JPEG, the second becomes
/// `beach.heic.vangogh.jpg`.
struct PictureNaming {
    let label: String
    /// What pictures are written as; nil for the photos' own formats.
    let format: PhotoFormat?
    let isFixed: Bool
    /// Photos, by name, that would take another photo's.
    private var crowded: Set<BytePath> = []

    /// - Parameter photos: all of the archive, whichever shard they are in.
    init(_ photos: [PhotoSource], label: String, format: PhotoFormat?, isFixed: Bool) {
        (self.label, self.format, self.isFixed) = (label, format, isFixed)
        guard isFixed else { return }
        var owners: [BytePath: PhotoSource] = [:]
        for photo in photos {
            let place = photo.subdirectory.appending(plain(photo, expected(photo)).candidate(0))
            guard let owner = owners[place] else {
                owners[place] = photo
                continue
            }
            // The photo whose extension the picture has keeps the short name, in whichever order they come.
            let loser = keepsExtension(owner) ? photo : owner
            if loser == owner { owners[place] = photo }
            crowded.insert(loser.name)
        }
    }

    /// The name for the picture of a photo that is written in `format`.
    func name(of photo: PhotoSource, as written: PhotoFormat) -> OutputName {
        guard isFixed, crowded.contains(photo.name) || written != expected(photo) else { return plain(photo, written) }
        return OutputName(photo: photo.fileName, key: label, extensions: written.fileExtensions, photoExtensions: [])
    }

    /// A picture of the photo that is there already, in `directory`. Meant for names that are fixed.
    func existing(of photo: PhotoSource, in directory: BytePath) -> BytePath? {
        OutputFormat.written.lazy.filter { format == nil || $0 == format }
            .map { directory.appending(photo.subdirectory).appending(name(of: photo, as: $0).candidate(0)) }
            .first { (try? Files.statusIfPresent(of: $0)) ?? nil != nil }
    }

    private func plain(_ photo: PhotoSource, _ written: PhotoFormat) -> OutputName {
        OutputName(
            photo: photo.fileName, key: label, extensions: written.fileExtensions,
            photoExtensions: PhotoFormat.allCases.flatMap(\.fileExtensions))
    }

    /// By the photo's name alone: a list of a million is not opened.
    private func expected(_ photo: PhotoSource) -> PhotoFormat {
        format ?? OutputFormat.written.first { $0.fileExtensions.contains(Self.suffix(photo)) } ?? .jpeg
    }

    private func keepsExtension(_ photo: PhotoSource) -> Bool {
        expected(photo).fileExtensions.contains(Self.suffix(photo))
    }

    private static func suffix(_ photo: PhotoSource) -> String {
        guard let dot = photo.fileName.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        return String(decoding: photo.fileName[(dot + 1)...], as: UTF8.self).lowercased()
    }
}
