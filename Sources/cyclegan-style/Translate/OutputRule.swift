import Glibc
import LinuxFiles
import Photos
import ServiceConfiguration

/// Where `translate -o` puts pictures, decided and checked before the first pixel is computed.
enum OutputRule {
    /// `-`, a device or a pipe, or one file; in the format given.
    case file(OutputFile, format: PhotoFormat?)
    /// A directory, in which each picture has a name of its own.
    case directory(BytePath)

    /// The rule, for `translate --help`.
    static let help = """
        Where pictures go. -o DIR, or DIR/ to have the directory made: each picture gets the photo's name and the \
        style's, \
        beach.vangogh.jpg; a name that is taken gets a number, nothing is replaced. -o FILE: the picture of one photo \
        is \
        written there, in place of what is there. The extension decides the format (.jpg, .png) unless --format does; \
        another \
        one is refused. A symbolic link is followed, a file keeps its mode and owner, a device or a pipe is written \
        into, and \
        - is standard output, as it is standard input in place of a photo. The photo itself is overwritten with \
        --force only. \
        All of this is checked before anything is computed.
        """

    /// - Parameters:
    ///   - output: as given.
    ///   - photos: how many; nil where it may be any number (a list, a folder).
    ///   - format: as given; nil where it was not.
    ///   - isTried: nothing is made.
    /// - Throws: `OutputMisuse` where the options cannot be meant so, `OutputError` where the place cannot be written.
    init(_ output: BytePath, photos: Int?, format: OutputFormat?, isTried: Bool = false) throws {
        if output == "-" {
            try Self.requireOne(photos, "- (standard output)")
            self = .file(try OutputFile(standardOutput: ()), format: format?.photoFormat)
            return
        }
        if output.isEmpty { throw OutputMisuse("-o is empty; name a file or a directory.") }
        let status = try? Files.status(ofTarget: output)
        if let status, Files.isDirectory(status) {
            if !isTried { try Self.checkDirectory(output) }
            self = .directory(output)
        } else if output.bytes.last == UInt8(ascii: "/") {
            // With its slash, the kernel says of a file that it is no directory.
            if (try? Files.status(of: output.normalized)) != nil { throw OutputError("\(output) is not a directory") }
            if !isTried {
                try Self.makeDirectory(output)
                try Self.checkDirectory(output)
            }
            self = .directory(output)
        } else {
            try Self.requireOne(photos, "\(output)")
            let file = try OutputFile(output)
            // A device's name says nothing of formats.
            let isNamed = format == nil && !file.isStream
            self = .file(file, format: try isNamed ? Self.formatByExtension(of: output) : format?.photoFormat)
        }
    }

    private static func requireOne(_ photos: Int?, _ output: String) throws {
        if photos == 1 { return }
        throw OutputMisuse(
            "\(photos == nil ? "A list or a folder" : "Several photos") need a directory: \(output) is none; "
                + "end -o with a / to have one made.")
    }

    static func formatByExtension(of output: BytePath) throws -> PhotoFormat {
        let name = output.lastComponent.bytes
        let dot = name.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 > 0 && $0 + 1 < name.count ? $0 : nil }
        let suffix = dot.map { String(decoding: name[($0 + 1)...], as: UTF8.self).lowercased() }
        if let suffix, let format = OutputFormat.written.first(where: { $0.fileExtensions.contains(suffix) }) {
            return format
        }
        let known = OutputFormat.written.flatMap(\.fileExtensions).map { ".\($0)" }.joined(separator: ", ")
        throw OutputMisuse(
            (suffix.map { "\(output): pictures cannot be written as .\($0)" }
                ?? "\(output) has no extension that says its format")
                + "; end it with one of \(known), give --format, or end -o with a / for a directory.")
    }

    private static func makeDirectory(_ path: BytePath) throws {
        do { try Files.makeDirectory(path) } catch let error as SystemError {
            throw OutputError(path, "cannot be made", error)
        }
    }

    /// A file is made and removed: rights, mounts and attributes all have their say.
    private static func checkDirectory(_ path: BytePath) throws {
        _ = try OutputFile(path.appending(".cyclegan-style-\(getpid()).tmp"))
    }

    /// Refuses to write over one of the photos.
    func check(against photos: [BytePath]) throws {
        guard case .file(let file, _) = self, let existing = file.existing else { return }
        for photo in photos {
            if let identity = try? Files.identity(ofTarget: photo), identity.isSameFile(as: existing) {
                throw OutputError(
                    "\(file.name) is the photo itself, which its picture would replace; "
                        + "name another file, or give --force")
            }
        }
    }
}

/// Options that cannot be meant so: an error of usage.
struct OutputMisuse: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension OutputFormat {
    /// What pictures can be written as.
    static let written: [PhotoFormat] = [.jpeg, .png]

    /// What a picture is written as that is to be as its photo: JPEG, or PNG to keep alpha, where that is not written.
    static func same(as photo: PhotoFormat, hasAlpha: Bool) -> PhotoFormat {
        written.contains(photo) ? photo : hasAlpha ? .png : .jpeg
    }

    /// nil for `same`, which the photo decides.
    var photoFormat: PhotoFormat? {
        switch self {
        case .same: nil
        case .jpeg: .jpeg
        case .png: .png
        }
    }
}
