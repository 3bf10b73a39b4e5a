import CImageCodecs

/// Brings rows from a decoder to where they belong: converted to RGB, separated from alpha, turned upright. Only a
/// strip of rows exists besides the finished photo.
struct PhotoAssembler {
    let source: RowDecoder
    let orientation: Int
    let conversion: ColourProfile?

    /// A strip fits into the second-level cache and, turned by 90 degrees, still fills whole cache lines.
    private static let stripBytes = 256 << 10, leastStripRows = 16

    private var width: Int { Int(source.info.width) }
    private var height: Int { Int(source.info.height) }

    func run() throws -> (pixels: [UInt8], alpha: [UInt8]?) {
        let hasAlpha = source.info.layout == CIC_RGBA
        try Memory.require(width: width, height: height, bytesPerPixel: hasAlpha ? 4 : 3)
        let count = width * height
        var alpha: [UInt8]?
        let pixels = try [UInt8](unsafeUninitializedCapacity: count * 3) { rgb, initialized in
            guard let target = rgb.baseAddress else { return }
            if hasAlpha {
                alpha = try [UInt8](unsafeUninitializedCapacity: count) { opacity, initialized in
                    try fill(target, alpha: opacity.baseAddress)
                    initialized = count
                }
            } else {
                try fill(target, alpha: nil)
            }
            initialized = count * 3
        }
        return (pixels, alpha)
    }

    private func fill(_ rgb: UnsafeMutablePointer<UInt8>, alpha: UnsafeMutablePointer<UInt8>?) throws {
        let rowBytes = width * source.info.bytesPerPixel
        let stripRows = min(max(Self.leastStripRows, Self.stripBytes / rowBytes), height)
        let isDirect = orientation == 1 && source.info.layout == CIC_RGB
        let strip = UnsafeMutablePointer<UInt8>.allocate(capacity: isDirect ? 1 : stripRows * rowBytes)
        defer { strip.deallocate() }
        let opacity = UnsafeMutablePointer<UInt8>.allocate(capacity: alpha == nil ? 1 : stripRows * width)
        defer { opacity.deallocate() }
        var row = 0
        while row < height {
            let rows = min(stripRows, height - row)
            let target = isDirect ? rgb + row * rowBytes : strip
            try source.read(into: target, count: rows)
            convert(target, opacity: opacity, count: rows * width)
            if !isDirect {
                place(target, firstRow: row, rows: rows, channels: 3, in: rgb)
                if let alpha { place(opacity, firstRow: row, rows: rows, channels: 1, in: alpha) }
            }
            row += rows
        }
        try source.finish()
    }

    private func convert(
        _ samples: UnsafeMutablePointer<UInt8>, opacity: UnsafeMutablePointer<UInt8>, count: Int
    ) {
        switch source.info.layout {
        case CIC_CMYK:
            if let conversion { return conversion.convert(samples, to: samples, count: count) }
            cic_cmyk_to_rgb(samples, count, samples)
        case CIC_RGBA:
            cic_split_rgba(samples, count, samples, opacity)
            conversion?.convert(samples, to: samples, count: count)
        default:
            conversion?.convert(samples, to: samples, count: count)
        }
    }

    private func place(
        _ rows: UnsafeMutablePointer<UInt8>, firstRow: Int, rows count: Int, channels: Int,
        in image: UnsafeMutablePointer<UInt8>
    ) {
        cic_place_rows(rows, firstRow, count, width, height, channels, CInt(orientation), image)
    }
}
