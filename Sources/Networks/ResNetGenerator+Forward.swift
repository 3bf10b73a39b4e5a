import Tensors

extension ResNetGenerator {
    /// What is kept in memory between layers; the result is the same.
    package enum Storage: Int, Sendable, CaseIterable, Comparable {
        /// Every layer's output whole.
        case all
        /// The layers at full resolution are computed twice: for their statistics, then for their values.
        case halfResolution
        /// Those at half resolution too, and the second convolution of each residual block.
        case quarterResolution

        package static func < (a: Storage, b: Storage) -> Bool { a.rawValue < b.rawValue }
    }

    /// Bytes of activations that a height x width image (both multiples of 4) needs at the peak, about.
    package func activationBytes(height: Int, width: Int, storage: Storage) -> Int {
        // A quarter-resolution buffer has 4b channels of h/4 x w/4 floats: as many bytes as h * w * b.
        let quarter = height * width * description.baseChannels
        switch storage {
        // The image's own rows too, which elsewhere are a band's.
        case .all: return 6 * quarter + 12 * height * width
        case .halfResolution: return 3 * quarter + 4 * bandBytes(height: height, width: width)
        case .quarterResolution: return 2 * quarter + 5 * bandBytes(height: height, width: width)
        }
    }

    /// The storage to use where memory is plentiful: storing all is faster by a tenth or more, but past some size the
    /// memory is worth more.
    package func preferredStorage(height: Int, width: Int) -> Storage {
        activationBytes(height: height, width: width, storage: .all) <= 1 << 30 ? .all : .halfResolution
    }

    /// Rows of full resolution that are computed at a time.
    private func fullBandRows(width: Int) -> Int {
        if let rows = context.tuning.bandRows { return rows }
        // About 16 MB of the widest layer, but not so few rows that the overlap of bands costs more than it saves.
        return max(32, min(1 << 20, (1 << 22) / (width * description.baseChannels)) / 4 * 4)
    }

    private func bandBytes(height: Int, width: Int) -> Int {
        4 * min(height, fullBandRows(width: width) + 16) * width * description.baseChannels
    }

    /// Translates one image of any size: x (1, H, W, 3) in [-1, 1] to the same.
    package func callAsFunction(_ x: Tensor, storage: Storage? = nil) -> Tensor {
        let row = x.shape.w * 3
        let storage = storage ?? preferredStorage(height: x.shape.h, width: x.shape.w)
        let y = Tensor(x.shape, in: context)
        // Without a report nothing can abandon it.
        try! translate(height: x.shape.h, width: x.shape.w, storage: storage, progress: nil) { rows, target in
            target.update(from: x.pointer + rows.lowerBound * row, count: rows.count * row)
        } output: { rows, values in
            (y.pointer + rows.lowerBound * row).update(from: values, count: rows.count * row)
        }
        return y
    }

    /// Translates an image of any size, a band of rows at a time. Inside, it is padded at the right and the bottom to
    /// multiples of 4, at least 8, by reflection (where it is too small for that: by repeating the edge).
    /// - Parameters:
    ///   - progress: is told the part done, from 0 to 1; answers false to abandon the work.
    ///   - input: writes rows of the image, (rows, width, 3) in [-1, 1]; asked more than once for the same rows, on the
    ///     calling thread.
    ///   - output: gets rows of the result, (rows, width, 3), from top to bottom, each once.
    /// - Throws: `GeneratorError.abandoned`.
    package func translate(
        height: Int, width: Int, storage: Storage, progress: ((Double) -> Bool)?,
        input: @escaping (Range<Int>, UnsafeMutablePointer<Float>) -> Void,
        output: (Range<Int>, UnsafePointer<Float>) -> Void
    ) throws {
        precondition(height > 0 && width > 0, "an image of \(width)x\(height)")
        let (paddedHeight, paddedWidth) = (Self.paddedSide(height), Self.paddedSide(width))
        let padded = height != paddedHeight || width != paddedWidth
        try translatePadded(height: paddedHeight, width: paddedWidth, storage: storage, progress: progress) {
            [context] rows, target in
            guard padded else { return input(rows, target) }
            fillPadded(
                rows, height: height, width: width, paddedWidth: paddedWidth, target: target, context, input: input)
        } output: { rows, values in
            let kept = rows.clamped(to: 0..<height)
            guard padded else { return output(rows, values) }
            guard !kept.isEmpty else { return }
            let cropped = context.buffers.take(kept.count * width * 3)
            for y in 0..<kept.count {
                (cropped.pointer + y * width * 3).update(from: values + y * paddedWidth * 3, count: width * 3)
            }
            output(kept, cropped.pointer)
        }
    }

    /// The side that an image's side is padded to.
    package static func paddedSide(_ side: Int) -> Int {
        max(minimumSide, (side + sideMultiple - 1) / sideMultiple * sideMultiple)
    }

    /// height and width: multiples of 4, at least 8.
    private func translatePadded(
        height: Int, width: Int, storage: Storage, progress: ((Double) -> Bool)?,
        input: @escaping (Range<Int>, UnsafeMutablePointer<Float>) -> Void,
        output: (Range<Int>, UnsafePointer<Float>) -> Void
    ) throws {
        let meter = Meter(total: work(height: height, width: width, storage: storage), report: progress)
        let full = storage == .all ? height : fullBandRows(width: width)

        // Grain lies on the image as the network sees it, its padding too: it follows from a pixel's place alone.
        let context = context, grain = description.grain > 0 ? GrainField(deviation: Float(description.grain)) : nil
        let colours =
            description.skip == .colours
            ? ImageColours(height: height, width: width, in: context, input: input) : nil
        var x: any Stage = InputStage(height: height, width: width, context: context) { rows, target in
            input(rows, target)
            grain?.add(rows: rows, columns: 0..<width, channels: 3, to: target, context)
        }
        /// The layer before is not read any more: where memory is short, what it took goes back before the next takes
        /// its own.
        func advance(_ next: any Stage) {
            x = next
            if storage != .all { context.buffers.trim(above: 32 << 20) }
        }
        advance(try layer(first, x, slope: slope, stored: storage == .all, bandRows: full, meter))
        advance(try layer(down1, x, slope: slope, stored: storage < .quarterResolution, bandRows: full / 2, meter))
        // The quarter-resolution buffers lie in one of full resolution, which nothing else needs at that time.
        var buffers: [Buffer?] = [nil, nil, nil]
        if storage == .all {
            let count = height * width * description.baseChannels / 4, whole = context.buffers.take(4 * count)
            buffers = (0..<3).map { whole.part($0 * count..<($0 + 1) * count) }
        }
        advance(try layer(down2, x, slope: slope, stored: true, in: buffers[0], bandRows: full / 4, meter))
        advance(
            try trunk(
                x as! StoredStage, twice: storage == .quarterResolution, (buffers[1], buffers[2]), bandRows: full / 4,
                meter))
        buffers = []
        advance(try layer(up1, x, slope: slope, stored: storage < .quarterResolution, bandRows: full / 2, meter))
        advance(try layer(up2, x, slope: slope, stored: storage == .all, bandRows: full, meter))
        try inBands(height, full) { rows in
            let buffer = context.buffers.take(rows.count * width * 3)
            try compute(last, x, rows, into: buffer.pointer, sums: nil, meter)
            if let colours {
                let added = context.buffers.take(rows.count * width * 3)
                colours.write(rows: rows, to: added.pointer)
                context.tanhOfSum(buffer.pointer, added.pointer, count: rows.count * width * 3)
            }
            output(rows, buffer.pointer)
        }
    }

    /// One convolution with normalisation and activation: its output kept, or only its statistics.
    private func layer(
        _ convolution: any PackedConvolution, _ input: any Stage, slope: Float, stored: Bool, in buffer: Buffer? = nil,
        bandRows: Int,
        _ meter: Meter
    ) throws -> any Stage {
        let size = convolution.outputSize(height: input.height, width: input.width)
        let sums = ChannelSums(channels: convolution.outputChannels, in: context)
        let reading = Reading(n: 1, c: convolution.outputChannels, slope: slope, in: context)
        let pixels = size.height * size.width
        let rowFloats = size.width * convolution.outputChannels
        defer { sums.finish(pixels: pixels, into: reading, image: 0) }
        // Where the input is there whole, so is the output made; else as many rows as the input's bands give.
        let step = stored && input is StoredStage ? size.height : bandRows
        if stored {
            let y = Tensor(Shape(1, size.height, size.width, convolution.outputChannels), in: context, buffer: buffer)
            try inBands(size.height, step, alignment: convolution.rowAlignment) { rows in
                try compute(convolution, input, rows, into: y.pointer + rows.lowerBound * rowFloats, sums: sums, meter)
            }
            return StoredStage(tensor: y.read(through: reading))
        }
        try inBands(size.height, step, alignment: convolution.rowAlignment) { rows in
            let buffer = context.buffers.take(rows.count * rowFloats)
            try compute(convolution, input, rows, into: buffer.pointer, sums: sums, meter)
        }
        return ComputedStage(
            convolution: convolution, input: input, height: size.height, width: size.width, reading: reading,
            meter: meter)
    }

    /// The residual blocks, x + norm(conv(act(norm(conv(x))))): in three buffers, two of them given or from the pool;
    /// in two buffers where `twice` computes the second convolution once for its statistics and once for its values.
    private func trunk(
        _ raw: StoredStage, twice: Bool, _ buffers: (Buffer?, Buffer?), bandRows: Int, _ meter: Meter
    ) throws -> any Stage {
        let x = raw.tensor.applied(inPlaceOf: raw.tensor)
        for block in blocks {
            let y = try layer(
                block.first, StoredStage(tensor: x), slope: slope, stored: true, in: buffers.0, bandRows: bandRows,
                meter)
            let z = try layer(block.second, y, slope: 1, stored: !twice, in: buffers.1, bandRows: bandRows, meter)
            try inBands(x.shape.h, twice ? bandRows : x.shape.h, alignment: block.second.rowAlignment) { rows in
                let (band, owner) = try z.rows(rows)
                withExtendedLifetime(owner) { band.add(rows: rows, to: x) }
            }
        }
        return StoredStage(tensor: x)
    }

    /// Calls `body` with bands of about `step` rows, each starting at a multiple of `alignment`.
    private func inBands(_ height: Int, _ step: Int, alignment: Int = 1, _ body: (Range<Int>) throws -> Void) rethrows {
        let step = max(1, (step + alignment - 1) / alignment) * alignment
        for y in stride(from: 0, to: height, by: step) { try body(y..<min(height, y + step)) }
    }

    private func work(height: Int, width: Int, storage: Storage) -> Double {
        let full = height * width
        func work(_ c: any PackedConvolution, _ pixels: Int) -> Double { Meter.work(c, pixels: pixels) }
        let fullTimes = storage == .all ? 1.0 : storage == .halfResolution ? 2 : 3
        let halfTimes = storage == .quarterResolution ? 2.0 : 1
        var total = fullTimes * work(first, full) + halfTimes * work(down1, full / 4) + work(down2, full / 16)
        for block in blocks { total += work(block.first, full / 16) + halfTimes * work(block.second, full / 16) }
        total += halfTimes * work(up1, full / 4) + (storage == .all ? 1 : 2) * work(up2, full) + work(last, full)
        if storage == .quarterResolution { total += work(up1, full / 4) }
        return total
    }
}

/// Writes rows of the padded image to `target`, asking `input` for rows of the image itself.
private func fillPadded(
    _ rows: Range<Int>, height: Int, width: Int, paddedWidth: Int, target: UnsafeMutablePointer<Float>,
    _ context: ComputeContext, input: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
) {
    func source(_ i: Int, _ side: Int, _ padded: Int) -> Int {
        i < side ? i : padded - side < side ? 2 * (side - 1) - i : side - 1
    }
    let sources = rows.map { source($0, height, ResNetGenerator.paddedSide(height)) }
    let first = sources.min()!, last = sources.max()!
    let image = context.buffers.take((last - first + 1) * width * 3)
    input(first..<last + 1, image.pointer)
    for (i, y) in sources.enumerated() {
        let from = image.pointer + (y - first) * width * 3, to = target + i * paddedWidth * 3
        to.update(from: from, count: width * 3)
        for x in width..<max(width, paddedWidth) {
            let sx = source(x, width, paddedWidth)
            for c in 0..<3 { to[x * 3 + c] = from[sx * 3 + c] }
        }
    }
}
