/// Brightness, saturation and contrast changed, as in DiffAugment (Zhao et al. 2020, "color"): a constant added, then
/// the distance from the pixel's mean scaled, then the distance from the image's mean.
package struct ColourJitter: DifferentiableOperation {
    package struct Amounts: Sendable {
        package var brightness, saturation, contrast: Double

        package init(brightness: Double, saturation: Double, contrast: Double) {
            (self.brightness, self.saturation, self.contrast) = (brightness, saturation, contrast)
        }
    }
    /// One for each image of the batch.
    package var amounts: [Amounts]

    package init(_ amounts: [Amounts]) { self.amounts = amounts }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), y = Tensor(x.shape, in: x.context), pixel = x.shape.c,
            image = x.shape.count / x.shape.n
        for (n, amount) in amounts.enumerated() {
            let (source, target) = (x.pointer + n * image, y.pointer + n * image)
            // Saturation keeps every pixel's mean, so the image's mean is that of the input.
            let mean = Float(sum(source, image) / Double(image) + amount.brightness)
            let (brightness, saturation, contrast) = (
                Float(amount.brightness), Float(amount.saturation), Float(amount.contrast)
            )
            for i in stride(from: 0, to: image, by: pixel) {
                let grey = Float(sum(source + i, pixel) / Double(pixel)) + brightness
                for j in i..<i + pixel {
                    let saturated = (source[j] + brightness - grey) * saturation + grey
                    target[j] = (saturated - mean) * contrast + mean
                }
            }
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        let result = Tensor(gradient.shape, in: gradient.context)
        let pixel = result.shape.c, image = result.shape.count / result.shape.n
        for (n, amount) in amounts.enumerated() {
            let (source, target) = (gradient.pointer + n * image, result.pointer + n * image)
            let (saturation, contrast) = (Float(amount.saturation), Float(amount.contrast))
            let throughMean = Float((1 - amount.contrast) * sum(source, image) / Double(image))
            for i in stride(from: 0, to: image, by: pixel) {
                let grey = Float(sum(source + i, pixel) / Double(pixel)) * contrast + throughMean
                for j in i..<i + pixel {
                    target[j] = (source[j] * contrast + throughMean - grey) * saturation + grey
                }
            }
        }
        return [result]
    }

    private func sum(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
        var sum = 0.0
        for i in 0..<count { sum += Double(values[i]) }
        return sum
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let shape = inputs[0].shape
        let bright = ReferenceTensor(shape) { n, y, x, c in inputs[0][n, y, x, c] + amounts[n].brightness }
        func grey(_ n: Int, _ y: Int, _ x: Int) -> Double {
            (0..<shape.c).reduce(0) { $0 + bright[n, y, x, $1] } / Double(shape.c)
        }
        let saturated = ReferenceTensor(shape) { n, y, x, c in
            (bright[n, y, x, c] - grey(n, y, x)) * amounts[n].saturation + grey(n, y, x)
        }
        let image = shape.count / shape.n
        let means = (0..<shape.n).map { n in saturated.values[n * image..<(n + 1) * image].reduce(0, +) / Double(image)
        }
        return ReferenceTensor(shape) { n, y, x, c in
            (saturated[n, y, x, c] - means[n]) * amounts[n].contrast + means[n]
        }
    }
}

/// Each image moved by whole pixels; 0 comes in from outside.
package struct Translation: DifferentiableOperation {
    /// Right and down, one for each image of the batch.
    package var offsets: [(x: Int, y: Int)]

    package init(_ offsets: [(x: Int, y: Int)]) { self.offsets = offsets }

    package func forward(_ inputs: [Tensor]) -> Tensor { moved(inputs[0].applied(), by: 1) }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        [moved(gradient, by: -1)]
    }

    private func moved(_ x: Tensor, by sign: Int) -> Tensor {
        let y = Tensor.zeros(x.shape, in: x.context), (h, w, c) = (x.shape.h, x.shape.w, x.shape.c)
        for (n, offset) in offsets.enumerated() {
            let (dx, dy) = (sign * offset.x, sign * offset.y)
            let columns = w - abs(dx)
            guard columns > 0 else { continue }
            for row in max(0, dy)..<max(max(0, dy), min(h, h + dy)) {
                let target = y.pointer + ((n * h + row) * w + max(0, dx)) * c
                target.update(from: x.pointer + ((n * h + row - dy) * w + max(0, -dx)) * c, count: columns * c)
            }
        }
        return y
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceTensor(inputs[0].shape) { n, y, x, c in
            inputs[0].padded(n, y - offsets[n].y, x - offsets[n].x, c, .zero)
        }
    }
}

/// A rectangle of each image set to 0.
package struct Cutout: DifferentiableOperation {
    /// One for each image of the batch; what reaches beyond the image is left out.
    package var rectangles: [(x: Range<Int>, y: Range<Int>)]

    package init(_ rectangles: [(x: Range<Int>, y: Range<Int>)]) { self.rectangles = rectangles }

    package func forward(_ inputs: [Tensor]) -> Tensor { cut(inputs[0].applied()) }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        [cut(gradient)]
    }

    private func cut(_ x: Tensor) -> Tensor {
        let y = Tensor(x.shape, in: x.context), (h, w, c) = (x.shape.h, x.shape.w, x.shape.c)
        y.pointer.update(from: x.pointer, count: x.shape.count)
        for (n, rectangle) in rectangles.enumerated() {
            let columns = rectangle.x.clamped(to: 0..<w)
            for row in rectangle.y.clamped(to: 0..<h) {
                (y.pointer + ((n * h + row) * w + columns.lowerBound) * c).update(
                    repeating: 0, count: columns.count * c)
            }
        }
        return y
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceTensor(inputs[0].shape) { n, y, x, c in
            rectangles[n].x.contains(x) && rectangles[n].y.contains(y) ? 0 : inputs[0][n, y, x, c]
        }
    }
}
