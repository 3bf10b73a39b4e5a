import ArgumentParser
import Photos
import ServiceConfiguration
import StyleModels
import Stylizing

extension StrokeSize: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension RenderSize: ExpressibleByArgument {
    package init?(argument: String) {
        guard let size = Self(argument) else { return nil }
        if case .fit(let side) = size, !Self.sides.contains(side) { return nil }
        self = size
    }

    package var defaultValueDescription: String { description.replacing(" ", with: ":") }
}

extension OutputFormat: ExpressibleByArgument {}
extension MetadataPolicy: ExpressibleByArgument {}
extension TruncatedPolicy: ExpressibleByArgument {}

/// How finely a JPEG keeps colour, as people write it.
enum SubsamplingWord: String, ExpressibleByArgument, CaseIterable {
    case half = "4:2:0", full = "4:4:4"

    var value: ChromaSubsampling { self == .half ? .yuv420 : .yuv444 }
}

/// What the pictures look like.
struct PictureOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("A model's name, or its file.", valueName: "name|file"), completion: .styles)
    var style = "vangogh"

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How large brush strokes are in the picture: fine, medium, coarse, or a factor from 0.25 to 4 of the "
                + "model's own.",
            valueName: "size"), completion: .list(["fine", "medium", "coarse"]))
    var strokes = StrokeSize.medium

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The size that the network works at, for those who want pixels: strokes, original, or fit:PX for at most "
                + "PX pixels (16 to 65535) on the long side. "
                + "The picture has the photo's size.",
            valueName: "strokes|original|fit:px"), completion: .list(["strokes", "original", "fit:1600"]))
    var render = RenderSize.strokes(.medium)

    @Option(name: .long, help: "How much of the picture: 1 all, 0 none, between them a blend with the photo.")
    var strength = 1.0

    @Option(name: .long, help: "same (as the photo), jpeg or png; without it the extension in -o FILE decides.")
    var format: OutputFormat?

    @Option(name: .long, help: "JPEG quality, 1 to 100.")
    var quality = 92

    @Option(name: .long, help: "How finely a JPEG keeps colour.")
    var subsampling = SubsamplingWord.half

    @Option(
        name: .long,
        help: "What of the photo's EXIF, XMP and texts the picture carries: all, basic (without the place) or none.")
    var metadata = MetadataPolicy.basic

    func validate() throws {
        if !(0...1).contains(strength) { throw ValidationError("--strength is from 0 to 1.") }
        if !(1...100).contains(quality) { throw ValidationError("--quality is from 1 to 100.") }
    }

    var settings: PictureSettings {
        var settings = PictureSettings()
        settings.style = style
        settings.strokes = strokes
        settings.render = render
        settings.strength = strength
        settings.quality = quality
        settings.subsampling = subsampling.value
        settings.metadata = metadata
        return settings
    }
}

/// What a translation may cost.
struct LimitOptions: ParsableArguments {
    @Option(name: .long, help: "Threads to use (default: as many processors as we may use).")
    var threads: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Memory that a translation may take, as 2G or 800M (default: half of what there is). "
                + "A photo too large for it is rendered smaller.",
            valueName: "size"))
    var memory: String?

    @Option(name: .long, help: ArgumentHelp("Width times height of a photo (100M).", valueName: "count")) var maxPixels:
        String?
    @Option(name: .long, help: ArgumentHelp("Its width, and its height (32768).", valueName: "px")) var maxSide: String?
    @Option(name: .long, help: ArgumentHelp("Its file's size (256M).", valueName: "size")) var maxFileBytes: String?
    @Option(name: .long, help: ArgumentHelp("Its metadata, unpacked (8M).", valueName: "size")) var maxChunkBytes:
        String?
    @Option(name: .long, help: ArgumentHelp("Its metadata's pieces (1000).", valueName: "count")) var maxChunks: String?
    @Option(name: .long, help: ArgumentHelp("A progressive JPEG's scans (100).", valueName: "count")) var maxScans:
        String?

    @Option(name: .long, help: "A photo whose file ends too early: fail, or accept (what is there is translated).")
    var truncated = TruncatedPolicy.fail

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
        _ = try limits()
        _ = try memoryBudget()
    }

    /// Bytes.
    func memoryBudget() throws -> Int {
        guard let memory else { return MemoryBudget.automatic }
        guard let bytes = Quantity.bytes(memory), (64 << 20...1 << 44).contains(bytes) else {
            throw ValidationError("--memory is a size such as 2G or 800M, at least 64M.")
        }
        return bytes
    }

    func limits() throws -> DecodingLimits {
        var limits = DecodingLimits()
        func set(
            _ name: String, _ text: String?, _ path: WritableKeyPath<DecodingLimits, Int>, _ parse: (String) -> Int?,
            _ kind: String
        ) throws {
            guard let text else { return }
            guard let value = parse(text), DecodingLimits.range(of: path).contains(value) else {
                let range = DecodingLimits.range(of: path)
                throw ValidationError("--\(name) is \(kind), from \(range.lowerBound) to \(range.upperBound).")
            }
            limits[keyPath: path] = value
        }
        try set("max-pixels", maxPixels, \.maxPixels, Quantity.count, "a count such as 1000 or 100M")
        try set("max-side", maxSide, \.maxSide, Quantity.count, "a count of pixels")
        try set("max-file-bytes", maxFileBytes, \.maxFileBytes, Quantity.bytes, "a size such as 256M or 2G")
        try set("max-chunk-bytes", maxChunkBytes, \.maxChunkBytes, Quantity.bytes, "a size such as 8M")
        try set("max-chunks", maxChunks, \.maxChunks, Quantity.count, "a count")
        try set("max-scans", maxScans, \.maxScans, Quantity.count, "a count")
        limits.truncated = truncated
        return limits
    }
}

/// Which photos, beside those that are named.
struct SelectionOptions: ParsableArguments {
    @Flag(
        name: .shortAndLong,
        help: "Take the photos in folders, with their subfolders; the pictures lie in the same subfolders.")
    var recursive = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Take the photos in a list, one a line (- for standard input); "
                + "their pictures lie below -o as they do below --relative-to.",
            valueName: "file"), completion: .file())
    var list: String?

    @Flag(
        name: [.customShort("0"), .customLong("null")],
        help: "The names in the list end in NUL, as find -print0 writes them.")
    var nullSeparated = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What the list's names are below (default: the current directory).", valueName: "dir"),
        completion: .directory)
    var relativeTo: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only the photos of part I of N. It follows from a photo's name which part it is in, so that a list may "
                + "grow. "
                + "I counts from 0 or from 1.",
            valueName: "i/n"))
    var shard: Shard?

    @Flag(name: .long, help: "Pass over photos whose picture is there: a run that was interrupted goes on.")
    var skipExisting = false

    func validate() throws {
        if list == nil, nullSeparated || relativeTo != nil {
            throw ValidationError("--null and --relative-to belong to --list.")
        }
    }
}

/// What is told.
struct TellingOptions: ParsableArguments {
    @Flag(name: .long, help: "Print a line of JSON for each photo.") var json = false
    @Flag(name: .shortAndLong, help: "Print nothing but errors.") var quiet = false

    @Option(
        name: .long, help: ArgumentHelp("Append a line of JSON for each photo to a file.", valueName: "file"),
        completion: .file())
    var report: String?

    @Flag(name: [.customShort("n"), .long], help: "Say what would be done, and do nothing.") var dryRun = false
}
