import CTensorKernels

/// How pixels outside an image are read.
package enum Padding: Sendable {
    case zero, reflection, edge

    var kernel: ctk_padding {
        switch self {
        case .zero: CTK_PADDING_ZERO
        case .reflection: CTK_PADDING_REFLECT
        case .edge: CTK_PADDING_EDGE
        }
    }
}

/// One image, or a band of its rows, whoever owns it.
package struct Band {
    var image: ctk_image
    /// Normalisation and activation to apply while reading, one image's.
    var reading: ctk_read?

    package var height: Int { image.height }
    package var width: Int { image.width }
    package var channels: Int { image.channels }

    /// Image n of a tensor.
    package init(_ tensor: Tensor, image n: Int = 0) {
        image = tensor.image(n)
        reading = tensor.reading?.kernel(n)
    }

    /// Rows `firstRow`... of an image of `height` rows, standing at `data` one after another.
    package init(data: UnsafePointer<Float>, firstRow: Int, height: Int, width: Int, channels: Int, reading: Reading?) {
        image = ctk_image(
            data: data, height: height, width: width, channels: channels, row_stride: width * channels,
            first_row: firstRow)
        self.reading = reading?.kernel(0)
    }

    /// Calls `body` with the reading as the kernels take it, null where there is none.
    func withReading<R>(_ body: (UnsafePointer<ctk_read>?) -> R) -> R {
        guard var r = reading else { return body(nil) }
        return body(&r)
    }
}
