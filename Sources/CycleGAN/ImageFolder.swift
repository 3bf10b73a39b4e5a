import Glibc
import Photos

/// The JPEG and PNG files of a folder and its subfolders, sorted by their names' bytes. Only names are held: a hundred
/// thousand take a few megabytes.
public struct ImageFolder: Sendable {
    public let path: String
    /// Relative to the folder, in the file system's bytes.
    public private(set) var names: [[UInt8]] = []
    /// Folders that could not be opened, with the reason.
    public private(set) var unreadable: [String] = []

    private static let extensions = Set(PhotoFormat.allCases.flatMap(\.fileExtensions))

    /// Throws `TrainingError` where the folder cannot be read or has no image.
    public init(_ path: String) throws {
        self.path = path
        guard let root = opendir(path) else {
            throw TrainingError("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        list(root, prefix: [])
        names.sort { $0.lexicographicallyPrecedes($1) }
        guard !names.isEmpty else {
            throw TrainingError("\(path) has no image; put files there that end in " + Self.extensions.sorted().joined(separator: ", "))
        }
    }

    /// The files given, of a folder.
    init(path: String, names: [[UInt8]]) { (self.path, self.names) = (path, names) }

    /// Hidden files are left out, and links to folders: they may lead in circles.
    private mutating func list(_ directory: OpaquePointer, prefix: [UInt8]) {
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard name.first != UInt8(ascii: ".") else { continue }
            let whole = prefix + name
            var isFolder = entry.pointee.d_type == DT_DIR
            if entry.pointee.d_type == DT_UNKNOWN {
                var status = stat()
                isFolder = lstat(Self.cString(path, whole), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            }
            if isFolder {
                guard let inner = opendir(Self.cString(path, whole)) else {
                    unreadable.append("\(path)/\(Self.text(whole)): \(String(cString: strerror(errno)))")
                    continue
                }
                list(inner, prefix: whole + [UInt8(ascii: "/")])
            } else if let dot = name.lastIndex(of: UInt8(ascii: ".")),
                Self.extensions.contains(Self.text(name[(dot + 1)...]).lowercased())
            {
                names.append(whole)
            }
        }
    }

    /// For messages.
    public func name(_ index: Int) -> String { Self.text(names[index]) }

    /// The image with an index in `names`. Throws `PhotoError`.
    public func photo(_ index: Int) throws -> Photo { try Self.photo(Self.cString(path, names[index])) }

    /// A file by its path: as in `names`, or absolute.
    func photo(named name: String) throws -> Photo {
        try Self.photo(name.hasPrefix("/") ? name.utf8CString.map { $0 } : Self.cString(path, Array(name.utf8)))
    }

    /// As in `names`, of an image that a data order names.
    func relativeName(_ image: TrainingPair.Image) -> [UInt8]? {
        guard case .named(let name) = image else { return nil }
        return Array((name.hasPrefix(path + "/") ? String(name.dropFirst(path.count + 1)) : name).utf8)
    }

    private static func photo(_ path: [CChar]) throws -> Photo {
        // Without O_NONBLOCK the opening of a FIFO waits for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw PhotoError(kind: .io, reason: "it cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        return try PhotoDecoder.decode(fileDescriptor: descriptor)
    }

    /// Of all names: another value means other files.
    public var fingerprint: String {
        String(SeededGenerator.fingerprint(names.lazy.flatMap { $0 + [0] }), radix: 16)
    }

    private static func cString(_ folder: String, _ name: [UInt8]) -> [CChar] {
        (Array(folder.utf8) + [UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
    }

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
