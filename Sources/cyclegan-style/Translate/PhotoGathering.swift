import Foundation
import Glibc
import LinuxFiles
import Photos

/// Finds the photos that `translate` is asked for: files, folders, a list.
struct PhotoGathering {
    /// Whether folders are searched.
    var isRecursive = false
    /// What the names in a list are taken below.
    var base: BytePath = .currentDirectory
    /// Where pictures go: not searched for photos.
    var output: BytePath?
    /// The part of pictures' names that comes from the style.
    var label = "vangogh"

    private(set) var photos: [PhotoSource] = []
    /// What a person should know: folders without photos, or that cannot be read.
    private(set) var notices: [String] = []

    private static let extensions = Set(PhotoFormat.allCases.flatMap(\.fileExtensions))

    init(
        isRecursive: Bool = false, base: BytePath = .currentDirectory, output: BytePath? = nil,
        label: String = "vangogh"
    ) {
        (self.isRecursive, self.base, self.output, self.label) = (isRecursive, base, output, label)
    }

    /// Photos, and with `isRecursive` folders, as given on the command line.
    mutating func add(arguments: [BytePath]) throws {
        if arguments.count(where: { $0 == "-" }) > 1 {
            throw OutputMisuse("Standard input (-) holds one photo: name it once.")
        }
        let folders = isRecursive ? arguments.filter(Self.isFolder) : []
        for argument in arguments {
            guard folders.contains(argument) else {
                photos.append(PhotoSource(path: argument, name: Self.relative(argument)))
                continue
            }
            // Several folders keep their names, or their photos could not be told apart.
            let prefix = folders.count > 1 ? argument.lastComponent : .empty
            let before = photos.count
            try search(argument, prefix)
            if photos.count == before { notices.append("\(argument): no photo in it") }
        }
    }

    /// A list of photos, one a line, or ended by NUL. Blank lines count for nothing.
    /// - Throws: `OutputError` where it cannot be read.
    mutating func add(list path: BytePath, isNullSeparated: Bool) throws {
        let bytes: [UInt8]
        if path == "-" {
            bytes = Array(FileHandle.standardInput.readDataToEndOfFile())
        } else {
            guard let data = FileManager.default.contents(atPath: String(decoding: path.bytes, as: UTF8.self)) else {
                throw OutputError("the list \(path) cannot be read")
            }
            bytes = Array(data)
        }
        let end = isNullSeparated ? UInt8(0) : UInt8(ascii: "\n")
        for line in bytes.split(separator: end) {
            let line = !isNullSeparated && line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty { continue }
            let path = BytePath(bytes: Array(line))
            let whole = path.whole
            let name = whole.relative(to: base.normalized) ?? BytePath(bytes: Array(whole.bytes.dropFirst()))
            photos.append(PhotoSource(path: path, name: name, isMirrored: true))
        }
    }

    /// Each photo once, however often it was named.
    mutating func removeRepetitions() {
        var seen: Set<BytePath> = []
        photos = photos.filter { !$0.isMirrored || seen.insert($0.name).inserted }
    }

    private mutating func search(_ folder: BytePath, _ prefix: BytePath) throws {
        var pending = [(folder: folder, place: prefix)]
        while let (folder, place) = pending.popLast() {
            let entries: [DirectoryEntry]
            do {
                entries = try Descriptor.directory(folder, followingLinks: true).entries()
            } catch let error as SystemError {
                notices.append("\(folder) cannot be read: \(error.reason)")
                continue
            }
            var folders: [(BytePath, BytePath)] = []
            for entry in entries where entry.name.first != UInt8(ascii: ".") {
                let name = entry.name, path = folder.appending(name)
                if entry.isDirectory {
                    if FurnitureNames.pattern(matching: name) == nil, !isOutput(path) {
                        folders.append((path, place.appending(name)))
                    }
                } else if Self.isPhotoName(name), !isPicture(name, in: folder) {
                    photos.append(PhotoSource(path: path, name: place.appending(name), isMirrored: true))
                }
            }
            pending += folders.reversed()
        }
    }

    private func isOutput(_ path: BytePath) -> Bool { output?.isSameFile(as: path) ?? false }

    /// Where pictures lie among their photos, those of the style are known by their names.
    private func isPicture(_ name: [UInt8], in folder: BytePath) -> Bool {
        guard let output, output.isSameFile(as: folder) || folder.whole.isInside(output.whole) else { return false }
        let parts = name.split(separator: UInt8(ascii: "."))
        guard parts.count > 2 else { return false }
        let middle = String(decoding: parts[parts.count - 2], as: UTF8.self)
        return middle == label || middle.hasPrefix("\(label)-") && Int(middle.dropFirst(label.count + 1)) != nil
    }

    private static func isPhotoName(_ name: [UInt8]) -> Bool {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
        return extensions.contains(String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased())
    }

    private static func isFolder(_ path: BytePath) -> Bool {
        (try? Files.status(ofTarget: path)).map(Files.isDirectory) ?? false
    }

    private static func relative(_ path: BytePath) -> BytePath {
        let path = path.normalized
        return path.isAbsolute ? BytePath(bytes: Array(path.bytes.dropFirst())) : path
    }
}

extension BytePath {
    static var currentDirectory: BytePath { BytePath(FileManager.default.currentDirectoryPath) }

    /// From the root, without dots.
    var whole: BytePath { BytePath.currentDirectory.resolving(self).normalized }
}
