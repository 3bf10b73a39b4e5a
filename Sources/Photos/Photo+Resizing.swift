import CImageCodecs

package enum ResampleFilter: String, Sendable, CaseIterable {
    case lanczos3, bicubic
}

extension Photo {
    /// The photo at another size, antialiased, with Pillow's arithmetic. Colour counts by its alpha, so that what is
    /// invisible does not bleed into what is visible; where the result is transparent, the hidden colour is kept.
    /// Takes targetWidth * height or less in temporary memory per channel.
    /// - Throws: `PhotoError` of kind `outOfMemory`.
    package func resized(
        toWidth targetWidth: Int, height targetHeight: Int, filter: ResampleFilter = .lanczos3
    ) throws -> Photo {
        precondition(targetWidth > 0 && targetHeight > 0, "a photo has at least one pixel")
        if targetWidth == width, targetHeight == height { return self }
        var result = self
        result.width = targetWidth
        result.height = targetHeight
        result.pixels = try resample(pixels, channels: 3, toWidth: targetWidth, height: targetHeight, filter)
        guard let alpha else { return result }
        try Memory.require(width: width, height: height, bytesPerPixel: 4)
        let premultiplied = [UInt8](unsafeUninitializedCapacity: width * height * 4) { target, count in
            cic_premultiply(pixels, alpha, width * height, target.baseAddress)
            count = width * height * 4
        }
        let visible = try resample(premultiplied, channels: 4, toWidth: targetWidth, height: targetHeight, filter)
        try Memory.require(width: targetWidth, height: targetHeight, bytesPerPixel: 1)
        var opacity = [UInt8](repeating: 0, count: targetWidth * targetHeight)
        cic_unpremultiply(visible, targetWidth * targetHeight, &result.pixels, &opacity)
        result.alpha = opacity
        return result
    }

    private func resample(
        _ samples: [UInt8], channels: Int, toWidth targetWidth: Int, height targetHeight: Int, _ filter: ResampleFilter
    ) throws -> [UInt8] {
        try Memory.require(width: targetWidth, height: targetHeight, bytesPerPixel: channels)
        let targetCount = targetWidth * targetHeight * channels
        return try [UInt8](unsafeUninitializedCapacity: targetCount) { target, count in
            let status = cic_resample(
                samples, width, height, channels, target.baseAddress, targetWidth, targetHeight,
                filter == .lanczos3 ? CIC_LANCZOS3 : CIC_BICUBIC)
            guard status == CIC_OK else {
                throw PhotoError(
                    kind: .outOfMemory,
                    reason: "memory is short for resampling to \(targetWidth) x \(targetHeight) pixels")
            }
            count = targetCount
        }
    }
}
