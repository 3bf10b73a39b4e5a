/// Noise added to an image, the same in all its channels: what a convolutional network makes brush strokes of where the
/// photo is flat. Input x (N, H, W, C); the gradient passes through.
package struct Grain: DifferentiableOperation {
    /// Standard deviation of the noise.
    package var deviation: Float
    /// Where in the field each image of the batch lies: row and column of its first pixel.
    package var places: [(row: Int, column: Int)]

    package init(deviation: Float, places: [(row: Int, column: Int)]) {
        (self.deviation, self.places) = (deviation, places)
    }

    package func forward(_ inputs: [Tensor]) -> Tensor {
        let x = inputs[0].applied(), y = Tensor(x.shape, in: x.context), row = x.shape.w * x.shape.c
        y.pointer.update(from: x.pointer, count: x.shape.count)
        for (n, place) in places.enumerated() {
            GrainField(deviation: deviation).add(
                rows: place.row..<place.row + x.shape.h, columns: place.column..<place.column + x.shape.w,
                channels: x.shape.c,
                to: y.pointer + n * x.shape.h * row, y.context)
        }
        return y
    }

    package func backward(_ inputs: [Tensor], output: Tensor, gradient: Tensor, needed: [Bool]) -> [Tensor?] {
        [gradient]
    }

    package func reference(_ inputs: [ReferenceTensor]) -> ReferenceTensor {
        ReferenceTensor(inputs[0].shape) { n, y, x, c in
            let place = places[n]
            return inputs[0][n, y, x, c]
                + Double(GrainField(deviation: deviation).value(place.row + y, place.column + x))
        }
    }
}

/// A plane of noise that follows from a pixel's place alone, so that bands, threads and runs see the same: a hash of
/// the place, evenly distributed, smoothed by the binomial of nine taps in both directions. It is stationary: noise
/// interpolated between the nodes of a grid would lend the grid to the picture. All sums are whole numbers, exact on
/// every machine.
package struct GrainField: Sendable {
    package let deviation: Float
    private let scale: Float

    private static let taps: [Int32] = [1, 8, 28, 56, 70, 56, 28, 8, 1]
    private static let reach = 4
    /// Bits of a hash that are used, so that the smoothed sums (65,536 times as large) fit 32 bits.
    private static let bits = 15
    /// Of the smoothed sums: 2^bits / sqrt(12) for even numbers, times the sum of the squared taps, 12,870.
    private static let sumDeviation = Double(1 << bits) / 12.0.squareRoot() * 12_870

    package init(deviation: Float) {
        self.deviation = deviation
        scale = Float(Double(deviation) / Self.sumDeviation)
    }

    /// Adds the field's rows and columns to (rows, columns, channels) values, on all threads.
    package func add(
        rows: Range<Int>, columns: Range<Int>, channels: Int, to values: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let width = columns.count, bandRows = 32
        context.threads.forEach((rows.count + bandRows - 1) / bandRows) { band in
            let first = band * bandRows, count = min(bandRows, rows.count - first)
            var smoothed = [Int32](repeating: 0, count: (count + 2 * Self.reach) * width)
            var raw = [Int32](repeating: 0, count: width + 2 * Self.reach)
            var sums = [Int32](repeating: 0, count: width)
            smoothed.withUnsafeMutableBufferPointer { smoothed in
                for r in 0..<count + 2 * Self.reach {
                    Self.fill(
                        &raw, row: rows.lowerBound + first + r - Self.reach, from: columns.lowerBound - Self.reach)
                    Self.smooth(&raw, into: smoothed.baseAddress! + r * width, width)
                }
                for r in 0..<count {
                    sums.withUnsafeMutableBufferPointer { sums in
                        sums.update(repeating: 0)
                        for (k, tap) in Self.taps.enumerated() {
                            let source = smoothed.baseAddress! + (r + k) * width
                            for x in 0..<width { sums[x] &+= tap &* source[x] }
                        }
                        let target = values + (first + r) * width * channels
                        for x in 0..<width {
                            let noise = Float(sums[x]) * scale
                            for c in 0..<channels { target[x * channels + c] += noise }
                        }
                    }
                }
            }
        }
    }

    private static func smooth(_ raw: inout [Int32], into target: UnsafeMutablePointer<Int32>, _ width: Int) {
        raw.withUnsafeBufferPointer { raw in
            target.update(repeating: 0, count: width)
            for (k, tap) in taps.enumerated() {
                let source = raw.baseAddress! + k
                for x in 0..<width { target[x] &+= tap &* source[x] }
            }
        }
    }

    private static func fill(_ raw: inout [Int32], row: Int, from column: Int) {
        let seed = mixed(UInt32(truncatingIfNeeded: row))
        raw.withUnsafeMutableBufferPointer { raw in
            for i in 0..<raw.count { raw[i] = centred(mixed(UInt32(truncatingIfNeeded: column &+ i) ^ seed)) }
        }
    }

    private static func centred(_ hash: UInt32) -> Int32 { Int32(hash >> UInt32(32 - bits)) &- Int32(1 << (bits - 1)) }

    /// A hash of 32 bits without a visible bias (C. Wellons, "Prospecting for Hash Functions", 2018).
    private static func mixed(_ value: UInt32) -> UInt32 {
        var x = value &+ 0x9E37_79B9
        x = (x ^ x >> 16) &* 0x7FEB_352D
        x = (x ^ x >> 15) &* 0x846C_A68B
        return x ^ x >> 16
    }

    /// One value, slowly: the reference.
    func value(_ row: Int, _ column: Int) -> Float {
        var sum: Int32 = 0
        for (i, a) in Self.taps.enumerated() {
            let seed = Self.mixed(UInt32(truncatingIfNeeded: row + i - Self.reach))
            for (j, b) in Self.taps.enumerated() {
                sum += a * b * Self.centred(Self.mixed(UInt32(truncatingIfNeeded: column + j - Self.reach) ^ seed))
            }
        }
        return Float(sum) * scale
    }
}
