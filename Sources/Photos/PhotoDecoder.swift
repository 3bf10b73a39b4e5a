import Glibc
import LinuxFiles

/// Reads files of every `PhotoFormat` into upright sRGB photos. What a file is, its content decides, not its name.
package enum PhotoDecoder {
    /// - Throws: `PhotoError`
    package static func decode(
        contentsOf path: String, limits: DecodingLimits = DecodingLimits(), colour: ColourConversion = .sRGB
    ) throws -> Photo {
        let file: Descriptor
        do { file = try Descriptor.forReading(BytePath(path), followingLinks: true) } catch let error as SystemError {
            throw PhotoError(error)
        }
        return try decode(fileDescriptor: file.raw, limits: limits, colour: colour)
    }

    /// Reads the whole file from its start, wherever the descriptor stands; the descriptor stays open.
    /// - Throws: `PhotoError`
    package static func decode(
        fileDescriptor: CInt, limits: DecodingLimits = DecodingLimits(), colour: ColourConversion = .sRGB
    ) throws -> Photo {
        try decode(bytes: PhotoFile.read(fileDescriptor, limits: limits), limits: limits, colour: colour)
    }

    /// - Throws: `PhotoError`
    package static func decode(
        bytes: [UInt8], limits: DecodingLimits = DecodingLimits(), colour: ColourConversion = .sRGB
    ) throws -> Photo {
        try limits.check(fileBytes: bytes.count)
        return try bytes.withUnsafeBytes { raw in
            guard let format = PhotoFormat.sniff(raw) else { throw OtherContent.error(raw) }
            return try assemble(format.codec.open(raw, limits: limits, colour: colour), format, colour: colour)
        }
    }

    /// Refuses what the first bytes of a file already condemn.
    static func checkBeginning(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        guard let format = PhotoFormat.sniff(bytes) else { throw OtherContent.error(bytes) }
        try format.codec.checkBeginning(bytes, limits: limits)
    }

    private static func assemble(_ photo: OpenPhoto, _ format: PhotoFormat, colour: ColourConversion) throws -> Photo {
        let rows = photo.rows
        var metadata = photo.metadata, warnings = photo.warnings
        metadata.check(&warnings, isUpright: photo.isUpright)
        var conversion: ColourProfile?
        if colour == .sRGB, let description = photo.description {
            conversion = ColourProfile(description, for: rows.info)
            metadata.profile = conversion?.name
            if conversion == nil { warnings.append("the colour profile does not fit the image and was ignored") }
        }
        let assembler = PhotoAssembler(
            source: rows, orientation: metadata.orientation,
            conversion: conversion?.isIdentity == true ? nil : conversion)
        let (pixels, alpha) = try assembler.run()
        let isTurned = metadata.orientation >= 5
        let width = Int(rows.info.width), height = Int(rows.info.height)
        return Photo(
            width: isTurned ? height : width, height: isTurned ? width : height, pixels: pixels, alpha: alpha,
            format: format, metadata: metadata, warnings: warnings + rows.warnings)
    }
}

/// A file's bytes, without mapping it: a mapped file that someone shortens kills the reader.
enum PhotoFile {
    /// Enough of a file to know its size in pixels, nearly always.
    private static let beginningBytes = 256 << 10

    static func read(_ descriptor: CInt, limits: DecodingLimits) throws -> [UInt8] {
        do {
            var status = stat()
            try retrying("look at", "the file") { fstat(descriptor, &status) }
            guard Files.isRegular(status) else {
                throw PhotoError(kind: .io(EINVAL), reason: "this is no regular file")
            }
            let size = Int(status.st_size)
            try limits.check(fileBytes: size)
            if size > beginningBytes {
                let beginning = try read(descriptor, count: beginningBytes)
                try beginning.withUnsafeBytes { try PhotoDecoder.checkBeginning($0, limits: limits) }
            }
            return try read(descriptor, count: size)
        } catch let error as SystemError {
            throw PhotoError(error)
        }
    }

    private static func read(_ descriptor: CInt, count: Int) throws -> [UInt8] {
        try Memory.require(count, for: "a file of \(count) bytes")
        return try [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            while filled < count {
                let got = try retrying("read", "the file") {
                    pread(descriptor, target.baseAddress! + filled, count - filled, off_t(filled))
                }
                // Someone has shortened the file; the decoder will say what is missing.
                if got == 0 { break }
                filled += got
            }
        }
    }
}
