import CTensorKernels

extension Tensor {
    /// The values as they are read, with the reading applied and `residual` added, as a tensor of their own.
    /// With `inPlaceOf` the result overwrites that tensor's buffer, which may be self or the residual.
    package func applied(adding residual: Tensor? = nil, inPlaceOf target: Tensor? = nil) -> Tensor {
        precondition(residual == nil || residual!.shape == shape && residual!.reading == nil)
        guard let reading else { return self }
        let y = target.map { $0.read(through: nil) } ?? Tensor(shape, in: context)
        let kernels = context.kernels.table
        let pixels = shape.h * shape.w, chunk = max(1, 16_384 / shape.c)
        let chunks = (pixels + chunk - 1) / chunk
        context.threads.forEach(shape.n * chunks) { item in
            let n = item / chunks, first = item % chunks * chunk
            let offset = (n * pixels + first) * shape.c
            var read = reading.kernel(n)
            kernels.normalize(
                min(chunk, pixels - first), shape.c, pointer + offset, &read,
                residual.map { UnsafePointer($0.pointer + offset) },
                y.pointer + offset)
        }
        return y
    }
}

extension Band {
    /// Adds rows `rows` of this band, read through its reading, to the same rows of x: (1, H, W, C).
    package func add(rows: Range<Int>, to x: Tensor) {
        precondition(reading != nil && x.shape.w == width && x.shape.c == channels && x.shape.h == height)
        let kernels = x.context.kernels.table
        let row = width * channels
        x.context.threads.forEach(rows.count) { i in
            let y = rows.lowerBound + i
            var read = reading!
            let target = x.pointer + y * row
            kernels.normalize(
                width, channels, image.data + (y - image.first_row) * image.row_stride, &read, target, target)
        }
    }
}
