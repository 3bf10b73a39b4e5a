import CImageCodecs
import Glibc

/// Reads JPEG and PNG files into upright sRGB photos. What a file is, its content decides, not its name.
public enum PhotoDecoder {
    /// - Throws: `PhotoError`
    public static func decode(
        contentsOf path: String, limits: DecodingLimits = DecodingLimits(), colour: ColourConversion = .sRGB
    ) throws -> Photo {
        // Without O_NONBLOCK the opening of a FIFO waits for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw PhotoFile.error("\(path) cannot be opened") }
        defer { close(descriptor) }
        return try decode(fileDescriptor: descriptor, limits: limits, colour: colour)
    }

    /// Reads the whole file from its start, wherever the descriptor stands; the descriptor stays open.
    /// - Throws: `PhotoError`
    public static func decode(
        fileDescriptor: CInt, limits: DecodingLimits = DecodingLimits(), colour: ColourConversion = .sRGB
    ) throws -> Photo {
        try decode(bytes: PhotoFile.read(fileDescriptor, limits: limits), limits: limits, colour: colour)
    }

    /// - Throws: `PhotoError`
    public static func decode(
        bytes: [UInt8], limits: DecodingLimits = DecodingLimits(), colour: ColourConversion = .sRGB
    ) throws -> Photo {
        try limits.check(fileBytes: bytes.count)
        return try bytes.withUnsafeBytes { raw in
            switch PhotoFormat.sniff(raw) {
            case .jpeg: try decodeJPEG(raw, limits: limits, colour: colour)
            case .png: try decodePNG(raw, limits: limits, colour: colour)
            case nil: throw PhotoError(kind: .notAPhoto, reason: PhotoFormat.describeUnknown(raw))
            }
        }
    }

    /// Refuses what the first bytes of a file already condemn.
    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        switch PhotoFormat.sniff(bytes) {
        case .jpeg: _ = try JPEGStructure(bytes, limits: limits, isWhole: false)
        case .png: _ = try PNGStructure(bytes, limits: limits, isWhole: false)
        case nil: throw PhotoError(kind: .notAPhoto, reason: PhotoFormat.describeUnknown(bytes))
        }
    }

    private static func decodeJPEG(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> Photo {
        let structure = try JPEGStructure(bytes, limits: limits)
        let source = try JPEGRowSource(bytes, limits: limits)
        try limits.check(width: Int(source.info.width), height: Int(source.info.height))
        return try assemble(
            source, format: .jpeg, metadata: structure.metadata, description: structure.profile.map { .profile($0) },
            warnings: structure.warnings, colour: colour)
    }

    private static func decodePNG(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, colour: ColourConversion
    ) throws -> Photo {
        let structure = try PNGStructure(bytes, limits: limits)
        let source = try PNGRowSource(bytes, limits: limits, gamma: colour == .sRGB ? structure.effectiveGamma : nil)
        return try assemble(
            source, format: .png, metadata: structure.metadata, description: structure.colourDescription,
            warnings: structure.warnings, colour: colour)
    }

    private static func assemble(
        _ source: any RowSource, format: PhotoFormat, metadata: PhotoMetadata, description: ColourDescription?,
        warnings: [String], colour: ColourConversion
    ) throws -> Photo {
        var metadata = metadata
        var warnings = warnings
        let exif = metadata.exif.flatMap(Exif.init)
        if metadata.exif != nil, exif == nil {
            warnings.append("the EXIF data are damaged and were left out")
            metadata.exif = nil
        }
        metadata.orientation = exif?.orientation ?? metadata.xmp.flatMap(XMP.orientation) ?? 1
        var conversion: ColourProfile?
        // Cameras that follow DCF say so in EXIF and embed no profile.
        let isAdobeRGB = format == .jpeg && source.info.layout == CIC_RGB && exif?.isAdobeRGB == true
        if colour == .sRGB, let description = description ?? (isAdobeRGB ? .chromaticities(.adobeRGB) : nil) {
            conversion = ColourProfile(description, for: source.info)
            metadata.profile = conversion?.name
            if conversion == nil { warnings.append("the colour profile does not fit the image and was ignored") }
        }
        let assembler = PhotoAssembler(
            source: source, orientation: metadata.orientation,
            conversion: conversion?.isIdentity == true ? nil : conversion)
        let (pixels, alpha) = try assembler.run()
        let isTurned = metadata.orientation >= 5
        let width = Int(source.info.width), height = Int(source.info.height)
        return Photo(
            width: isTurned ? height : width, height: isTurned ? width : height, pixels: pixels, alpha: alpha,
            format: format, metadata: metadata, warnings: warnings + source.warnings)
    }
}

/// A file's bytes, without mapping it: a mapped file that someone shortens kills the reader.
enum PhotoFile {
    /// Enough of a file to know its size in pixels, nearly always.
    private static let beginningBytes = 256 << 10

    static func read(_ descriptor: CInt, limits: DecodingLimits) throws -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw error("the file cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PhotoError(kind: .io, reason: "this is no regular file")
        }
        try limits.check(fileBytes: status.st_size)
        if status.st_size > beginningBytes {
            let beginning = try read(descriptor, count: beginningBytes)
            try beginning.withUnsafeBytes { try PhotoDecoder.checkBeginning($0, limits: limits) }
        }
        return try read(descriptor, count: status.st_size)
    }

    private static func read(_ descriptor: CInt, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            while filled < count {
                let got = pread(descriptor, target.baseAddress! + filled, count - filled, off_t(filled))
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw error("the file cannot be read") }
                // Someone has shortened the file; the decoder will say what is missing.
                if got == 0 { break }
                filled += got
            }
        }
    }

    static func error(_ what: String) -> PhotoError {
        PhotoError(kind: .io, reason: "\(what): \(String(cString: strerror(errno)))")
    }
}
