/// What is done with a file whose image data are damaged or end early.
package enum TruncatedPolicy: String, Sendable, CaseIterable {
    /// Decoding throws.
    case fail
    /// What is there is decoded, the rest is filled in, and `Photo.warnings` says so.
    case accept
}

/// What a file may cost. Each error says which limit it met (`Limit`).
package struct DecodingLimits: Sendable, Equatable {
    /// Width times height. 100 million pixels take 300 MB decoded.
    package var maxPixels = 100_000_000
    /// Width and height, each.
    package var maxSide = 32_768
    /// The file's size.
    package var maxFileBytes = 256 << 20
    /// All metadata of a file together, unpacked (profiles, texts, EXIF).
    package var maxChunkBytes = 8 << 20
    /// PNG or WebP chunks or JPEG segments that do not hold image data.
    package var maxChunks = 1_000
    /// Scans of a JPEG. Each one costs a pass over the whole image.
    package var maxScans = 100
    package var truncated = TruncatedPolicy.fail

    /// Which of them a file met.
    package enum Limit: Sendable, CaseIterable {
        case pixels, side, fileBytes, chunkBytes, chunks, scans
    }

    package init() {}

    package init(
        maxPixels: Int = 100_000_000, maxSide: Int = 32_768, maxFileBytes: Int = 256 << 20,
        maxChunkBytes: Int = 8 << 20, maxChunks: Int = 1_000, maxScans: Int = 100, truncated: TruncatedPolicy = .fail
    ) {
        self.maxPixels = maxPixels
        self.maxSide = maxSide
        self.maxFileBytes = maxFileBytes
        self.maxChunkBytes = maxChunkBytes
        self.maxChunks = maxChunks
        self.maxScans = maxScans
        self.truncated = truncated
    }

    /// The values that a limit may have.
    package static func range(of limit: WritableKeyPath<DecodingLimits, Int>) -> ClosedRange<Int> {
        switch limit {
        case \.maxPixels, \.maxFileBytes: 1...1 << 40
        case \.maxChunkBytes: 1024...1 << 31
        case \.maxChunks: 1...1_000_000_000
        default: 1...1_000_000
        }
    }

    func check(width: Int, height: Int) throws {
        if width > maxSide || height > maxSide {
            throw Self.exceeded(.side, "the photo is \(width) x \(height) pixels, more than \(maxSide) on a side")
        }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        if overflow || pixels > maxPixels {
            throw Self.exceeded(
                .pixels,
                "the photo is \(width) x \(height), \(pixels / 1_000_000) million pixels, more than \(maxPixels)")
        }
    }

    func check(fileBytes: Int) throws {
        if fileBytes > maxFileBytes {
            throw Self.exceeded(.fileBytes, "the file has \(fileBytes) bytes, more than \(maxFileBytes)")
        }
    }

    func check(metadataBytes: Int) throws {
        if metadataBytes > maxChunkBytes {
            throw Self.exceeded(.chunkBytes, "the file's metadata unpack to more than \(maxChunkBytes) bytes")
        }
    }

    func check(chunks: Int) throws {
        if chunks > maxChunks {
            throw Self.exceeded(.chunks, "the file has more than \(maxChunks) metadata chunks")
        }
    }

    func check(scans: Int) throws {
        if scans > maxScans {
            throw Self.exceeded(.scans, "the JPEG has more than \(maxScans) scans")
        }
    }

    /// What a decoder found inside a file.
    func exceededByPart(_ format: String) -> PhotoError {
        Self.exceeded(.side, "the \(format) holds a picture of more than \(maxSide) pixels on a side")
    }

    /// A picture that is put together from others.
    func exceededByParts() -> PhotoError {
        Self.exceeded(.pixels, "the photo is put together from far more than \(maxPixels) pixels")
    }

    private static func exceeded(_ limit: Limit, _ what: String) -> PhotoError {
        PhotoError(kind: .overLimit(limit), reason: what)
    }
}
