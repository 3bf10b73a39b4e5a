import XCTest

@testable import Photos

/// Small files of every format for the tests that all codecs share. A format without samples fails them.
enum Samples {
    /// With the mean difference that its coding may cost against the pixels that another program sees.
    struct Sample {
        let name: String
        var tolerance = 0.0
    }

    static func all(of format: PhotoFormat) -> [Sample] {
        switch format {
        case .jpeg:
            ["ycbcr-420.jpg", "ycbcr-444.jpg", "progressive.jpg", "cmyk.jpg", "restarts.jpg"].map {
                Sample(name: $0, tolerance: 1)
            }
        case .png: ["rgb.png", "rgba.png", "grey16.png", "palette.png"].map { Sample(name: $0) }
        case .heic:
            heif("heic") + [Sample(name: "deep.heic", tolerance: 1.5)]
        case .avif: heif("avif")
        case .webp:
            ["lossless.webp", "lossless-alpha.webp", "animated.webp", "animated-part.webp"].map { Sample(name: $0) }
                + ["lossy.webp", "lossy-alpha.webp"].map { Sample(name: $0, tolerance: 1) }
        case .tiff:
            [
                "plain", "lzw", "tiled", "planar", "planar-tiled", "big", "rgba", "unnamed-alpha", "premultiplied",
                "grey",
                "grey-inverted", "grey-alpha", "rgb16", "rgb16-big-endian", "rgb32", "signed16", "grey12", "float16",
                "float32",
                "float64", "float-bright", "cmyk", "cmyk16", "bilevel", "palette", "pages",
            ].map { Sample(name: $0 + ".tif", tolerance: 0.5) }
                + ["jpeg", "ycbcr"].map { Sample(name: $0 + ".tif", tolerance: 1) }
        }
    }

    private static func heif(_ fileExtension: String) -> [Sample] {
        [
            "encoded", "plain", "turned1", "turned2", "turned3", "mirrored", "turned-mirrored", "turned-described",
            "grid", "alpha",
        ].map { Sample(name: "\($0).\(fileExtension)", tolerance: $0 == "encoded" ? 3 : 1.5) }
    }

    /// One whose every byte counts, and which is small.
    static func plain(_ format: PhotoFormat) throws -> [UInt8] {
        switch format {
        case .jpeg: try TestFiles.bytes("ycbcr-444.jpg")
        case .png: try TestFiles.bytes("rgb.png")
        case .heic: try TestFiles.bytes("plain.heic")
        case .avif: try TestFiles.bytes("plain.avif")
        case .webp: try TestFiles.bytes("lossless.webp")
        case .tiff: try TestFiles.bytes("lzw.tif")
        }
    }

    /// `plain`, or one like it, with EXIF; nil where the format's pictures are turned by other means.
    static func with(exif: Build.ExifContent, _ format: PhotoFormat) throws -> [UInt8]? {
        let bytes = try plain(format)
        switch format {
        case .jpeg: return Build.inserting(Build.exifSegment(exif), into: bytes)
        case .png: return Build.inserting(chunks: Build.chunk("eXIf", Build.exif(exif)), into: bytes)
        case .webp:
            return Build.webp(
                width: 37, height: 29, flags: 0x08,
                Array(bytes.dropFirst(12)) + Build.riffChunk("EXIF", Build.exif(exif)))
        case .tiff: return try Build.tiff(bytes, orientation: exif.orientation ?? 1)
        case .heic, .avif: return nil
        }
    }

    /// The beginning of a file that promises more pixels than are allowed, with some bytes of what it has.
    static func bomb(_ format: PhotoFormat) throws -> (bytes: [UInt8], key: DecodingLimits.Limit) {
        switch format {
        case .jpeg:
            let frame: [UInt8] =
                [8] + Build.bigEndian(65_500, bytes: 2) + Build.bigEndian(65_500, bytes: 2) + [1, 1, 0x11, 0]
            return ([0xFF, 0xD8] + Build.segment(0xC0, frame), .side)
        case .png: return (Build.pngHeader(width: 30_000, height: 30_000, depth: 1, colour: 0), .pixels)
        case .heic: return (try TestFiles.bytes("bomb.heic"), .pixels)
        case .avif: return (try TestFiles.bytes("bomb.avif"), .pixels)
        case .webp:
            return (
                Build.webp(width: 16_384, height: 16_384, flags: 0, Array(try plain(.webp).dropFirst(12))),
                .pixels
            )
        case .tiff: return (try Build.tiff(plain(.tiff), width: 30_000, height: 30_000), .pixels)
        }
    }
}

extension Build {
    static func littleEndian(_ value: Int, bytes: Int) -> [UInt8] { bigEndian(value, bytes: bytes).reversed() }

    static func riffChunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        Array(name.utf8) + littleEndian(data.count, bytes: 4) + data + [UInt8](repeating: 0, count: data.count % 2)
    }

    /// A WebP in its extended form.
    static func webp(width: Int, height: Int, flags: UInt8, _ chunks: [UInt8]) -> [UInt8] {
        let extended = [flags, 0, 0, 0] + littleEndian(width - 1, bytes: 3) + littleEndian(height - 1, bytes: 3)
        let body = Array("WEBP".utf8) + riffChunk("VP8X", extended) + chunks
        return Array("RIFF".utf8) + littleEndian(body.count, bytes: 4) + body
    }

    /// A little-endian TIFF of ours with other numbers in its first directory, which is copied to the end; entries that
    /// it lacks are added.
    static func tiff(_ bytes: [UInt8], orientation: Int? = nil, width: Int? = nil, height: Int? = nil) throws -> [UInt8]
    {
        let wanted = [0x0112: orientation, 0x0100: width, 0x0101: height].compactMapValues { $0 }
        let start = bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let count = Int(bytes[start]) | Int(bytes[start + 1]) << 8
        var entries = (0..<count).map { Array(bytes[(start + 2 + 12 * $0)..<(start + 14 + 12 * $0)]) }
        for (tag, value) in wanted {
            let entry = littleEndian(tag, bytes: 2) + [4, 0, 1, 0, 0, 0] + littleEndian(value, bytes: 4)
            entries.removeAll { Array($0.prefix(2)) == littleEndian(tag, bytes: 2) }
            entries.append(entry)
        }
        entries.sort { ($0[1], $0[0]) < ($1[1], $1[0]) }
        let position = bytes.count + bytes.count % 2
        return Array(bytes[..<4]) + littleEndian(position, bytes: 4) + bytes[8...]
            + [UInt8](repeating: 0, count: bytes.count % 2)
            + littleEndian(entries.count, bytes: 2) + entries.flatMap { $0 } + [0, 0, 0, 0]
    }
}
