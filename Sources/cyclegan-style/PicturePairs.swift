/// Which photo a picture was made of, by their names below two folders: the same without the extension, or with
/// something behind it that begins with a dot, a line or a hyphen (`beach.vangogh.png`, `beach_fake_B.png` of
/// `beach.jpg`).
struct PicturePairs {
    /// Indices of photos by their names without extensions; nil where several have the same.
    private var indices: [ArraySlice<UInt8>: Int?] = [:]

    private static let separators = Set(".-_".utf8)

    /// - Parameter photos: names relative to the photos' folder.
    init(photos: [[UInt8]]) {
        for (index, name) in photos.enumerated() {
            let stem = Self.stem(name)
            indices.updateValue(indices.keys.contains(stem) ? nil : index, forKey: stem)
        }
    }

    /// The photo whose name is the longest part of the picture's; nil where there is none, or more than one.
    func photo(of picture: [UInt8]) -> Int? {
        var stem = Self.stem(picture)
        while true {
            if let index = indices[stem] { return index }
            guard let end = stem.lastIndex(where: { Self.separators.contains($0) || $0 == UInt8(ascii: "/") }),
                stem[end] != UInt8(ascii: "/")
            else { return nil }
            stem = stem[..<end]
        }
    }

    private static func stem(_ name: [UInt8]) -> ArraySlice<UInt8> {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return name[...] }
        return name[..<dot]
    }
}
