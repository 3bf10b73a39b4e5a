extension Exif {
    /// What a TIFF's first directory says of the photo, as EXIF of its own: a structure with that directory, EXIF's and
    /// GPS's. Maker notes stay behind, for they hold offsets into the file they were made for. nil where there is
    /// nothing.
    static func extracted(
        from file: TIFFDirectories, _ directory: TIFFDirectories.Directory, limits: DecodingLimits
    ) throws -> [UInt8]? {
        var held = 0
        func fields(_ directory: TIFFDirectories.Directory?, where isWanted: (Int) -> Bool) throws -> [Field] {
            try (directory?.entries ?? []).filter { isWanted($0.tag) && $0.type <= 13 }.compactMap { entry in
                held += entry.byteCount
                try limits.check(metadataBytes: held)
                return try file.bytes(entry).map {
                    Field(tag: entry.tag, type: entry.type, count: entry.count, value: $0)
                }
            }
        }
        func inner(_ tag: Int) throws -> TIFFDirectories.Directory? {
            try file.number(directory[tag]).flatMap(file.directory(at:))
        }
        let main = try fields(directory, where: carried.contains)
        let exif = try fields(inner(Tag.exifDirectory)) { $0 != makerNote && $0 != Tag.interoperabilityDirectory }
        let gps = try fields(inner(Tag.gpsDirectory)) { _ in true }
        guard !(main + exif + gps).isEmpty else { return nil }
        return ExifBuilder(isLittleEndian: file.isLittleEndian).build(main, exif: exif, gps: gps)
    }

    /// A value with the bytes it has in the file.
    struct Field {
        var tag: Int, type: Int, count: Int
        var value: [UInt8]
    }

    private static let makerNote = 0x927C

    /// Description, maker, model, orientation, resolution and its unit, software, date, artist, copyright, and the
    /// fields that Windows adds. Everything else in a TIFF's directory describes its own strips and samples.
    private static let carried: Set = [
        0x010E, 0x010F, 0x0110, 0x0112, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x8298,
        0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,
    ]
}

/// Writes a TIFF structure (TIFF 6.0, section 2).
struct ExifBuilder {
    let isLittleEndian: Bool

    func build(_ main: [Exif.Field], exif: [Exif.Field], gps: [Exif.Field]) -> [UInt8] {
        var main = main
        // Placeholders have the size of what takes their place.
        for (tag, fields) in [(Exif.Tag.exifDirectory, exif), (Exif.Tag.gpsDirectory, gps)] where !fields.isEmpty {
            main.append(Exif.Field(tag: tag, type: 4, count: 1, value: number(0, 4)))
        }
        let exifAt = 8 + size(main), gpsAt = exifAt + (exif.isEmpty ? 0 : size(exif))
        for index in main.indices where main[index].tag == Exif.Tag.exifDirectory {
            main[index].value = number(exifAt, 4)
        }
        for index in main.indices where main[index].tag == Exif.Tag.gpsDirectory {
            main[index].value = number(gpsAt, 4)
        }
        var bytes = Array((isLittleEndian ? "II" : "MM").utf8) + number(42, 2) + number(8, 4)
        for directory in [main, exif, gps] where !directory.isEmpty { bytes += write(directory, at: bytes.count) }
        return bytes
    }

    private func size(_ fields: [Exif.Field]) -> Int {
        fields.reduce(6) { $0 + 12 + ($1.value.count > 4 ? $1.value.count + $1.value.count % 2 : 0) }
    }

    /// A directory and behind it the values that have no room in it, in the order of the tags.
    private func write(_ fields: [Exif.Field], at position: Int) -> [UInt8] {
        var directory = number(fields.count, 2), values: [UInt8] = []
        let behind = position + 6 + 12 * fields.count
        for field in fields.sorted(by: { $0.tag < $1.tag }) {
            directory += number(field.tag, 2) + number(field.type, 2) + number(field.count, 4)
            if field.value.count > 4 {
                directory += number(behind + values.count, 4)
                values += field.value + [UInt8](repeating: 0, count: field.value.count % 2)
            } else {
                directory += field.value + [UInt8](repeating: 0, count: 4 - field.value.count)
            }
        }
        return directory + number(0, 4) + values
    }

    private func number(_ value: Int, _ bytes: Int) -> [UInt8] {
        let bigEndian = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * (bytes - 1 - $0))) }
        return isLittleEndian ? bigEndian.reversed() : bigEndian
    }
}
