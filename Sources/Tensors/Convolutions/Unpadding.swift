import CTensorKernels

/// The adjoint of padding: what was read at a padded pixel is added to the pixel that it came from.
func unpadded(_ padded: Tensor, pad: Int, padding: Padding) -> Tensor {
    let (h, w, c) = (padded.shape.h - 2 * pad, padded.shape.w - 2 * pad, padded.shape.c)
    let context = padded.context, kernels = context.kernels.table
    let result = Tensor(Shape(padded.shape.n, h, w, c), in: context)
    let row = padded.shape.w * c
    for n in 0..<padded.shape.n {
        let source = padded.pointer + n * padded.shape.h * row
        let target = result.pointer + n * h * w * c
        /// Adds padded row y, its borders folded in, to target row t.
        func fold(_ y: Int, to t: UnsafeMutablePointer<Float>) {
            let s = source + y * row
            kernels.add(w * c, 1, s + pad * c, t)
            for x in Array(0..<pad) + Array(w + pad..<w + 2 * pad) {
                guard let sx = padding.resolve(x - pad, w) else { continue }
                kernels.add(c, 1, s + x * c, t + sx * c)
            }
        }
        context.threads.forEach(h) { y in
            let t = target + y * w * c
            t.update(repeating: 0, count: w * c)
            fold(y + pad, to: t)
        }
        for y in Array(0..<pad) + Array(h + pad..<h + 2 * pad) {
            if let sy = padding.resolve(y - pad, h) { fold(y, to: target + sy * w * c) }
        }
    }
    return result
}

/// Each channel's sum over all images and pixels: (1, 1, 1, C).
func channelTotals(_ x: Tensor) -> Tensor {
    let c = x.shape.c, pixels = x.shape.count / c, chunk = 1024
    let context = x.context, sums = ChannelSums(channels: c, in: context)
    let parts = sums.extend((pixels + chunk - 1) / chunk)
    let kernels = context.kernels.table
    context.threads.forEach(parts.count) { i in
        kernels.statistics(min(chunk, pixels - i * chunk), c, x.pointer + i * chunk * c, c, parts[i])
    }
    let result = Tensor(Shape(1, 1, 1, c), in: context)
    for j in 0..<c { result.pointer[j] = Float(parts.reduce(0) { $0 + $1[j] }) }
    return result
}
