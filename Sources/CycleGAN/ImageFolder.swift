import Digests
import LinuxFiles
import Photos

/// The photos of a folder and its subfolders, sorted by their names' bytes. Only names are held: a hundred
/// thousand take a few megabytes.
package struct ImageFolder: Sendable {
    package let path: String
    /// Relative to the folder, in the file system's bytes.
    package private(set) var names: [[UInt8]] = []
    /// Folders that could not be opened, with the reason.
    package private(set) var unreadable: [String] = []
    /// Folders that were passed over because their images are no photos of a person's: those of runs, and of the other
    /// domain.
    package private(set) var passedOver: [String] = []
    private var excluded: [FileIdentity] = []

    private static let extensions = Set(PhotoFormat.allCases.flatMap(\.fileExtensions))

    /// - Parameter excluded: folders that are passed over where they lie in this one, by whatever name.
    /// - Throws: `TrainingError` where the folder cannot be read or has no image.
    package init(_ path: String, excluding excluded: [String] = []) throws {
        self.path = path
        self.excluded = excluded.compactMap { try? Files.identity(ofTarget: BytePath($0)) }
        do { try list([]) } catch let error as SystemError {
            throw TrainingError("\(path) cannot be read: \(error.reason)")
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        guard !names.isEmpty else {
            throw TrainingError(
                "\(path) has no image; put files there that end in " + Self.extensions.sorted().joined(separator: ", "))
        }
    }

    /// The files given, of a folder.
    init(path: String, names: [[UInt8]]) { (self.path, self.names) = (path, names) }

    /// Hidden files are left out, what desktops and storage devices keep for themselves (thumbnails, waste baskets),
    /// and links to folders: they may lead in circles.
    /// - Parameter prefix: the subfolder to list, with a slash behind it; empty for the folder itself.
    private mutating func list(_ prefix: [UInt8]) throws {
        let folder = try Descriptor.directory(file(prefix), followingLinks: prefix.isEmpty)
        if !prefix.isEmpty, try isPassedOver(folder) {
            passedOver.append("\(path)/\(Self.text(prefix.dropLast()))")
            return
        }
        for entry in try folder.entries() {
            guard entry.name.first != UInt8(ascii: "."), FurnitureNames.pattern(matching: entry.name) == nil else {
                continue
            }
            let whole = prefix + entry.name
            if entry.isDirectory {
                do { try list(whole + [UInt8(ascii: "/")]) } catch let error as SystemError {
                    unreadable.append("\(path)/\(Self.text(whole)): \(error.reason)")
                }
            } else if let dot = entry.name.lastIndex(of: UInt8(ascii: ".")),
                Self.extensions.contains(Self.text(entry.name[(dot + 1)...]).lowercased())
            {
                names.append(whole)
            }
        }
    }

    /// A run's sample sheets and charts would become training images.
    private func isPassedOver(_ folder: borrowing Descriptor) throws -> Bool {
        let identity = try folder.identity()
        return excluded.contains(where: identity.isSameFile)
            || (try? folder.status(of: Array(TrainingConfiguration.fileName.utf8))) != nil
    }

    /// For messages.
    package func name(_ index: Int) -> String { Self.text(names[index]) }

    /// The image with an index in `names`. Throws `PhotoError`.
    /// - Parameter colour: without a conversion the pixels are as they are stored, which is what other tools compare.
    package func photo(_ index: Int, colour: ColourConversion = .sRGB) throws -> Photo {
        try Self.photo(file(names[index]), colour)
    }

    /// A file by its path: as in `names`, or absolute.
    func photo(named name: String) throws -> Photo {
        try Self.photo(BytePath(path).resolving(BytePath(name)))
    }

    /// As in `names`, of an image that a data order names.
    func relativeName(_ image: TrainingPair.Image) -> [UInt8]? {
        guard case .named(let name) = image else { return nil }
        return Array((name.hasPrefix(path + "/") ? String(name.dropFirst(path.count + 1)) : name).utf8)
    }

    private static func photo(_ path: BytePath, _ colour: ColourConversion = .sRGB) throws -> Photo {
        let file: Descriptor
        do { file = try Descriptor.forReading(path, followingLinks: true) } catch let error as SystemError {
            throw PhotoError(kind: .io(error.code), reason: "it cannot be opened: \(error.reason)")
        }
        return try PhotoDecoder.decode(fileDescriptor: file.raw, colour: colour)
    }

    /// Of all names: another value means other files.
    package var fingerprint: String {
        String(FNV1a.hash(names.lazy.flatMap { $0 + [0] }), radix: 16)
    }

    private func file(_ name: [UInt8]) -> BytePath { BytePath(path).appending(name) }

    private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Two parts of a folder: without the chosen files, and those alone.
    func divided(_ chosen: [Int]) -> (rest: ImageFolder, chosen: ImageFolder) {
        let set = Set(chosen)
        return (
            ImageFolder(path: path, names: names.indices.filter { !set.contains($0) }.map { names[$0] }),
            ImageFolder(path: path, names: chosen.map { names[$0] })
        )
    }
}
