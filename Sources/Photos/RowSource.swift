import CImageCodecs

/// A decoder that hands out an image from its first row to its last.
protocol RowSource: AnyObject {
    var info: cic_info { get }
    /// Fills `rows` with the next `count` rows, in `info`'s layout.
    func read(into rows: UnsafeMutablePointer<UInt8>, count: Int) throws
    /// Checks what comes after the last row.
    func finish() throws
    /// Damage that was accepted, and oddities.
    var warnings: [String] { get }
}

extension cic_info {
    var bytesPerPixel: Int { layout == CIC_RGB ? 3 : 4 }
}

/// The bytes given must outlive the object.
final class JPEGRowSource: RowSource {
    private let decoder: OpaquePointer
    private(set) var info = cic_info()

    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws {
        let source = bytes.bindMemory(to: UInt8.self)
        guard let decoder = cic_jpeg_open(source.baseAddress, source.count, limits.truncated == .accept ? 1 : 0) else {
            throw PhotoError(CIC_NO_MEMORY, format: .jpeg, message: "no decoder could be made")
        }
        self.decoder = decoder
        try check(cic_jpeg_read_header(decoder, &info))
    }

    deinit { cic_jpeg_close(decoder) }

    func read(into rows: UnsafeMutablePointer<UInt8>, count: Int) throws {
        try check(cic_jpeg_read_rows(decoder, rows, count))
    }

    func finish() throws { try check(cic_jpeg_finish(decoder)) }

    var warnings: [String] {
        var warnings: [String] = []
        let damage = String(cString: cic_jpeg_damage(decoder)), note = String(cString: cic_jpeg_note(decoder))
        if !damage.isEmpty { warnings.append("the JPEG is damaged and was read as far as possible: \(damage)") }
        if !note.isEmpty { warnings.append("the JPEG is odd, but its pixels are whole: \(note)") }
        return warnings
    }

    private func check(_ status: cic_status) throws {
        guard status != CIC_OK else { return }
        throw PhotoError(status, format: .jpeg, message: String(cString: cic_jpeg_error(decoder)))
    }
}

/// The bytes given must outlive the object.
final class PNGRowSource: RowSource {
    private let decoder: OpaquePointer
    private(set) var info = cic_info()

    /// - Parameter gamma: a gAMA value to correct for, if any.
    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits, gamma: Double?) throws {
        let source = bytes.bindMemory(to: UInt8.self)
        let decoder = cic_png_open(
            source.baseAddress, source.count, limits.truncated == .accept ? 1 : 0,
            UInt32(clamping: min(limits.maxSide, 0x7FFF_FFFF)), limits.maxChunkBytes)
        guard let decoder else { throw PhotoError(CIC_NO_MEMORY, format: .png, message: "no decoder could be made") }
        self.decoder = decoder
        try check(cic_png_read_header(decoder, gamma ?? 0, &info))
    }

    deinit { cic_png_close(decoder) }

    func read(into rows: UnsafeMutablePointer<UInt8>, count: Int) throws {
        try check(cic_png_read_rows(decoder, rows, count))
    }

    func finish() throws { try check(cic_png_finish(decoder)) }

    var warnings: [String] {
        var warnings: [String] = []
        let damage = String(cString: cic_png_damage(decoder)), note = String(cString: cic_png_note(decoder))
        if !damage.isEmpty { warnings.append("the PNG is damaged and was read as far as possible: \(damage)") }
        if !note.isEmpty { warnings.append("the PNG's transparency is damaged and was left out: \(note)") }
        return warnings
    }

    private func check(_ status: cic_status) throws {
        guard status != CIC_OK else { return }
        throw PhotoError(status, format: .png, message: String(cString: cic_png_error(decoder)))
    }
}
